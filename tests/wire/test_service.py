# SPDX-License-Identifier: GPL-2.0-or-later
"""tgtd as a service: the configuration file, what the service manager is told, sockets that it passes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import SANITIZER_ENV, TGTD, Daemon, free_port
from lib.iscsi import Connection, Silence
from lib.waiting import wait_for

WAIT_S = 20.0
NAME = "iqn.2001-04.org.example:t1"

# Stands in for tgt-admin: says with what words it was called, waits for `go`, prints `say`, ends with `status`.
STAND_IN = """#!/bin/sh
cd "$(dirname "$0")" || exit 9
echo "$@" >> calls
while [ ! -e go ]; do sleep 0.02; done
cat say >&2
exit "$(cat status)"
"""
# sd_listen_fds(3): the sockets are descriptors 3 and up, and the variables are for this process.
PASS = """
import os, sys
from_fds = [os.dup(int(one)) for one in sys.argv[1].split(",")]
high = [os.dup2(one, 100 + i) for i, one in enumerate(from_fds)]
for i, one in enumerate(high):
    os.dup2(one, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=sys.argv[2])
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Manager:
    """The service manager's end of sd_notify(3)."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def close(self) -> None:
        self._socket.close()

    def next(self, timeout: float = WAIT_S) -> str:
        self._socket.settimeout(timeout)
        return self._socket.recv(4096).decode()

    def until(self, word: str, limit: float = WAIT_S) -> list[str]:
        """What it is told up to the message with this word."""
        told: list[str] = []
        end = time.monotonic() + limit
        while not told or word not in told[-1]:
            left = end - time.monotonic()
            assert left > 0, f"{word} was not told, but {told}"
            told.append(self.next(left))
        return told

    def drain(self) -> None:
        self._socket.setblocking(False)
        try:
            while self._socket.recv(4096):
                pass
        except BlockingIOError:
            pass


class Served(Daemon):
    """A daemon with a configuration file, a stand-in for tgt-admin beside it, and a service manager."""

    def __init__(self, folder: Path, *options: str, **env: str) -> None:
        self.bin = folder
        super().__init__(options=options, env={"NOTIFY_SOCKET": str(folder / "notify"), **env})
        self.program = folder / "tgtd"
        try:
            os.link(TGTD, self.program)
        except OSError:  # another file system
            shutil.copy(TGTD, self.program)
        self.manager = Manager(folder / "notify")
        admin = folder / "tgt-admin"
        admin.write_text(STAND_IN)
        admin.chmod(0o755)
        self.answer()

    def answer(self, status: int = 0, say: str = "") -> None:
        (self.bin / "status").write_text(f"{status}\n")
        (self.bin / "say").write_text(say)

    def go(self) -> None:
        (self.bin / "go").touch()

    def hold(self) -> None:
        (self.bin / "go").unlink()

    def calls(self) -> list[str]:
        calls = self.bin / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def add_disk_target(self) -> None:
        self.add_target(1).add_disk(1, 1 << 20)

    def connection(self, **options: object) -> Connection:
        return Connection("127.0.0.1", self.port, **options)  # type: ignore[arg-type]

    def __exit__(self, *error: object) -> None:  # type: ignore[override]
        try:
            super().__exit__(*error)  # type: ignore[arg-type]
        finally:
            self.manager.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Started; its configuration is being loaded until go()."""
    with Served(tmp_path, "--config", "/nonexistent/targets.conf") as daemon:
        yield daemon
        daemon.go()


def test_initiators_wait_until_the_configuration_is_loaded(served: Served) -> None:
    with served.connection() as early:  # the portal listens
        early.send(early.login_pdu(early.names(NAME), csg=1, nsg=3, transit=True))
        served.add_disk_target()  # the daemon is managed meanwhile
        with pytest.raises(Silence):
            early.recv(0.5)
        served.go()
        answer = early.recv()
        assert answer.bhs[36] == 0, "the connection that waited was not admitted"
    told = served.manager.until("READY=1")
    assert all("READY=1" not in one for one in told[:-1])
    assert "STATUS=Loading /nonexistent/targets.conf" in told[0]
    assert "EXTEND_TIMEOUT_USEC=" in told[0]


def test_progress_is_told_while_loading(served: Served) -> None:
    served.add_disk_target()
    assert any(": 1 targets" in one for one in served.manager.until(": 1 targets"))


def test_a_configuration_that_fails_stops_nothing(served: Served) -> None:
    served.answer(3, "targets.conf:4:9: no such directive\n")
    served.add_disk_target()
    served.go()
    ready = served.manager.until("READY=1")[-1]
    assert "exit status 3): targets.conf:4:9: no such directive" in ready
    assert "targets.conf:4:9" in served.log_text()
    with served.connection() as connection:
        connection.login(NAME)


