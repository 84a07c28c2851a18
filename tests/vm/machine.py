# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU guest: what it boots, what it sees of the host, and how it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from kernel import installed_version, make_initrd, unpack_image
from lib.daemon import TGTADM, TGTD

QEMU = "qemu-system-x86_64"
GUEST = Path(__file__).resolve().parent / "guest"
MEMORY_MIB = 768
GUEST_INIT = """#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
{environment}
cp "/run/out/${{TGTD##*/}}" "$TGTD" && cp "/run/out/${{TGTADM##*/}}" "$TGTADM"
ip link set lo up
ln -s /proc/self/fd /dev/fd && ln -s fd/0 /dev/stdin && ln -s fd/1 /dev/stdout && ln -s fd/2 /dev/stderr
bash {script}
echo "guest: end $?"
# An orderly end of the kernel waits two minutes for each disk whose target has gone. What is on the console comes first.
stty -F /dev/ttyS0 sane
echo b >/proc/sysrq-trigger
"""


@dataclass(frozen=True)
class Disk:
    """A virtio disk of the guest. The host keeps its cache: what the guest has written survives QEMU's end."""

    image: Path
    format: str = "qcow2"


class Image:
    """The kernel, its RAM disk and the folder that host and guest share, made once for all boots of a run."""

    def __init__(self, work: Path, built: Path | None = None, memory_mib: int = MEMORY_MIB) -> None:
        """`built`: a kernel that needs no modules for the guest's root; else it is Debian's."""
        self.kernel, self.initrd, self.out = work / "vmlinux", work / "initrd", work / "out"
        self.memory_mib = memory_mib
        self.more_cmdline = ""
        self.out.mkdir(exist_ok=True)
        if built:
            self.kernel = built
            make_initrd(None, work / "tree", self.initrd)
        else:
            version = installed_version()
            unpack_image(version, self.kernel)
            make_initrd(version, work / "tree", self.initrd)

    def prepare(
        self,
        script: str,
        settings: dict[str, str] | None = None,
        more: Sequence[Path] = (),
    ) -> None:
        """Makes the guest run a script of tests/vm/guest. What is under test is copied: the guest has a /tmp, a
        /run and the like of its own. It runs from the guest's memory, in half the time that the shared folder takes.
        `more` are programs that the script takes from /run/out itself.
        """
        for program in (TGTD, TGTADM, *more):
            command = ["strip", "--strip-debug", "-o", str(self.out / program.name), str(program)]
            subprocess.run(command, check=True)
        shutil.copytree(GUEST, self.out / "guest", dirs_exist_ok=True)
        values = {
            "TGTD": f"/run/{TGTD.name}",
            "TGTADM": f"/run/{TGTADM.name}",
            "GUEST_DIR": "/run/out/guest",
            **(settings or {}),
        }
        environment = "\n".join(f"export {name}='{value}'" for name, value in values.items())
        start = self.out / "guest-init"
        start.write_text(
            GUEST_INIT.format(environment=environment, script=f"/run/out/guest/{script}")
        )
        start.chmod(0o755)

    def command(self, disks: list[Disk], iscsi_port: int | None, cpu: str) -> list[str]:
        """Emulation on purpose: it works on every machine, nested or not."""
        command = [
            *(QEMU, "-accel", "tcg,thread=multi", "-cpu", cpu, "-smp", "2"),
            *("-m", str(self.memory_mib), "-display", "none", "-nodefaults", "-serial", "stdio"),
            *("-monitor", "none", "-no-reboot", "-device", "virtio-rng-pci"),
            *("-kernel", str(self.kernel), "-initrd", str(self.initrd)),
            "-virtfs",
            "local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap",
            "-virtfs",
            f"local,path={self.out},mount_tag=out,security_model=none",
            *("-append", f"console=ttyS0 loglevel=1 panic=-1 {self.more_cmdline}"),
        ]
        for number, disk in enumerate(disks):
            drive = f"if=none,id=disk{number},file={disk.image},format={disk.format}"
            command += ["-drive", f"{drive},cache=writeback,discard=unmap"]
            command += ["-device", f"virtio-blk-pci,drive=disk{number}"]
        if iscsi_port is not None:
            forward = f"hostfwd=tcp:127.0.0.1:{iscsi_port}-:3260"
            command += ["-netdev", f"user,id=net0,restrict=on,{forward}"]
            command += ["-device", "virtio-net-pci,netdev=net0,romfile="]
        return command


class Machine:
    """One boot. `with Machine(...) as m:` ends it; nothing of it is left."""

    def __init__(
        self,
        image: Image,
        disks: list[Disk] | None = None,
        iscsi_port: int | None = None,
        cpu: str = "max",
        log: Path | None = None,
    ) -> None:
        """`log`: the console goes there, too, as it comes."""
        self._log = log.open("wb", buffering=0) if log else None
        self._pieces: list[bytes] = []
        self._process = subprocess.Popen(
            image.command(disks or [], iscsi_port, cpu),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def console(self) -> str:
        """Everything that came so far."""
        return b"".join(self._pieces).decode(errors="replace").replace("\r", "")

    def wait_end(self, limit: float) -> bool:
        """False, and the guest is killed, when it has not powered off in time."""
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self._reader.join()
        return True

    def wait_line(self, line: str, limit: float) -> bool:
        """Whether this line has come over the console before the limit and the guest's end."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if line in self.console.splitlines():
                return True
            if self._process.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def kill(self) -> None:
        """The power fails: what the guest had only in its memory is gone."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout
        while piece := os.read(self._process.stdout.fileno(), 1 << 16):
            self._pieces.append(piece)
            if self._log:
                self._log.write(piece)
