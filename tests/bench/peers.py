# SPDX-License-Identifier: GPL-2.0-or-later
"""The servers that scripts/bench compares. Each runs on ports, sockets and files of its own and serves one file."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Sequence

from lib.admin import Admin
from lib.daemon import free_port

HOST = "127.0.0.1"
IQN = "iqn.2001-04.org.example:bench"
MANY_LUNS = 10000
LUNS = {"file": 1, "null": 100, "tape": 101}
ADMINISTRATORS = 8  # at once, with so many units
LISTINGS = 10  # of all of them meanwhile
START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0


class PeerError(Exception):
    """A server did not start or refused its configuration."""


def output_of(*command: str | Path) -> str:
    """What a program prints, whatever its status; nothing when it is not there."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        return ""
    return run.stdout + run.stderr


def resident(pid: int) -> int:
    """Memory of a process that is in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Peer:
    """One server: start() it with a file to serve, drive it, stop() it. `dir` is its own and made new at each start."""

    name = ""

    def __init__(self, work: Path) -> None:
        self.dir = work / self.name
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, file: Path, options: Sequence[str] = (), luns: int = 1) -> None:
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.port = free_port()
        command = self.prepare(file, options)
        with (self.dir / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
            )
        self.wait_for(self.answers)
        self.configure(file, luns)

    def stop(self) -> None:
        """tgt and istgt do not end by themselves while they have targets: after SIGTERM comes SIGKILL."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM if self.polite else signal.SIGKILL)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    # --- what differs ------------------------------------------------------------------------

    polite = False

    def prepare(self, file: Path, options: Sequence[str]) -> list[str | Path]:
        raise NotImplementedError

    def configure(self, file: Path, luns: int) -> None:
        """What is told to the running server."""

    def add_tape(self, cartridge: Path, mebibytes: int) -> None:
        """A drive with an empty cartridge in it, where the server has such things."""

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def address(self, store: str) -> str | None:
        """Where a load finds this store; None: the server has none of the kind."""
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    # --- helpers -------------------------------------------------------------------------------

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def wait_for(self, ready: object) -> None:
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            if self.process is None or self.process.poll() is not None:
                break
            if ready():  # type: ignore[operator]
                return
            time.sleep(0.05)
        log = (self.dir / "log").read_text(errors="replace")
        self.stop()
        raise PeerError(f"{self.name} does not start:\n{log[-2000:]}")