def test_without_tgt_admin_it_serves_and_says_so(tmp_path: Path) -> None:
    with_empty_path = {"PATH": str(tmp_path / "nothing")}
    daemon = Served(tmp_path, "--config", "/etc/x", **with_empty_path)
    (tmp_path / "tgt-admin").unlink()
    daemon.prefix = [shutil.which(daemon.prefix[0]) or "", *daemon.prefix[1:]] if daemon.prefix else []
    with daemon:
        assert "cannot run tgt-admin" in daemon.manager.until("READY=1")[-1]


def test_without_a_configuration_it_is_ready_at_once(tmp_path: Path) -> None:
    with Served(tmp_path) as daemon:
        assert daemon.manager.next() == "READY=1\nSTATUS=Serving"
        assert not daemon.calls()
        os.kill(daemon.pid, signal.SIGHUP)  # nothing to reload: it lives on
        daemon.adm("-m", "system", "-o", "show")
        daemon.stop()
        assert daemon.manager.next().startswith("STOPPING=1")


def test_sighup_loads_again_and_sessions_stay(served: Served) -> None:
    served.add_disk_target()
    served.go()
    served.manager.until("READY=1")
    with served.connection() as session:
        session.login(NAME)
        session.settle()
        served.hold()
        os.kill(served.pid, signal.SIGHUP)
        told = served.manager.until("RELOADING=1")
        assert "MONOTONIC_USEC=" in told[-1]
        session.read(0, 1)
        served.go()
        assert "STATUS=Serving" in served.manager.until("READY=1")[-1]
        session.read(0, 1)
    command = "--update ALL -c /nonexistent/targets.conf -C 0 --keep-runtime --ignore-errors"
    assert served.calls() == [command, command]


def test_sighup_while_loading_is_not_lost(served: Served) -> None:
    for _ in range(2):
        os.kill(served.pid, signal.SIGHUP)
        served.adm("-m", "system", "-o", "show")
    served.go()
    served.manager.until("READY=1")
    served.manager.until("RELOADING=1")
    served.manager.until("READY=1")
    assert len(served.calls()) == 2


def test_sigterm_while_loading_stops(served: Served) -> None:
    assert served.terminate(10) == 0


def test_the_watchdog_is_fed_as_long_as_the_daemon_runs(tmp_path: Path) -> None:
    with Served(tmp_path, WATCHDOG_USEC="400000") as daemon:
        for _ in range(3):
            daemon.manager.until("WATCHDOG=1")
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            os.waitid(os.P_PID, daemon.pid, os.WSTOPPED | os.WNOWAIT)
            daemon.manager.drain()
            with pytest.raises(TimeoutError):
                daemon.manager.next(0.6)
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        daemon.manager.until("WATCHDOG=1")


def test_the_watchdog_is_fed_while_loading(tmp_path: Path) -> None:
    options = ("--config", "/nonexistent/targets.conf")
    with Served(tmp_path, *options, WATCHDOG_USEC="400000") as daemon:
        for _ in range(3):
            daemon.manager.until("WATCHDOG=1")
        daemon.go()


# --- in the background -------------------------------------------------------------------------


def test_in_the_background_the_start_ends_when_the_configuration_is_loaded(tmp_path: Path) -> None:
    daemon = Served(tmp_path)  # for its folder and its tgtadm
    port = free_port()
    command = [*daemon.prefix, str(daemon.program), "-C", "0", "--pid-file", "here.pid"]
    command += ["--config", "targets.conf", "--iscsi", f"portal=127.0.0.1:{port}"]
    env = {**os.environ, **SANITIZER_ENV, "TGT_IPC_SOCKET": str(daemon.dir / "socket")}
    starter = subprocess.Popen(command, env=env, cwd=tmp_path)
    pid_file = tmp_path / "here.pid"
    try:
        wait_for(lambda: daemon.calls() and pid_file.exists() and pid_file.read_text())
        with pytest.raises(subprocess.TimeoutExpired):
            starter.wait(0.3)
        daemon.go()
        assert starter.wait(WAIT_S) == 0
        assert f"-c {tmp_path}/targets.conf " in daemon.calls()[0]
    finally:
        daemon.go()
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
        wait_for(lambda: not pid_file.exists())
        daemon.manager.close()
        shutil.rmtree(daemon.dir)


# --- sockets that were passed ------------------------------------------------------------------


