# SPDX-License-Identifier: GPL-2.0-or-later
"""A private daemon for one test or one module: own directory, own admin socket, own ports.

Environment:
  TGTD, TGTADM   the programs under test (default: tgtd and tgtadm in TGT_BUILD)
  TGT_BUILD      the build directory (default: build, at the top of the tree)
  TGT_WORKERS    worker threads of the daemon (default 2)
  TGT_WRAP       a command before the daemon's (setarch -R ...)
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Mapping, Sequence

TREE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TGT_BUILD", TREE / "build"))
TGTD = Path(os.environ.get("TGTD", BUILD / "tgtd"))
TGTADM = Path(os.environ.get("TGTADM", BUILD / "tgtadm"))

START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0
IQN = "iqn.2001-04.org.example:"
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Sanitizer:DEADLYSIGNAL"
)
# A sanitizer build stops at its first report; the status tells that apart from an ordinary exit.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=86",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=66:second_deadlock_stack=1",
}


class DaemonError(AssertionError):
    """The daemon did not start, died, did not stop, or a sanitizer reported something."""


class AdmError(AssertionError):
    """tgtadm ended with an exit status that the test did not ask for."""

    def __init__(self, args: Sequence[str], status: int, out: str, err: str) -> None:
        super().__init__(f"tgtadm {' '.join(args)}: exit {status}\n{out}{err}")
        self.status = status
        self.out = out
        self.err = err


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on, outside the range from which the kernel takes source ports."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port


def has_option(program: Path, option: str) -> bool:
    """Whether the program's help names the option."""
    run = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return option in run.stdout + run.stderr


