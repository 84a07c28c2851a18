# SPDX-License-Identifier: GPL-2.0-or-later
"""Command and status numbers, unknown opcodes, malformed headers (RFC 7143 sections 4.2.2, 7.3, 11.2, 11.17)."""

from __future__ import annotations

import random
import struct

import pytest

from lib import scsi
from lib.daemon import Target
from lib.iscsi import (
    READ,
    SIMPLE,
    WRITE,
    Closed,
    Connection,
    Silence,
    bidirectional_ahs,
    extended_cdb_ahs,
)
from lib.pdu import FINAL, IMMEDIATE, NO_TAG, Op, Pdu
from lib.wire import Connect, refusal, still_serves

TUR = scsi.TEST_UNIT_READY


# --- CmdSN -------------------------------------------------------------------------------------


def test_commands_out_of_order_wait_for_the_missing_one(session: Connection) -> None:
    """RFC 7143 4.2.2.1: commands are carried out in order of CmdSN."""
    first, second = session.scsi(TUR), session.scsi(TUR)
    session.send(second)
    session.expect_silence(0.3)
    session.send(first)
    assert [session.expect(Op.SCSI_RESPONSE).itt for _ in range(2)] == [first.itt, second.itt]


def test_command_number_wraps(connect: Connect, target: Target) -> None:
    """RFC 7143 4.2.2.1: serial number arithmetic (RFC 1982)."""
    session = connect()
    session.cmd_sn = 0xFFFFFFFE
    session.login(target.name)
    session.settle()
    for _ in range(5):
        assert session.command(TUR).status == scsi.GOOD


def test_repeated_command_number_is_ignored(session: Connection) -> None:
    """RFC 7143 4.2.2.1: a non-immediate command outside the window or seen before is silently ignored."""
    done = session.scsi(TUR)
    session.send(done)
    session.expect(Op.SCSI_RESPONSE)
    session.send(session.scsi(TUR, cmd_sn=done.get("cmd_sn")))
    session.expect_silence()
    session.settle()


def test_command_number_beyond_the_window_is_ignored(session: Connection) -> None:
    """RFC 7143 4.2.2.1: above MaxCmdSN."""
    session.send(session.scsi(TUR, cmd_sn=session.max_cmd_sn + 1000))
    session.expect_silence()
    session.settle()


def test_immediate_command_takes_no_number(session: Connection) -> None:
    """RFC 7143 4.2.2.1: ExpCmdSN does not advance for an immediate command."""
    urgent = session.scsi(TUR, immediate=True)
    session.send(urgent)
    assert session.expect(Op.SCSI_RESPONSE).get("exp_cmd_sn") == urgent.get("cmd_sn")
    session.settle()


def test_immediate_command_overtakes_a_gap(session: Connection) -> None:
    """RFC 7143 4.2.2.1: immediate commands are not held for order."""
    missing, late = session.scsi(TUR), session.scsi(TUR)
    urgent = session.scsi(TUR, immediate=True, cmd_sn=missing.get("cmd_sn"))
    session.send(late, urgent)
    assert session.expect(Op.SCSI_RESPONSE).itt == urgent.itt
    session.send(missing)
    assert [session.expect(Op.SCSI_RESPONSE).itt for _ in range(2)] == [missing.itt, late.itt]


def test_status_numbers_are_consecutive(session: Connection) -> None:
    """RFC 7143 4.2.2.2: StatSN grows by one with each response of a connection."""
    numbers = [session.command(TUR).response.get("stat_sn") for _ in range(4)]
    assert [n - numbers[0] for n in numbers] == [0, 1, 2, 3]


def test_window_never_shrinks(session: Connection) -> None:
    """RFC 7143 4.2.2.1: MaxCmdSN does not go back."""
    numbers = [session.command(TUR).response.get("max_cmd_sn") for _ in range(20)]
    assert numbers == sorted(numbers)


def test_flood_of_immediate_commands_is_bounded(
    session: Connection, connect: Connect, target: Target
) -> None:
    """RFC 7143 4.2.2.1: too many immediate commands are rejected (reason 06h) or answered, never lost with the daemon."""
    tags = {session.next_tag() for _ in range(2000)}
    session.send(*(session.scsi(TUR, immediate=True, itt=tag) for tag in tags))
    answered = 0
    while answered < len(tags):
        try:
            pdu = session.recv_task()
        except Closed:
            break
        assert pdu.opcode in (Op.SCSI_RESPONSE, Op.REJECT)
        answered += 1
    still_serves(connect, target)


