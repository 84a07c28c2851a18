# SPDX-License-Identifier: GPL-2.0-or-later
"""The medium changes below a disk: it grows, it shrinks, it is full, it loses what was to be flushed."""

from __future__ import annotations

import os
import struct
import time
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import AdmError, Daemon, Target
from lib.iscsi import Connection
from lib.wire import Connect, MakeTarget, open_session

MIB = 1 << 20
SYNCHRONIZE_CACHE = bytes([0x35]) + bytes(9)
CAPACITY_CHANGED = "6/2a09"
LIMIT_S = 20


def capacity(session: Connection) -> int:
    """READ CAPACITY(16), in bytes."""
    cdb = struct.pack(">BB8xIBB", 0x9E, 0x10, 32, 0, 0)
    result = session.command(cdb, read=32)
    assert result.status == scsi.GOOD, f"{result.sense}"
    last, block = struct.unpack_from(">QI", result.data)
    return (last + 1) * block


def attention(session: Connection) -> str:
    """The next unit attention, waited for."""
    limit = time.monotonic() + LIMIT_S
    while time.monotonic() < limit:
        result = session.command(scsi.TEST_UNIT_READY)
        if result.status != scsi.GOOD:
            return str(result.sense)
        time.sleep(0.1)
    raise AssertionError("no unit attention came")


def update(target: Target, params: str, status: int = 0) -> str:
    where = ("-t", str(target.tid), "-l", "1")
    return target.daemon.adm("-m", "logicalunit", "-o", "update", *where, "-P", params, status=status)


@pytest.fixture
def sessions(daemon: Daemon, make_target: MakeTarget) -> Iterator[tuple[Target, list[Connection]]]:
    """A target with a disk of 8 MiB, and two sessions."""
    target = make_target()
    opened = []
    for _ in range(2):
        session = Connection("127.0.0.1", daemon.port)
        session.login(target.name)
        session.settle()
        opened.append(session)
    yield target, opened
    for session in opened:
        session.close()


def path_of(target: Target) -> str:
    return str(target.daemon.dir / f"disk-{target.tid}-1")


def test_a_file_that_grows_is_seen_by_every_nexus(sessions: tuple[Target, list[Connection]]) -> None:
    """SBC-4 4.7.2, SPC-5 table: CAPACITY DATA HAS CHANGED, without any administrator."""
    target, opened = sessions
    os.truncate(path_of(target), 16 * MIB)
    for session in opened:
        assert attention(session) == CAPACITY_CHANGED
        assert capacity(session) == 16 * MIB
    opened[0].write(16 * MIB // 512 - 1, b"\x77" * 512)
    os.truncate(path_of(target), 32 * MIB)  # the watch is armed again
    assert attention(opened[1]) == CAPACITY_CHANGED
    assert capacity(opened[1]) == 32 * MIB


def test_a_file_that_shrinks_is_a_medium_error_behind_its_end(
    sessions: tuple[Target, list[Connection]]
) -> None:
    """The capacity stays, a short read is never GOOD, and what lies before the end is served."""
    target, (session, _) = sessions
    session.write(0, b"\x55" * 512)
    os.truncate(path_of(target), 4 * MIB)
    behind = session.command(scsi.read10(8 * MIB // 512 - 8, 8), read=4096)
    assert behind.status == scsi.CHECK_CONDITION and behind.sense and behind.sense.key == 3
    assert capacity(session) == 8 * MIB
    assert session.read(0, 1) == b"\x55" * 512


def test_an_administrator_limits_the_capacity_and_gives_it_back(
    sessions: tuple[Target, list[Connection]]
) -> None:
    target, (session, _) = sessions
    update(target, "capacity=4m")
    assert attention(session) == CAPACITY_CHANGED
    assert capacity(session) == 4 * MIB
    past = session.command(scsi.read10(4 * MIB // 512, 1), read=512)
    assert str(past.sense) == "5/2100"
    with pytest.raises(AdmError, match="capacity"):
        update(target, "capacity=64m")
    update(target, "capacity=auto")
    assert attention(session) == CAPACITY_CHANGED
    assert capacity(session) == 8 * MIB


def test_a_failed_flush_is_told_to_everybody_until_an_administrator_acts(
    connect: Connect, fault_target: Target
) -> None:
    """Linux tells a lost write-back once; here each nexus hears of it (SBC-4 4.15)."""
    first, second = (open_session(connect, fault_target) for _ in range(2))
    update(fault_target, "fault=error:op=flush:count=1")
    first.write(0, b"\x11" * 512)
    assert str(first.command(SYNCHRONIZE_CACHE).sense) == "3/0c00"
    limit = time.monotonic() + LIMIT_S
    while str(second.command(SYNCHRONIZE_CACHE).sense) != "3/0c00":
        assert time.monotonic() < limit, "the other nexus never hears of it"
    fua = struct.pack(">BBQIBB", 0x8A, 0x08, 0, 1, 0, 0)
    assert str(second.command(fua, write=bytes(512)).sense) == "3/0c00"
    second.write(0, b"\x22" * 512)  # what need not be on the medium goes on
    assert str(first.command(SYNCHRONIZE_CACHE).sense) == "3/0c00"
    update(fault_target, "flush_failed=0")
    assert first.command(SYNCHRONIZE_CACHE).status == scsi.GOOD


def test_a_full_file_system_is_told_and_served_again_when_there_is_room(
    connect: Connect, fault_target: Target
) -> None:
    """SBC-4 4.7.3.6: SPACE ALLOCATION FAILED WRITE PROTECT, and nothing more."""
    session = open_session(connect, fault_target)
    update(fault_target, "fault=error:op=write:errno=ENOSPC")
    result = session.command(scsi.write10(0, 1), write=bytes(512))
    assert str(result.sense) == "7/2707"
    assert session.read(0, 1) == bytes(512)
    update(fault_target, "fault=none")
    session.write(0, bytes(512))
    assert session.command(SYNCHRONIZE_CACHE).status == scsi.GOOD
