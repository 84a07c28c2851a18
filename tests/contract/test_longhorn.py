# SPDX-License-Identifier: GPL-2.0-or-later
"""A replay of what Longhorn's iSCSI helper runs, and of how it reads the answers."""

from __future__ import annotations

from typing import Iterator

import pytest

from lib.daemon import AdmError, Daemon
from lib.iscsi import Connection

NAME = "iqn.2019-10.io.longhorn:pvc-1"
MOST_TARGETS = 4095
MIB = 1 << 20


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon(options=["-d", "1"]) as running:
        yield running
        running.check_alive()


class Helper:
    """The operations of the helper, with its own command lines and its own ways to read what they print."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def _run(self, op: str, mode: str, *more: object) -> str:
        words = ["--lld", "iscsi", "--op", op, "--mode", mode, *(str(word) for word in more)]
        return self._daemon.adm(*words)

    def has_store(self, name: str) -> bool:
        return f" {name}" in self._run("show", "system")

    def create_target(self, tid: int, name: str) -> None:
        self._run("new", "target", "--tid", tid, "-T", name)

    def delete_target(self, tid: int) -> None:
        self._run("delete", "target", "--tid", tid)

    def add_lun(self, tid: int, lun: int, path: object, store: str, options: str = "") -> None:
        more = ["--bsopts", options] if options else []
        self._run(
            "new", "logicalunit", "--tid", tid, "--lun", lun, "-b", path, "--bstype", store, *more
        )

    def delete_lun(self, tid: int, lun: int) -> None:
        self._run("delete", "logicalunit", "--tid", tid, "--lun", lun)

    def bind(self, tid: int, initiator: str) -> None:
        self._run("bind", "target", "--tid", tid, "-I", initiator)

    def unbind(self, tid: int, initiator: str) -> None:
        self._run("unbind", "target", "--tid", tid, "-I", initiator)

    def tid_of(self, name: str) -> int:
        for line in self._run("show", "target").splitlines():
            if line.endswith(f" {name}"):
                return int(line.split(":")[0].split()[1])
        return -1

    def free_tid(self) -> int:
        used = {
            int(line.split(":")[0].split()[1])
            for line in self._run("show", "target").splitlines()
            if line.startswith("Target ")
        }
        return next(tid for tid in range(1, MOST_TARGETS) if tid not in used)

    def connections(self, tid: int) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        session = ""
        for line in map(str.strip, self._run("show", "conn", "--tid", tid).splitlines()):
            if line.startswith("Session: "):
                session = line.split(": ")[1]
                found[session] = []
            if line.startswith("Connection: "):
                found[session].append(line.split(": ")[1])
        return found

    def close(self, tid: int, session: str, connection: str) -> None:
        self._run("delete", "conn", "--tid", tid, "--sid", session, "--cid", connection)

    def shut_down(self) -> None:
        self._daemon.adm("--op", "delete", "--mode", "system")


@pytest.fixture
def helper(daemon: Daemon) -> Helper:
    return Helper(daemon)


def test_the_stores_are_found_by_a_blank_and_their_name(helper: Helper) -> None:
    assert helper.has_store("rdwr")
    assert helper.has_store("aio")
    assert not helper.has_store("longhorn")


def test_a_volume_is_served_and_taken_down(daemon: Daemon, helper: Helper) -> None:
    file = daemon.dir / "volume.img"
    file.write_bytes(bytes(4 * MIB))
    tid = helper.free_tid()
    helper.create_target(tid, NAME)
    helper.add_lun(tid, 1, file, "aio")
    helper.bind(tid, "ALL")
    assert helper.tid_of(NAME) == tid
    assert helper.free_tid() == tid + 1
    with Connection("127.0.0.1", daemon.port) as session:
        session.login(NAME)
        session.settle()
        session.write(0, b"longhorn" * 64)
        assert session.read(0, 1) == b"longhorn" * 64

        # Before a target is taken down its connections are closed, one by one.
        found = helper.connections(tid)
        assert [len(each) for each in found.values()] == [1]
        helper.unbind(tid, "ALL")
        for sid, cids in found.items():
            for cid in cids:
                helper.close(tid, sid, cid)
        session.expect_closed()
    assert helper.connections(tid) == {}
    helper.delete_lun(tid, 1)
    helper.delete_target(tid)
    assert helper.tid_of(NAME) == -1


def test_the_highest_target_number_that_it_uses_is_served(helper: Helper) -> None:
    helper.create_target(MOST_TARGETS - 1, NAME)
    assert helper.tid_of(NAME) == MOST_TARGETS - 1


def test_a_store_that_is_not_there_is_an_error(daemon: Daemon, helper: Helper) -> None:
    helper.create_target(1, NAME)
    with pytest.raises(AdmError) as refused:
        helper.add_lun(1, 1, "/dev/longhorn/pvc-1", "longhorn", "size=1048576")
    assert refused.value.status == 22
    assert "LUN: 1" not in daemon.adm("--op", "show", "--mode", "target")


def test_the_daemon_ends_when_it_is_told_to() -> None:
    with Daemon() as daemon:
        Helper(daemon).shut_down()
        assert daemon.wait_end() == 0
        daemon.adm("--op", "show", "--mode", "system", status=107)