class TgtPeer(Peer):
    """A daemon with tgt's command line: LUN 1 (and up to `luns`) is the file, others as LUNS has them."""

    name = "tgt"
    tgtd = Path("/usr/sbin/tgtd")
    tgtadm = Path("/usr/sbin/tgtadm")
    tgtimg = Path("/usr/sbin/tgtimg")
    null_source = "/dev/zero"

    def prepare(self, file: Path, options: Sequence[str]) -> list[str | Path]:
        portal = f"portal={HOST}:{self.port}"
        return [self.tgtd, "-f", "-C", "0", "--iscsi", portal, *options]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "TGT_IPC_SOCKET": str(self.dir / "socket")}

    def configure(self, file: Path, luns: int) -> None:
        self.adm("--lld iscsi --mode target --op new --tid 1", "-T", IQN)
        self.adm("--mode target --op update --tid 1 -n MaxQueueCmd -v 512")
        for digest in ("HeaderDigest", "DataDigest"):
            self.adm("--mode target --op update --tid 1 -v CRC32C,None", "-n", digest)
        for lun in range(1, luns + 1):
            backing = file if lun == 1 else file.with_name(f"{file.name}-{lun}")
            if lun > 1:
                with backing.open("wb") as sparse:
                    sparse.truncate(file.stat().st_size)
            self.new_lun(lun, "-b", backing)
        self.new_lun(LUNS["null"], "-E", "null", "-b", self.null_source)
        self.adm("--mode target --op bind --tid 1 -I ALL")

    def add_tape(self, cartridge: Path, mebibytes: int) -> None:
        words = ["--op=new", "--device-type=tape", "--type=data", "--barcode=BENCH001"]
        words += [f"--size={mebibytes}", f"--file={cartridge}"]
        subprocess.run([self.tgtimg, *words], check=True, capture_output=True, timeout=30)
        self.new_lun(LUNS["tape"], "-Y", "tape", "-b", cartridge)

    def new_lun(self, lun: int, *words: str | Path) -> None:
        self.adm(f"--lld iscsi --mode logicalunit --op new --tid 1 --lun {lun}", *words)

    def adm(self, text: str, *words: str | Path) -> None:
        run = subprocess.run(
            [self.tgtadm, "-C", "0", *text.split(), *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if run.returncode != 0:
            self.stop()
            raise PeerError(f"{self.name}: tgtadm {text}: {run.stdout}{run.stderr}")

    def answers(self) -> bool:
        return (self.dir / "socket.0").exists() and super().answers()

    def address(self, store: str) -> str | None:
        return f"iscsi://{HOST}:{self.port}/{IQN}/{LUNS[store]}" if store in LUNS else None

    def version(self) -> str:
        return f"tgt {output_of(self.tgtd, '--version').strip()} (Debian)"


class OurPeer(TgtPeer):
    """The daemon of this tree."""

    name = "ours"
    polite = True

    def __init__(self, work: Path, build: Path) -> None:
        super().__init__(work)
        self.tgtd = build / "tgtd"
        self.tgtadm = build / "tgtadm"
        self.tgtimg = build / "tgtimg"

    def has_option(self, option: str) -> bool:
        return option in output_of(self.tgtd, "--help")

    def version(self) -> str:
        return f"tgtd {output_of(self.tgtd, '--version').strip()} of this tree"

    def address(self, store: str) -> str | None:
        if store == "many":
            return f"iscsi://{HOST}:{self.port}/{IQN}/{MANY_LUNS}"
        return super().address(store)

    def make_many_luns(self) -> dict:
        """Null stores, up to LUN MANY_LUNS; what that takes."""
        free = [lun for lun in range(2, MANY_LUNS + 1) if lun != 100]
        null = {"tid": 1, "bstype": "null", "backing-store": "1g"}
        before, begin = resident(self.pid), time.monotonic()
        with Admin(self.dir) as admin:
            admin.batch(("logicalunit.new", null | {"lun": lun}) for lun in free)
        made, after = time.monotonic(), resident(self.pid)
        self.adm("--mode target --op show")
        shown = time.monotonic()
        return {
            "make_s": made - begin,
            "show_s": shown - made,
            "kib_per_lun": (after - before) / 1024 / len(free),
            **self.administrators_at_once(free[-ADMINISTRATORS:]),
            "kept_mib": (resident(self.pid) - after) / (1 << 20),
        }

    def administrators_at_once(self, luns: Sequence[int]) -> dict:
        """Each changes a unit of its own again and again while all units are listed: how long a change takes."""
        stop, times = threading.Event(), []

        def change(lun: int) -> None:
            with Admin(self.dir) as admin:
                while not stop.is_set():
                    begin = time.monotonic()
                    pairs = [["scsi_sn", f"{begin:.6f}"]]
                    admin.call("logicalunit.update", tid=1, lun=lun, params=pairs)
                    times.append(time.monotonic() - begin)
                    time.sleep(0.005)

        threads = [threading.Thread(target=change, args=(lun,)) for lun in luns]
        for thread in threads:
            thread.start()
        for _ in range(LISTINGS):
            self.adm("--mode target --op show")
        stop.set()
        for thread in threads:
            thread.join()
        times.sort()
        return {"change_p50_ms": 1e3 * times[len(times) // 2], "change_most_ms": 1e3 * times[-1]}


class IstgtPeer(Peer):
    """Debian's istgt: one process, a thread for each direction of each connection; it has no null store."""

    name = "istgt"
    program = Path("/usr/sbin/istgt")
    settings = """
[Global]
  NodeBase "iqn.2001-04.org.example"
  PidFile {dir}/pid
  AuthFile {dir}/auth.conf
  MediaDirectory {dir}
  LogFacility "local7"
  Timeout 30
  NopInInterval 20
  DiscoveryAuthMethod None
  MaxSessions 64
  MaxConnections 4
  MaxR2T 32
  MaxOutstandingR2T 16
  DefaultTime2Wait 2
  DefaultTime2Retain 60
  FirstBurstLength 262144
  MaxBurstLength 1048576
  MaxRecvDataSegmentLength 262144
  InitialR2T Yes
  ImmediateData Yes
  DataPDUInOrder Yes
  DataSequenceInOrder Yes
  ErrorRecoveryLevel 0
[UnitControl]
  AuthMethod None
  Portal UC1 {host}:{control}
  Netmask {host}
[PortalGroup1]
  Portal DA1 {host}:{port}
[InitiatorGroup1]
  InitiatorName "ALL"
  Netmask ALL
[LogicalUnit1]
  TargetName {iqn}
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod None
  UseDigest Auto
  UnitType Disk
  QueueDepth 128
  LUN0 Storage {file} Auto
"""

    def prepare(self, file: Path, options: Sequence[str]) -> list[str | Path]:
        auth = self.dir / "auth.conf"
        auth.touch(0o600)
        config = self.dir / "istgt.conf"
        config.write_text(
            self.settings.format(
                dir=self.dir, host=HOST, port=self.port, control=free_port(), iqn=IQN, file=file
            )
        )
        return [self.program, "-D", "-c", config, "-p", self.dir / "pid"]

    def address(self, store: str) -> str | None:
        return f"iscsi://{HOST}:{self.port}/{IQN}/0" if store == "file" else None

    def version(self) -> str:
        found = re.search(r"\d\S+", output_of("dpkg-query", "-W", "-f", "${Version}", "istgt"))
        return f"istgt {found.group(0) if found else '?'} (Debian)"


class EchoPeer(Peer):
    """The floor: TCP and epoll alone, with the same message sizes."""

    name = "echo"

    def __init__(self, work: Path, build: Path) -> None:
        super().__init__(work)
        self.program = build / "bench/echo"

    def prepare(self, file: Path, options: Sequence[str]) -> list[str | Path]:
        return [self.program, "--serve", f"{HOST}:{self.port}"]

    def address(self, store: str) -> str | None:
        return f"{HOST}:{self.port}"

    def version(self) -> str:
        return "echo: tests/bench/echo of this tree"


class CachedEchoPeer(EchoPeer):
    """The floor of reads: every answer is read from the file, out of the page cache."""

    name = "echo+file"

    def prepare(self, file: Path, options: Sequence[str]) -> list[str | Path]:
        return [*super().prepare(file, options), "--file", file]

    def version(self) -> str:
        return "echo+file: the same; what it answers reads with is read from the file"
