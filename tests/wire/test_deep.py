# SPDX-License-Identifier: GPL-2.0-or-later
"""Much at once: commands of a session, sessions of a daemon, logical units of a target."""

from __future__ import annotations

import random
import resource
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import Iterator

import pytest

from lib import scsi
from lib.admin import Admin
from lib.daemon import Daemon, Target
from lib.iscsi import Connection, Silence
from lib.pdu import Op
from lib.wire import Connect, MakeTarget, open_session

WINDOW = 512
BLOCK = 512
LUN_NOT_SUPPORTED = "5/2500"


def few_if_slow(daemon: Daemon, many: int, few: int) -> int:
    """Sanitizers make the daemon many times slower and larger."""
    return few if "san.so" in Path(f"/proc/{daemon.pid}/maps").read_text() else many


# --- commands ----------------------------------------------------------------------------------


def test_a_window_of_512_commands_waits_at_once_and_nothing_beyond_it_is_taken(
    connect: Connect, fault_target: Target
) -> None:
    """RFC 7143 4.2.2.1. The store answers none of them until all are there."""
    fault_target.update("MaxQueueCmd", WINDOW)
    session = open_session(connect, fault_target)
    data = b"".join(bytes([number & 0xFF, number >> 8]) * (BLOCK // 2) for number in range(WINDOW))
    session.write(0, data)
    assert session.max_cmd_sn - session.cmd_sn + 1 == WINDOW
    where = ("-t", str(fault_target.tid), "-l", "1")
    update = ("-m", "logicalunit", "-o", "update", *where, "-P")
    fault_target.daemon.adm(*update, "fault=hang:op=read")
    reads = [session.scsi(scsi.read10(lba, 1), edtl=BLOCK) for lba in range(WINDOW)]
    beyond = session.scsi(scsi.TEST_UNIT_READY)
    last = session.max_cmd_sn
    session.send(*reads, beyond)
    with pytest.raises(Silence):  # not even the one that needs no store
        session.recv_task(1.0)
    fault_target.daemon.adm(*update, "fault=none")
    fault_target.daemon.adm(*update, "release=all")
    waiting = {pdu.itt: lba for lba, pdu in enumerate(reads)}
    for answered in range(1, WINDOW + 1):
        pdu = session.recv_task()
        lba = waiting.pop(pdu.itt)
        assert pdu.opcode == Op.DATA_IN and pdu.data == data[lba * BLOCK : (lba + 1) * BLOCK]
        assert pdu.get("max_cmd_sn") <= last + answered  # opens by one for each that has ended
        assert pdu.get("max_cmd_sn") - pdu.get("exp_cmd_sn") < WINDOW
    session.cmd_sn -= 1  # the one beyond was never taken
    assert session.command(scsi.TEST_UNIT_READY).status == scsi.GOOD


# --- sessions ----------------------------------------------------------------------------------


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many descriptors as this process may have."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_thousand_sessions_write_and_read_beside_one_another(
    daemon: Daemon, target: Target, many_files: None
) -> None:
    """Each has a command in flight at any time; none gets the data of another."""
    count = few_if_slow(daemon, 1000, 200)
    with ExitStack() as stack:
        sessions = []
        for _ in range(count):
            session = stack.enter_context(Connection("127.0.0.1", daemon.port))
            session.login(target.name)
            session.settle()
            sessions.append(session)
        written = [random.randbytes(BLOCK) for _ in sessions]
        for cdb in (scsi.write10, scsi.read10):
            writes = cdb is scsi.write10
            sent = []
            for lba, session in enumerate(sessions):
                first = (
                    session.first_pdus(cdb(lba, 1), written[lba])
                    if writes
                    else [session.scsi(cdb(lba, 1), edtl=BLOCK)]
                )
                session.send(*first)
                sent.append(first[0].itt)
            for lba, (session, itt) in enumerate(zip(sessions, sent)):
                result = session.finish(itt, written[lba])
                assert result.status == scsi.GOOD, f"session {lba}: {result.sense}"
                assert writes or result.data == written[lba], f"session {lba}"


# --- logical units -----------------------------------------------------------------------------


def reported_luns(session: Connection, room: int) -> list[bytes]:
    """What REPORT LUNS lists, with room for so many."""
    length = 8 + 8 * room
    result = session.command(scsi.report_luns(length), lun=0, read=length)
    assert result.status == scsi.GOOD, f"{result.sense}"
    (listed,) = struct.unpack_from(">I", result.data)
    assert len(result.data) == min(length, 8 + listed)
    return [result.data[at : at + 8] for at in range(8, len(result.data), 8)]


def flat_or_peripheral(lun: int) -> bytes:
    """SAM-5 4.7.7.2 and 4.7.7.3."""
    method = 0x4000 if lun > 0xFF else 0
    return struct.pack(">H6x", method | lun)


def test_ten_thousand_logical_units_of_one_target(
    daemon: Daemon, connect: Connect, make_target: MakeTarget
) -> None:
    """REPORT LUNS lists every one, the first and the last are disks of their own, and each can go again."""
    last = few_if_slow(daemon, 10000, 1000)
    target = make_target(disk=False)
    files = {lun: target.add_disk(lun, 1 << 20) for lun in (1, last)}
    null = {"tid": target.tid, "bstype": "null", "backing-store": "1g"}
    with Admin(daemon.dir) as admin:
        admin.batch(("logicalunit.new", null | {"lun": lun}) for lun in range(2, last))
        shown = admin.call("target.show")
        (mine,) = [one for one in shown["targets"] if one["tid"] == target.tid]
        assert [lun["lun"] for lun in mine["luns"]] == list(range(last + 1))

        session = open_session(connect, target)
        session.settle(0)
        wanted = [flat_or_peripheral(lun) for lun in range(last + 1)]
        assert reported_luns(session, last + 1) == wanted
        assert reported_luns(session, 300) == wanted[:300]

        for lun, path in files.items():
            session.settle(lun)
            session.write(7, bytes([lun & 0xFF]) * BLOCK, lun=lun)
            assert path.read_bytes()[7 * BLOCK : 8 * BLOCK] == bytes([lun & 0xFF]) * BLOCK
        for lun in (255, 256, *random.sample(range(2, last), 50)):
            session.settle(lun)
            assert session.read(random.randrange(1000), 8, lun=lun) == bytes(8 * BLOCK)
        beyond = session.command(scsi.TEST_UNIT_READY, lun=last + 1)
        assert str(beyond.sense) == LUN_NOT_SUPPORTED

        gone = range(2, last, 3)
        admin.batch(("logicalunit.delete", {"tid": target.tid, "lun": lun}) for lun in gone)
    left = [flat_or_peripheral(lun) for lun in range(last + 1) if lun not in gone]
    assert reported_luns(session, last + 1) == left