# --- opcodes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [0x07, 0x0F, 0x11, 0x1B, 0x1C, 0x1E, 0x20, 0x21, 0x25, 0x3F])
def test_unknown_opcode_is_rejected(session: Connection, opcode: int) -> None:
    """RFC 7143 7.3 and 11.17.1: `command not supported`, `protocol error` for a target's own opcodes; or the session goes."""
    session.send(session.pdu(opcode | IMMEDIATE))
    assert refusal(session) in ("reject 05", "reject 04", "reject 09", "closed")


def test_reject_carries_the_header_of_the_bad_pdu(session: Connection) -> None:
    """RFC 7143 11.17: the data segment is the header that was rejected; tag and TTT fields are reserved FFFFFFFFh."""
    bad = session.pdu(0x1C | IMMEDIATE)
    session.send(bad)
    answer = session.expect(Op.REJECT)
    assert answer.data[:48] == bytes(bad.bhs)
    assert answer.itt == NO_TAG
    session.settle()


def test_snack_is_rejected(session: Connection) -> None:
    """RFC 7143 11.16: at ErrorRecoveryLevel 0 there is nothing to acknowledge or to resend."""
    snack = Pdu(
        Op.SNACK,
        flags=FINAL | 1,
        itt=NO_TAG,
        ttt=NO_TAG,
        exp_stat_sn=session.exp_stat_sn,
        beg_run=0,
        run_length=1,
    )
    session.send(snack)
    assert refusal(session) in ("reject 03", "reject 04", "reject 05", "closed")


def test_tag_that_is_in_use_is_refused(session: Connection) -> None:
    """RFC 7143 7.3 and 11.17.1: `task in progress`, or overlapped commands (0Bh/4Eh/00h)."""
    session.keys["ImmediateData"] = "No"
    waiting = session.first_pdus(scsi.write10(0, 8), bytes(4096))[0]
    session.send(waiting)
    assert session.expect(Op.R2T).itt == waiting.itt
    session.send(session.scsi(TUR, itt=waiting.itt))
    assert refusal(session) in ("reject 07", "reject 04", "reject 09", "check b/4e00", "closed")


# --- additional header segments ----------------------------------------------------------------


@pytest.mark.parametrize(
    "ahs",
    [
        b"\x00\x00\x01\x00",
        b"\xff\xff\x01\x00",
        b"\x00\x40\x01\x00" + bytes(8),
        b"\x00\x05\x3f\x00" + bytes(4),
        b"\x00\x04\x02\x00" + bytes(4),
        bytes(255 * 4),
        b"\x00\x05\x02\x00" + bytes(4) + b"\x00\x05\x02\x00" + bytes(4),
    ],
    ids=[
        "empty",
        "length ffff",
        "longer than header",
        "unknown type",
        "bidi too short",
        "all zero",
        "bidi twice",
    ],
)
def test_malformed_ahs_is_refused(
    session: Connection, connect: Connect, target: Target, ahs: bytes
) -> None:
    """RFC 7143 11.2.2: every length inside the additional headers is checked."""
    session.send(session.scsi(b"\x7f" + bytes(6) + b"\x18" + bytes(8), ahs=ahs))
    refusal(session)
    still_serves(connect, target)


def test_extended_cdb_is_parsed(session: Connection) -> None:
    """RFC 7143 11.2.2.3: a 32-byte CDB reaches the device server, which does not have the command (5/2000h)."""
    cdb = struct.pack(">BB5xBH", 0x7F, 0, 0x18, 0xFFFF).ljust(32, b"\0")
    command = session.scsi(cdb[:16], ahs=extended_cdb_ahs(cdb[16:]))
    session.send(command)
    result = session.finish(command.itt)
    assert result.sense == scsi.Sense(scsi.ILLEGAL_REQUEST, 0x2000) or result.sense == scsi.Sense(
        5, 0x2400
    )
    session.settle()


def test_extended_cdb_of_the_longest_form_is_parsed(session: Connection) -> None:
    """SPC-4 4.2.3: variable length CDBs of up to 260 bytes."""
    cdb = struct.pack(">BB5xBH", 0x7F, 0, 252, 0xFFFF).ljust(260, b"\0")
    command = session.scsi(cdb[:16], ahs=extended_cdb_ahs(cdb[16:]))
    session.send(command)
    assert session.finish(command.itt).status == scsi.CHECK_CONDITION
    session.settle()