def listening(address: tuple[str, int] | str, both: bool = False) -> socket.socket:
    """A socket as systemd makes it."""
    if isinstance(address, str):
        made = socket.socket(socket.AF_UNIX)
    else:
        made = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
    made.bind(address)
    made.listen(16)
    return made


def give(daemon: Daemon, *sockets: tuple[socket.socket, str]) -> None:
    """The daemon is to start with these sockets, and no other portal."""
    descriptors = ",".join(str(one.fileno()) for one, _ in sockets)
    names = ":".join(name for _, name in sockets)
    daemon.hosts = ()
    daemon.launcher = [sys.executable, "-c", PASS, descriptors, names]
    daemon.pass_fds = tuple(one.fileno() for one, _ in sockets)


class Activated(Daemon):
    """A daemon whose sockets are given to it."""

    def __init__(self, *sockets: tuple[socket.socket, str]) -> None:
        super().__init__()
        give(self, *sockets)

    def portals(self) -> list[str]:
        return self.adm("-m", "portal", "-o", "show").split("\n")[:-1]


def test_a_passed_socket_is_the_portal() -> None:
    with listening(("127.0.0.1", free_port())) as own:
        port = own.getsockname()[1]
        with Activated((own, "tgt.socket")) as daemon:
            assert daemon.portals() == [f"Portal: 127.0.0.1:{port},1"]
            daemon.add_target(1)
            with Connection("127.0.0.1", port) as session:
                session.login(NAME)


def test_who_comes_while_nobody_runs_is_served_after_the_restart(tmp_path: Path) -> None:
    with listening(("127.0.0.1", free_port())) as own:
        daemon = Served(tmp_path, "--config", "/nonexistent/targets.conf")
        give(daemon, (own, "tgt.socket"))
        daemon.go()
        with daemon:
            daemon.manager.until("READY=1")
            daemon.hold()
            daemon.stop()
            with Connection("127.0.0.1", own.getsockname()[1]) as between:
                between.send(between.login_pdu(between.names(NAME), csg=1, nsg=3, transit=True))
                daemon.start()
                daemon.add_disk_target()
                daemon.go()
                assert between.recv().bhs[36] == 0


def test_a_portal_that_was_passed_can_be_removed_and_added_again() -> None:
    with listening(("127.0.0.1", free_port())) as own:
        port = own.getsockname()[1]
        with Activated((own, "")) as daemon:
            where = ("-P", f"portal=127.0.0.1:{port}")
            daemon.adm("-m", "portal", "-o", "delete", *where)
            assert daemon.portals() == []
            daemon.adm("-m", "portal", "-o", "new", *where)
            daemon.add_target(1)
            with Connection("127.0.0.1", port) as session:
                session.login(NAME)


def test_a_socket_for_both_families_is_both_wildcard_portals() -> None:
    with listening(("::", free_port("::1")), both=True) as own:
        port = own.getsockname()[1]
        with Activated((own, "")) as daemon:
            daemon.add_target(1)
            assert sorted(daemon.portals()) == [f"Portal: 0.0.0.0:{port},1", f"Portal: [::]:{port},1"]
            for host in ("127.0.0.1", "::1"):
                with Connection(host, port) as session:
                    session.login(NAME)
            daemon.adm("-m", "portal", "-o", "delete", "-P", f"portal=0.0.0.0:{port}")
            with Connection("127.0.0.1", port) as removed:
                removed.expect_closed()
            with Connection("::1", port) as session:
                session.login(NAME)


def test_the_management_socket_may_be_passed(tmp_path: Path) -> None:
    with listening(("127.0.0.1", free_port())) as own:
        probe = Activated((own, ""))
        with listening(str(probe.dir / "socket.0")) as admin:
            daemon = Activated((own, "iscsi"), (admin, "admin"))
            shutil.rmtree(daemon.dir)
            daemon.dir, daemon.log, daemon._env = probe.dir, probe.log, probe._env
            inode = (probe.dir / "socket.0").stat().st_ino
            with daemon:
                assert "iscsi" in daemon.adm("-m", "system", "-o", "show")
                assert (daemon.dir / "socket.0").stat().st_ino == inode, "it was made anew"


def test_a_passed_socket_that_cannot_be_used_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        daemon = Activated((udp, "odd.socket"))
        run = subprocess.run(
            [*daemon.launcher, *daemon.prefix, str(TGTD), "-f"],
            env=daemon._env,
            pass_fds=daemon.pass_fds,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        shutil.rmtree(daemon.dir)
        assert run.returncode == 1
        assert "'odd.socket'" in run.stderr
