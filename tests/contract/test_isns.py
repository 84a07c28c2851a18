# SPDX-License-Identifier: GPL-2.0-or-later
"""The iSNS client against Debian's iSNS server (Open-iSNS), with Debian's tgt as the oracle.

Every test has a server of its own: private database, ports and control socket.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest
from oracle import tgts_daemon

from lib.daemon import AdmError, Daemon, free_port

INITIATOR = "iqn.2001-04.org.example:initiator"
LIMIT_S = 15.0


def eventually(so: Callable[[], object], what: str) -> None:
    """Waits until it is so."""
    limit = time.monotonic() + LIMIT_S
    while not so():
        assert time.monotonic() < limit, f"not within {LIMIT_S:g} s: {what}"
        time.sleep(0.05)


class Server:
    """Debian's isnsd in the foreground, and isnsadm as its administrator."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "isnsd.log"
        self.database = folder / "database"
        common = f"HostName = localhost\nSecurity = 0\nControlSocket = {folder}/control\n"
        self.conf = folder / "isnsd.conf"
        self.conf.write_text(
            common
            + f"SourceName = iqn.2001-04.org.example:isnsd\nDatabase = {self.database}\n"
            + f"BindAddress = 127.0.0.1:{self.port}\nPIDFile = {folder}/pid\nSLPRegister = 0\n"
            + "RegistrationPeriod = 10m\nDefaultDiscoveryDomain = 0\n"
            + "ESIMinInterval = 1\nESIMaxInterval = 2\nESIRetries = 1\n"
        )
        self.adm_conf = folder / "isnsadm.conf"
        self.adm_conf.write_text(
            common
            + "SourceName = iqn.2001-04.org.example:control\n"
            + f"ServerAddress = 127.0.0.1:{self.port}\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.database.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/isnsd", "-f", "-4", "-c", self.conf, "-d", "esi"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(self._answers, "isnsd answers")
        self.adm("--register", "control")  # who may see everything

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def adm(self, *words: str) -> str:
        command = ["/usr/sbin/isnsadm", "-c", str(self.adm_conf), "--local", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def objects(self, kind: str) -> list[dict[str, str]]:
        """What `isnsadm --list` says: one dictionary per object."""
        out: list[dict[str, str]] = []
        for line in self.adm("--list", kind).splitlines():
            if line.startswith("Object "):
                out.append({})
            elif found := re.match(r"\s+[0-9a-f]{4}\s+\S+\s*: (.*?) = (.*)", line):
                out[-1][found[1]] = found[2].strip('"')
        return out

    def targets(self) -> set[str]:
        nodes = self.objects("nodes")
        return {one["iSCSI name"] for one in nodes if one["iSCSI node type"] == "Target"}

    def portals(self) -> set[str]:
        return {
            f"{one['Portal IP address']}:{one['Portal TCP/UDP port']}"
            for one in self.objects("portals")
        }

    def add_initiator(self) -> None:
        self.adm("--register", f"initiator={INITIATOR}", f"portal=127.0.0.1:{free_port()}")

    def new_domain(self, name: str, *members: str) -> str:
        """Its number."""
        words = [f"dd-member-name={member}" for member in members]
        found = re.search(r"DD ID = (\d+)", self.adm("--dd-register", f"dd-name={name}", *words))
        assert found
        return found[1]


@pytest.fixture()
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path)
    one.start()
    yield one
    one.stop()
    print(one.log.read_text(errors="replace")[-4000:])


@pytest.fixture()
def daemon() -> Iterator[Daemon]:
    with Daemon() as one:
        yield one


def update(daemon: Daemon, name: str, value: object, status: int = 0) -> None:
    daemon.adm("-m", "system", "-o", "update", "-n", name, "-v", str(value), status=status)


def switch_on(daemon: Daemon, server: Server) -> None:
    update(daemon, "iSNSServerIP", "127.0.0.1")
    update(daemon, "iSNSServerPort", server.port)
    update(daemon, "iSNS", "On")


def shown(daemon: Daemon) -> dict[str, object]:
    return json.loads(daemon.adm("--json", "-m", "system", "-o", "show"))["isns"]


def text(daemon: Daemon) -> list[str]:
    """The iSNS block of `system show`."""
    lines = daemon.adm("-m", "system", "-o", "show").splitlines()
    return lines[lines.index("iSNS:") + 1 :]


def without_numbers(objects: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without what the server counts up, when it was, and the port that the kernel has chosen."""
    varying = re.compile(r"index$|^Timestamp$|^SCN port$")
    return [{k: v for k, v in one.items() if not varying.search(k)} for one in objects]


def test_registers_what_debians_tgt_registers(server: Server) -> None:
    found = []
    port = free_port()
    for daemon in (tgts_daemon(), Daemon()):
        daemon.port = port
        with daemon:
            for _ in range(3):
                daemon.add_target()
            switch_on(daemon, server)
            eventually(lambda: len(server.targets()) == 3, "three targets are registered")
            kinds = ("entities", "nodes", "portals", "portal-groups")
            found.append({kind: without_numbers(server.objects(kind)) for kind in kinds})
            assert "SCN port" in server.objects("portals")[0]
            update(daemon, "iSNS", "Off")
            eventually(lambda: not server.targets(), "nothing is registered")
            daemon.kill() if daemon.program.parent == Path("/usr/sbin") else None
    theirs, mine = found
    assert mine["portals"] == [
        {"Portal IP address": "127.0.0.1", "Portal TCP/UDP port": f"{port}/tcp"}
    ]
    assert {one["Portal group tag"] for one in mine["portal-groups"]} == {"1"}
    assert mine == theirs


def test_targets_and_portals_come_and_go(server: Server, daemon: Daemon) -> None:
    first, second = daemon.add_target(), daemon.add_target()
    switch_on(daemon, server)
    eventually(lambda: server.targets() == {first.name, second.name}, "both are there")
    third = daemon.add_target()
    eventually(lambda: third.name in server.targets(), "the third is there")
    second.delete()
    eventually(lambda: server.targets() == {first.name, third.name}, "the second has gone")
    more = f"127.0.0.1:{free_port()}"
    first_portal = f"127.0.0.1:{daemon.port}/tcp"
    daemon.adm("-m", "portal", "-o", "new", "-P", f"portal={more}")
    eventually(lambda: server.portals() == {first_portal, f"{more}/tcp"}, "two portals")
    daemon.adm("-m", "portal", "-o", "delete", "-P", f"portal={more}")
    eventually(lambda: server.portals() == {first_portal}, "one portal")
    first.delete()
    third.delete()
    eventually(lambda: not server.targets() and not server.portals(), "nothing is there")
    again = daemon.add_target()
    eventually(lambda: server.targets() == {again.name}, "one is there again")


def test_many_targets_are_all_registered(server: Server, daemon: Daemon) -> None:
    switch_on(daemon, server)
    requests = [
        {"jsonrpc": "2.0", "id": tid, "method": "target.new",
         "params": {"tid": tid, "targetname": f"iqn.2001-04.org.example:{'x' * 150}:{tid}"}}
        for tid in range(1, 61)
    ]
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(daemon.dir / "socket.0"))
        admin.sendall(json.dumps(requests).encode() + b"\n")
        assert "error" not in admin.makefile().readline()
    eventually(lambda: shown(daemon)["registered_targets"] == 60, "60 targets")
    assert len(server.targets()) == 60
    assert shown(daemon)["last_error"] == ""


def may_log_in(daemon: Daemon, url: str) -> bool:
    done = subprocess.run(
        ["iscsi-inq", "-i", INITIATOR, url], capture_output=True, timeout=20, check=False
    )
    return done.returncode == 0


def discovers(daemon: Daemon) -> str:
    url = f"iscsi://127.0.0.1:{daemon.port}"
    command = ["iscsi-ls", "-i", INITIATOR, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout


def test_access_follows_the_discovery_domains(server: Server, daemon: Daemon) -> None:
    target, other = daemon.add_target(), daemon.add_target()
    url = target.url(0)
    assert may_log_in(daemon, url)
    update(daemon, "iSNSAccessControl", "On")
    assert may_log_in(daemon, url)  # iSNS is not On
    switch_on(daemon, server)
    assert not may_log_in(daemon, url)
    server.add_initiator()
    domain = server.new_domain("one", target.name, INITIATOR)
    eventually(lambda: may_log_in(daemon, url), "who shares a domain may log in")
    assert not may_log_in(daemon, other.url(0))
    assert target.name in discovers(daemon) and other.name not in discovers(daemon)
    daemon.adm("-m", "target", "-o", "unbind", "-t", str(target.tid), "-I", "ALL")
    assert not may_log_in(daemon, url)  # the rules of the target count as well
    daemon.adm("-m", "target", "-o", "bind", "-t", str(target.tid), "-I", "ALL")
    server.stop()
    eventually(lambda: shown(daemon)["state"] == "waiting", "the server has gone")
    assert may_log_in(daemon, url)  # what it said last counts
    assert not may_log_in(daemon, other.url(0))
    server.start()
    eventually(lambda: shown(daemon)["state"] == "registered", "the server is back")
    server.adm("--dd-deregister", domain, f"dd-member-name={INITIATOR}")
    eventually(lambda: not may_log_in(daemon, url), "who shares no domain may not")
    update(daemon, "iSNSAccessControl", "Off")
    assert may_log_in(daemon, url)


def test_nobody_may_log_in_before_the_server_has_been_heard(daemon: Daemon) -> None:
    target = daemon.add_target()
    update(daemon, "iSNSAccessControl", "On")
    update(daemon, "iSNSServerPort", free_port())
    update(daemon, "iSNSServerIP", "127.0.0.1")
    update(daemon, "iSNS", "On")
    eventually(lambda: shown(daemon)["state"] == "waiting", "there is no server")
    assert shown(daemon)["last_error"] == "Connection refused"
    assert not may_log_in(daemon, target.url(0))
    update(daemon, "iSNS", "Off")
    assert may_log_in(daemon, target.url(0))


def test_server_that_comes_back_empty_is_told_everything(server: Server, daemon: Daemon) -> None:
    target = daemon.add_target()
    switch_on(daemon, server)
    eventually(lambda: server.targets() == {target.name}, "it is registered")
    server.stop()
    for file in server.database.iterdir():
        file.unlink()
    server.start()
    eventually(lambda: server.targets() == {target.name}, "it is registered again")
    assert server.portals() == {f"127.0.0.1:{daemon.port}/tcp"}


def test_end_of_the_daemon_takes_everything_back(server: Server) -> None:
    with Daemon() as daemon:
        daemon.add_target()
        switch_on(daemon, server)
        eventually(server.targets, "it is registered")
        daemon.stop()
        assert not server.targets() and not server.portals()


def test_server_that_hangs_holds_up_nothing(server: Server) -> None:
    with Daemon() as daemon:
        target = daemon.add_target()
        switch_on(daemon, server)
        eventually(lambda: shown(daemon)["state"] == "registered", "it is registered")
        assert server.process
        server.process.send_signal(signal.SIGSTOP)
        daemon.add_target()
        assert may_log_in(daemon, target.url(0))
        begin = time.monotonic()
        daemon.stop()
        assert time.monotonic() - begin < 8
        server.process.send_signal(signal.SIGCONT)


def test_name_that_cannot_be_found_holds_up_nothing(daemon: Daemon) -> None:
    daemon.add_target()
    update(daemon, "iSNS", "On")
    begin = time.monotonic()
    update(daemon, "iSNSServerIP", "no-such-server.invalid")
    assert text(daemon)[1] == "    iSNSServerIP=no-such-server.invalid"
    assert time.monotonic() - begin < 5


def test_status_inquiries_are_answered(server: Server, daemon: Daemon) -> None:
    daemon.add_target()
    update(daemon, "iSNSESIInterval", 1)
    switch_on(daemon, server)
    eventually(lambda: shown(daemon)["state"] == "registered", "it is registered")
    assert "ESI port" in server.objects("portals")[0]
    time.sleep(5)  # the server gives up a portal that has not answered for about two intervals
    assert server.portals(), server.log.read_text(errors="replace")[-2000:]


def test_settings_are_shown_as_tgt_shows_them(daemon: Daemon) -> None:
    with tgts_daemon() as theirs:
        for both in (daemon, theirs):
            assert text(both) == [
                "    iSNS=Off",
                "    iSNSServerIP=",
                "    iSNSServerPort=3205",
                "    iSNSAccessControl=Off",
            ]
        for name, value in (
            ("iSNSServerIP", "127.0.0.1"),
            ("iSNSServerPort", "0x1000"),
            ("iSNSAccessControl", "On"),
            ("iSNS", "On"),
            ("iSNSServerPort", "4097"),
            ("iSNSAccessControl", "Off"),
            ("iSNS", "Off"),
            ("iSNS", "Off"),
        ):
            for both in (daemon, theirs):
                update(both, name, value)
            assert text(daemon) == text(theirs), f"after {name}={value}"
        for name, value in (
            ("iSNS", "foo"),
            ("iSNSServerPort", "abc"),
            ("iSNSServerPort", "12abc"),
        ):
            for both in (daemon, theirs):
                with pytest.raises(AdmError) as refused:
                    update(both, name, value)
                assert (refused.value.status, refused.value.err.splitlines()[0]) == (
                    22,
                    "tgtadm: invalid request",
                )
        assert text(daemon) == text(theirs)
        theirs.kill()


def test_settings_that_differ_from_tgt_on_purpose(daemon: Daemon) -> None:
    # tgt takes ports that do not exist, and what is no On for Off, which lets everybody in.
    update(daemon, "iSNSAccessControl", "on")
    for name, value in (
        ("iSNSServerPort", "0"),
        ("iSNSServerPort", "70000"),
        ("iSNSAccessControl", "maybe"),
    ):
        update(daemon, name, value, status=22)
    # tgt stays Off without a word when iSNS is switched on before it has a server.
    update(daemon, "iSNS", "On")
    assert text(daemon) == [
        "    iSNS=On",
        "    iSNSServerIP=",
        "    iSNSServerPort=3205",
        "    iSNSAccessControl=On",
    ]
    assert shown(daemon)["state"] == "no server"