def test_bidirectional_command_is_parsed(session: Connection) -> None:
    """RFC 7143 11.2.2.4: R and W together; a disk has no XDWRITEREAD(10) and says 5/2000h."""
    cdb = struct.pack(">BBIBHB", 0x53, 0, 0, 0, 1, 0)
    flags = FINAL | READ | WRITE | SIMPLE
    command = session.scsi(cdb, flags=flags, edtl=512, data=bytes(512), ahs=bidirectional_ahs(512))
    session.send(command)
    result = session.finish(command.itt)
    assert result.sense == scsi.Sense(scsi.ILLEGAL_REQUEST, 0x2000)
    session.settle()


def test_bidirectional_flags_without_their_ahs_do_no_harm(
    session: Connection, connect: Connect, target: Target
) -> None:
    """RFC 7143 11.3.5: R and W without the read length: refused, or no data in."""
    cdb = struct.pack(">BBIBHB", 0x53, 0, 0, 0, 1, 0)
    session.send(session.scsi(cdb, flags=FINAL | READ | WRITE | SIMPLE, edtl=512, data=bytes(512)))
    refusal(session)
    still_serves(connect, target)


# --- damaged streams ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_garbage_after_login_ends_only_that_session(
    session: Connection, connect: Connect, target: Target, seed: int
) -> None:
    """RFC 7143 7.3: a stream that makes no sense is a format error; others do not notice."""
    session.send_bytes(random.Random(seed).randbytes(1 << 16))
    session.close()
    still_serves(connect, target)


@pytest.mark.parametrize("seed", range(8))
def test_garbage_before_login_is_harmless(connect: Connect, target: Target, seed: int) -> None:
    """RFC 7143 6.3: what is no Login Request ends the connection."""
    stranger = connect()
    stranger.send_bytes(random.Random(seed).randbytes(4096))
    stranger.close()
    still_serves(connect, target)


@pytest.mark.parametrize("length", [1, 47, 48, 49, 60])
def test_connection_closed_in_the_middle_of_a_login(
    connect: Connect, target: Target, length: int
) -> None:
    """A peer may go away after any byte."""
    stranger = connect()
    stranger.send_bytes(
        stranger.encode(stranger.login_pdu(stranger.names(target.name), csg=1, nsg=3))[:length]
    )
    stranger.close()
    still_serves(connect, target)


@pytest.mark.parametrize("length", [1, 47, 48, 49, 2000])
def test_connection_closed_in_the_middle_of_a_write(
    session: Connection, connect: Connect, target: Target, length: int
) -> None:
    """A peer may go away after any byte; the task ends with it."""
    session.send_bytes(
        session.encode(session.first_pdus(scsi.write10(0, 8), bytes(4096))[0])[:length]
    )
    session.close()
    still_serves(connect, target)


def test_connection_closed_while_data_is_awaited(
    session: Connection, connect: Connect, target: Target
) -> None:
    """A peer that owes Data-Out goes away."""
    session.keys["ImmediateData"] = "No"
    session.send(*session.first_pdus(scsi.write10(0, 256), bytes(131072)))
    session.expect(Op.R2T)
    session.close()
    still_serves(connect, target)


def test_connection_closed_while_data_is_sent(
    session: Connection, connect: Connect, target: Target
) -> None:
    """A peer asks for megabytes and goes away without reading them."""
    session.send(*(session.scsi(scsi.read10(0, 2048), edtl=1 << 20) for _ in range(8)))
    session.close()
    still_serves(connect, target)


def test_pdu_may_arrive_byte_by_byte(connect: Connect, target: Target) -> None:
    """TCP has no message borders."""
    slow = connect()
    for byte in slow.encode(slow.login_pdu(slow.names(target.name), csg=1, nsg=3)):
        slow.send_bytes(bytes([byte]))
    assert slow.expect(Op.LOGIN_RESPONSE).login_status == 0


def test_idle_connections_keep_nobody_out(connect: Connect, target: Target) -> None:
    """Connections that never log in take no session."""
    for _ in range(100):
        connect()
    still_serves(connect, target)


def test_half_a_header_holds_up_nobody(connect: Connect, target: Target) -> None:
    """A peer that stops in a header delays no other connection."""
    for _ in range(8):
        stalled = connect()
        stalled.send_bytes(
            stalled.encode(stalled.login_pdu(stalled.names(target.name), csg=1, nsg=3))[:20]
        )
    still_serves(connect, target)


def test_peer_that_does_not_read_holds_up_nobody(connect: Connect, target: Target) -> None:
    """Back-pressure ends at the session that causes it."""
    deaf = connect()
    deaf.login(target.name)
    deaf.settle()
    for _ in range(16):
        deaf.send(deaf.scsi(scsi.read10(0, 2048), edtl=1 << 20))
    still_serves(connect, target)
    try:
        deaf.recv_task()
    except (Closed, Silence):
        pass
