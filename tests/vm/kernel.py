# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's kernel and initial RAM disk, made from the Debian kernel that is installed here.

The kernel image is unpacked on the host: emulated, that takes seconds. The RAM disk is busybox and the modules that
mount the host's / over 9p; everything else the guest takes from there.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import subprocess
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
XZ_MAGIC = b"\xfd7zXZ\x00"
INIT = """#!/bin/busybox sh
# Mounts the host's / read-only under a RAM overlay, then hands over to /out/guest-init there.
B=/bin/busybox
die() { echo "guest: $*"; $B poweroff -f; }
$B mount -t proc p /proc; $B mount -t sysfs s /sys; $B mount -t devtmpfs d /dev 2>/dev/null
for m in $($B cat /mod/order); do $B insmod /mod/$m || die "cannot load $m"; done
O=trans=virtio,version=9p2000.L,msize=512000
$B mount -t 9p -o ro,cache=loose,$O hostroot /ro || die "no 9p root"
$B mount -t tmpfs -o size=70% t /rw; $B mkdir /rw/u /rw/w
$B mount -t overlay -o lowerdir=/ro,upperdir=/rw/u,workdir=/rw/w o /new || die "no overlay"
for d in tmp run var/tmp; do $B mkdir -p /new/$d; $B mount -t tmpfs t /new/$d; done
$B mkdir -p /new/proc /new/sys /new/dev
for d in proc sys dev; do $B mount -o move /$d /new/$d; done
$B mkdir -p /new/dev/shm /new/dev/pts /new/run/out
$B mount -t tmpfs t /new/dev/shm; $B mount -t devpts p /new/dev/pts
$B mount -t 9p -o $O out /new/run/out || die "no way out"
exec $B switch_root /new /run/out/guest-init
"""


class KernelError(Exception):
    """What is missing on this machine, as a sentence."""


def installed_version() -> str:
    """The newest kernel that has an image and modules with the iSCSI initiator."""
    found = [
        image.name.removeprefix("vmlinuz-")
        for image in Path("/boot").glob("vmlinuz-*")
        if (Path("/lib/modules") / image.name.removeprefix("vmlinuz-") / "modules.dep").exists()
    ]
    if not found:
        raise KernelError("no kernel image with modules in /boot: install linux-image-amd64")
    return max(found, key=lambda version: (Path("/boot") / f"vmlinuz-{version}").stat().st_mtime)


def headers() -> Path:
    """Of that kernel, to build modules."""
    found = Path("/lib/modules") / installed_version() / "build"
    if not (found / "Makefile").exists():
        raise KernelError(f"no {found}: install linux-headers-amd64")
    return found.resolve()


def unpack_image(version: str, to: Path) -> None:
    """Writes the ELF kernel out of the compressed image; QEMU starts it through its PVH note."""
    image = (Path("/boot") / f"vmlinuz-{version}").read_bytes()
    begin = image.find(XZ_MAGIC)
    if begin < 0:
        shutil.copy(
            Path("/boot") / f"vmlinuz-{version}", to
        )  # another compression: the guest unpacks it itself
        return
    to.write_bytes(lzma.LZMADecompressor().decompress(image[begin:]))


def module_files(version: str) -> list[Path]:
    """The modules of the RAM disk in the order in which they have to be loaded."""
    order: list[Path] = []
    for module in BOOT_MODULES:
        command = ["modprobe", "-S", version, "--show-depends", module]
        out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        for line in out.splitlines():
            words = line.split()
            if words and words[0] == "insmod" and Path(words[1]) not in order:
                order.append(Path(words[1]))
    return order


def make_initrd(version: str | None, work: Path, to: Path) -> None:
    """Writes the RAM disk; `work` is an empty directory to build it in. No version: the kernel needs no modules."""
    for folder in ("bin", "mod", "proc", "sys", "dev", "ro", "rw", "new"):
        (work / folder).mkdir(parents=True)
    if not BUSYBOX.exists():
        raise KernelError("no /bin/busybox: install busybox-static")
    shutil.copy(BUSYBOX, work / "bin/busybox")
    modules = module_files(version) if version else []
    for module in modules:
        shutil.copy(module, work / "mod")
    (work / "mod/order").write_text("".join(f"{module.name}\n" for module in modules))
    (work / "init").write_text(INIT)
    (work / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(work)) for path in sorted(work.rglob("*"))) + "\n"
    archive = subprocess.run(
        ["cpio", "--create", "--format=newc", "--quiet"],
        cwd=work,
        input=names.encode(),
        capture_output=True,
        check=True,
    )
    to.write_bytes(gzip.compress(archive.stdout, 1))
