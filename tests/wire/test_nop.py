# SPDX-License-Identifier: GPL-2.0-or-later
"""NOP-Out and NOP-In, from both sides (RFC 7143 sections 11.18 and 11.19)."""

from __future__ import annotations

import pytest

from lib.daemon import Target
from lib.iscsi import Connection
from lib.pdu import IMMEDIATE, NO_TAG, Op
from lib.wire import Connect, MakeTarget, open_session


@pytest.mark.parametrize("size", [0, 1, 3, 4, 512, 4096])
def test_ping_is_echoed(session: Connection, size: int) -> None:
    """RFC 7143 11.19: same Initiator Task Tag, same data, reserved Target Transfer Tag."""
    data = bytes(i * 7 & 0xFF for i in range(size))
    request = session.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG, data=data)
    session.send(request)
    answer = session.expect(Op.NOP_IN)
    assert (answer.itt, answer.get("ttt"), answer.data) == (request.itt, NO_TAG, data)


def test_echo_is_cut_to_what_the_initiator_takes(connect: Connect, target: Target) -> None:
    """RFC 7143 11.18.3: ping data returned is at most the initiator's MaxRecvDataSegmentLength."""
    session = open_session(connect, target, {"MaxRecvDataSegmentLength": "512"})
    session.send(session.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG, data=b"p" * 1024))
    assert session.expect(Op.NOP_IN).data == b"p" * 512


def test_ping_that_is_not_immediate_takes_a_command_number(session: Connection) -> None:
    """RFC 7143 11.18: a NOP-Out without I is a numbered command."""
    request = session.pdu(Op.NOP_OUT, ttt=NO_TAG)
    session.send(request)
    answer = session.expect(Op.NOP_IN)
    assert answer.get("exp_cmd_sn") == request.get("cmd_sn") + 1


def test_nop_out_without_tag_is_not_answered(session: Connection) -> None:
    """RFC 7143 11.18.1: the reserved Initiator Task Tag asks for no answer."""
    session.send(session.pdu(Op.NOP_OUT | IMMEDIATE, itt=NO_TAG, ttt=NO_TAG))
    session.expect_silence()
    session.settle()


def test_stat_sn_advances_with_each_answer(session: Connection) -> None:
    """RFC 7143 11.19.3: an answer to a ping carries a status number of its own."""
    numbers = []
    for _ in range(3):
        session.send(session.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG))
        numbers.append(session.expect(Op.NOP_IN).get("stat_sn"))
    assert [n - numbers[0] for n in numbers] == [0, 1, 2]


def test_idle_session_is_pinged(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 11.19: the target's ping has the reserved Initiator Task Tag and a tag of its own."""
    session = open_session(connect, make_target(nop_interval=1, nop_count=5))
    ping = session.recv(6)
    assert (ping.opcode, ping.itt, ping.data) == (Op.NOP_IN, NO_TAG, b"")
    assert ping.get("ttt") != NO_TAG


def test_answered_pings_keep_the_session(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 11.18.2: a NOP-Out with the target's tag answers its ping."""
    session = open_session(connect, make_target(nop_interval=1, nop_count=1))
    for _ in range(3):
        ping = session.recv(6)
        assert ping.opcode == Op.NOP_IN
        session.answer_ping(ping)
    session.settle()


def test_unanswered_pings_end_the_session(connect: Connect, make_target: MakeTarget) -> None:
    """nop_count pings without an answer and the connection goes."""
    session = open_session(connect, make_target(nop_interval=1, nop_count=2))
    pings = session.expect_closed(15)
    assert pings
    assert all(ping.opcode in (Op.NOP_IN, Op.ASYNC) for ping in pings)


def test_ping_does_not_advance_stat_sn(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 11.19.3: a ping from the target carries the next StatSN without taking it."""
    session = open_session(connect, make_target(nop_interval=1, nop_count=5))
    first, second = session.recv(6), session.recv(6)
    assert first.get("stat_sn") == second.get("stat_sn") == session.exp_stat_sn