def portal_text(host: str, port: int) -> str:
    """host:port as the programs and RFC 7143 write it, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Daemon:
    """Owns one daemon process and its directory. `with Daemon() as d:` starts and stops it."""

    def __init__(
        self,
        *,
        workers: int | None = None,
        hosts: Sequence[str] = ("127.0.0.1",),
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="tgt-"))
        self.log = self.dir / "log"
        self.hosts = tuple(hosts)
        self.port = free_port(*self.hosts[:1])
        self.program = TGTD
        self.launcher: list[str] = []  # goes before the daemon's command
        self.pass_fds: tuple[int, ...] = ()
        self.ours = has_option(TGTD, "--workers")
        self._workers = workers or int(os.environ.get("TGT_WORKERS", "2"))
        self._options = list(options)
        self._env = {**os.environ, **SANITIZER_ENV, **(env or {})}
        self._env["TGT_IPC_SOCKET"] = str(self.dir / "socket")
        self.prefix = os.environ.get("TGT_WRAP", "").split()  # goes before both programs
        self._process: subprocess.Popen[bytes] | None = None
        self._next_tid = 1

    # --- life ------------------------------------------------------------------------------

    def __enter__(self) -> Daemon:
        try:
            self.start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self.running:
                self.stop()
            self.check_log()
        except DaemonError:
            kind = kind or DaemonError
            raise
        finally:
            if kind is not None:
                self.print_log()
            self._discard()

    def start(self) -> None:
        """Starts the process and waits until it answers tgtadm."""
        portals = ",".join(f"portal={portal_text(host, self.port)}" for host in self.hosts)
        command = [*self.launcher, *self.prefix, str(self.program), "-f", "-C", "0"]
        command += ["--iscsi", portals] if portals else []
        command += [*self._worker_options(), *self._options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                pass_fds=self.pass_fds,
            )
        self._wait_ready()

    def stop(self) -> None:
        """SIGTERM; the daemon has to end with status 0 in time. tgt ignores it with targets: killed."""
        if not self.ours:
            self.kill()
            return
        status = self.terminate(STOP_LIMIT_S)
        if status != 0:
            raise DaemonError(f"tgtd ended with status {status} after SIGTERM")

    def terminate(self, limit: float) -> int:
        """SIGTERM, and the exit status; killed, and an error, after so many seconds."""
        self._must_run().send_signal(signal.SIGTERM)
        return self.wait_end(limit)

    def wait_end(self, limit: float = STOP_LIMIT_S) -> int:
        """The exit status of a daemon that was told to stop; killed, and an error, after so many seconds."""
        try:
            return self._must_run().wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DaemonError(f"tgtd still runs {limit:g} s after it was told to stop") from None

    def kill(self) -> None:
        """kill -9: what a crash looks like from outside."""
        process = self._must_run()
        process.kill()
        process.wait()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._must_run().pid

    def check_alive(self) -> None:
        """Fails when the daemon has died or a sanitizer has reported."""
        self.check_log()
        if not self.running:
            status = self._process.returncode if self._process else None
            raise DaemonError(f"tgtd died with status {status}")

    def check_log(self) -> None:
        """Fails when a sanitizer has reported something."""
        found = SANITIZER_REPORT.search(self.log_text())
        if found:
            raise DaemonError(f"sanitizer report in the log: {found.group(0)}")

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def print_log(self) -> None:
        print(
            f"--- log of {TGTD} ---\n{self.log_text()[-20000:]}--- end of log ---", file=sys.stderr
        )

    # --- administration --------------------------------------------------------------------

    def adm(self, *args: str, status: int = 0) -> str:
        """Runs tgtadm and returns its standard output; another exit status than `status` raises."""
        run = subprocess.run(
            [*self.prefix, str(TGTADM), "-C", "0", *args],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if run.returncode != status:
            raise AdmError(args, run.returncode, run.stdout, run.stderr)
        return run.stdout

    def add_target(
        self, tid: int | None = None, *, acl: str | None = "ALL", **params: object
    ) -> Target:
        """A new target; keyword arguments are target parameters (MaxBurstLength=4096 ...)."""
        number = tid if tid is not None else self._next_tid
        self._next_tid = max(self._next_tid, number) + 1
        name = f"{IQN}t{number}"
        self.adm("-L", "iscsi", "-m", "target", "-o", "new", "-t", str(number), "-T", name)
        if acl:
            self.adm("-m", "target", "-o", "bind", "-t", str(number), "-I", acl)
        for key, value in params.items():
            self.update_target(number, key, value)
        return Target(self, number, name)

    def update_target(self, tid: int, key: str, value: object) -> None:
        self.adm("-m", "target", "-o", "update", "-t", str(tid), "-n", key, "-v", str(value))

    def add_disk(
        self,
        tid: int,
        lun: int,
        size: int,
        *,
        blocksize: int = 512,
        path: Path | None = None,
        **params: object,
    ) -> Path:
        """A sparse file as logical unit; keyword arguments are LU parameters (readonly=1 ...)."""
        file = path or self.dir / f"disk-{tid}-{lun}"
        if not file.exists():
            with file.open("wb") as new:
                new.truncate(size)
        where = ("-m", "logicalunit", "-t", str(tid), "-l", str(lun))
        self.adm(*where, "-o", "new", "-b", str(file), "-y", str(blocksize))
        if params:
            text = ",".join(f"{key}={value}" for key, value in params.items())
            self.adm(*where, "-o", "update", "-P", text)
        return file

    def delete_target(self, tid: int) -> None:
        self.adm("-m", "target", "-o", "delete", "-t", str(tid), "--force")

    # --- internals -------------------------------------------------------------------------

    def _worker_options(self) -> list[str]:
        return ["--workers", str(self._workers)] if self.ours else []

    def _must_run(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise DaemonError("tgtd was not started")
        return self._process

    def _wait_ready(self) -> None:
        process, limit = self._must_run(), time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            if process.poll() is not None:
                raise DaemonError(
                    f"tgtd ended at once with status {process.returncode}:\n{self.log_text()}"
                )
            try:
                self.adm("-m", "system", "-o", "show")
                return
            except AdmError:
                time.sleep(0.05)
        raise DaemonError(f"tgtd does not answer after {START_LIMIT_S:g} s:\n{self.log_text()}")

    def _discard(self) -> None:
        if self.running:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class Target:
    """A target of a Daemon: its number, its name and how to change it."""

    def __init__(self, daemon: Daemon, tid: int, name: str) -> None:
        self.daemon = daemon
        self.tid = tid
        self.name = name
        self.user = ""  # a CHAP account bound to it, if a test made one

    @property
    def portal(self) -> str:
        return portal_text(self.daemon.hosts[0], self.daemon.port)

    def url(self, lun: int, user: str = "") -> str:
        """The address in libiscsi's notation; user is empty or `name%password@`."""
        return f"iscsi://{user}{self.portal}/{self.name}/{lun}"

    def add_disk(
        self,
        lun: int,
        size: int,
        *,
        blocksize: int = 512,
        path: Path | None = None,
        **params: object,
    ) -> Path:
        return self.daemon.add_disk(self.tid, lun, size, blocksize=blocksize, path=path, **params)

    def update(self, key: str, value: object) -> None:
        self.daemon.update_target(self.tid, key, value)

    def delete(self) -> None:
        self.daemon.delete_target(self.tid)
