# SPDX-License-Identifier: GPL-2.0-or-later
"""Persistent reservations that outlive the daemon (SPC-4 5.13.5.1): tgtd --state-dir."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from lib import reservations as pr
from lib import scsi
from lib.daemon import Daemon
from lib.iscsi import Connection
from lib.reservations import Registration, initiator_port

HOST_A, HOST_B = "iqn.2001-04.org.example:host-a", "iqn.2001-04.org.example:host-b"
ISID = bytes([0x80, 0, 0, 0, 0, 1])
DISK_BYTES = 1 << 20


class Keeping:
    """A daemon with a state directory and one disk, started again as often as a test likes."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.disk = folder / "disk"
        self.disk.write_bytes(bytes(DISK_BYTES))
        self.daemon = Daemon(options=("--state-dir", str(self.state)))

    def crash(self) -> None:
        """kill -9: what was answered has to be on the disk already; target and disk come back."""
        self.daemon.kill()
        self.daemon.start()

    def login(self, name: str) -> Connection:
        session = Connection("127.0.0.1", self.daemon.port, name=name, isid=ISID)
        session.login(self.target.name)
        session.settle()
        return session

    def files(self) -> list[Path]:
        return sorted((self.state / "reservations").iterdir())


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    one = Keeping(tmp_path)
    with one.daemon:
        one.target = one.daemon.add_target(1)
        one.target.add_disk(1, DISK_BYTES, path=one.disk)
        yield one


def hold(session: Connection, key: int, flags: int) -> None:
    pr.register(session, key, flags)
    pr.reserve(session, key, pr.WRITE_EXCLUSIVE)


def test_a_reservation_with_aptpl_is_there_after_a_crash(keeping: Keeping) -> None:
    """SPC-4 5.13.5.1, 6.15.2: keys, holder, type; PRGENERATION begins at 0."""
    with keeping.login(HOST_A) as a, keeping.login(HOST_B) as b:
        hold(a, 0x11, pr.APTPL)
        pr.register(b, 0x22, pr.APTPL)
        assert pr.capabilities(a)[2:4] == b"\x0d\x91"
        before = pr.full_status(a)
        holder = Registration(initiator_port(a), before[0].port, 0x11, holder=True)
        assert holder in before and len(before) == 2
    keeping.crash()
    with keeping.login(HOST_A) as a, keeping.login(HOST_B) as b:
        assert pr.full_status(b) == before
        assert pr.read(b, 0)[:4] == bytes(4)
        refused = b.command(scsi.write10(0, 1), write=bytes(512))
        assert refused.status == scsi.RESERVATION_CONFLICT
        a.write(0, bytes(512))
        assert pr.out(a, pr.RELEASE, pr.basic(0x11, 0), type=1).status == scsi.GOOD
    keeping.crash()
    with keeping.login(HOST_B) as b:
        assert [r.holder for r in pr.full_status(b)] == [False, False]
        b.write(0, bytes(512))


def test_without_aptpl_nothing_outlives_the_daemon(keeping: Keeping) -> None:
    """SPC-4 6.16.3: what the last registering request said counts."""
    with keeping.login(HOST_A) as a:
        hold(a, 0x11, pr.APTPL)
        assert len(keeping.files()) == 1
        assert pr.out(a, pr.REGISTER, pr.basic(0x11, 0x12)).status == scsi.GOOD
        assert keeping.files() == []
        assert pr.capabilities(a)[3] & 1 == 0
    keeping.crash()
    with keeping.login(HOST_B) as b:
        assert pr.keys(b) == []
        b.write(0, bytes(512))


def test_a_damaged_file_is_put_aside_and_named(keeping: Keeping) -> None:
    """The unit is made, without reservations; the log names the file."""
    with keeping.login(HOST_A) as a:
        hold(a, 0x11, pr.APTPL)
    (file,) = keeping.files()
    file.write_text("{")
    keeping.crash()
    with keeping.login(HOST_A) as a:
        assert pr.keys(a) == []
        hold(a, 0x33, pr.APTPL)
    aside = file.with_name(file.name + ".bad")
    assert keeping.files() == [file, aside]
    assert aside.read_text() == "{"
    assert str(file) in keeping.daemon.log_text()


def test_what_cannot_be_kept_is_refused(keeping: Keeping) -> None:
    """SPC-4 5.13.5.1: no GOOD status for what would be lost; nothing changes."""
    with keeping.login(HOST_A) as a:
        hold(a, 0x11, pr.APTPL)
        (file,) = keeping.files()
        blocker = file.with_name(file.name + ".tmp")
        blocker.mkdir()
        result = pr.out(a, pr.CLEAR, pr.basic(0x11, 0))
        assert result.status == scsi.CHECK_CONDITION
        assert pr.keys(a) == [0x11]
        blocker.rmdir()
        assert pr.out(a, pr.CLEAR, pr.basic(0x11, 0)).status == scsi.GOOD
