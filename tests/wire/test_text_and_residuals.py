# SPDX-License-Identifier: GPL-2.0-or-later
"""Text negotiation in full feature phase and residual counts (RFC 7143 sections 11.4.5, 11.10, 13)."""

from __future__ import annotations

import pytest

from lib import scsi
from lib.daemon import Target
from lib.iscsi import READ, SIMPLE, WRITE, Connection
from lib.pdu import FINAL, Op, decode_text, encode_text
from lib.wire import Connect, refusal, still_serves


def test_unknown_key_in_full_feature_phase_is_not_understood(session: Connection) -> None:
    """RFC 7143 6.2."""
    assert session.text({"X-org.example.Foo": "1"}) == [("X-org.example.Foo", "NotUnderstood")]


def test_empty_text_request_is_answered(session: Connection) -> None:
    """RFC 7143 11.10: nothing offered, nothing answered."""
    assert session.text({}) == []


def test_login_only_key_in_full_feature_phase_is_refused(session: Connection) -> None:
    """RFC 7143 13.1: HeaderDigest is negotiated in login only."""
    session.send(session.text_request({"HeaderDigest": "CRC32C"}))
    answer = session.recv_task()
    assert answer.opcode == Op.REJECT or ("HeaderDigest", "Reject") in decode_text(answer.data)


def test_max_recv_data_segment_length_may_change(session: Connection) -> None:
    """RFC 7143 13.12: the one operational key that may be declared again."""
    session.text({"MaxRecvDataSegmentLength": "1024"})
    result = session.command(scsi.read10(0, 16), read=8192)
    assert max(pdu.data_length for pdu in result.pdus) <= 1024
    assert len(result.data) == 8192


def test_text_request_may_be_continued(session: Connection) -> None:
    """RFC 7143 11.10.2: C=1; the target answers with a tag and no text."""
    text = encode_text({"X-org.example.Foo": "1"})
    request = session.text_request(text[:7], flags=0x40)
    session.send(request)
    piece = session.expect(Op.TEXT_RESPONSE)
    assert (piece.final, piece.data) == (False, b"")
    session.send(session.text_request(text[7:], ttt=piece.get("ttt"), itt=request.itt))
    assert decode_text(session.expect(Op.TEXT_RESPONSE).data) == [
        ("X-org.example.Foo", "NotUnderstood")
    ]


def test_text_that_is_no_pair_is_refused(
    session: Connection, connect: Connect, target: Target
) -> None:
    """RFC 7143 6.1."""
    session.send(session.text_request(b"garbage\0\xff\xfe\0=\0"))
    assert session.recv_task().opcode in (Op.REJECT, Op.TEXT_RESPONSE)
    still_serves(connect, target)


# --- residuals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", [0, 100, 256, 511])
def test_read_overflow(session: Connection, expected: int) -> None:
    """RFC 7143 11.4.5: O and the count of bytes that did not fit; the rest is delivered."""
    command = session.scsi(scsi.read10(0, 1), flags=FINAL | READ | SIMPLE, edtl=expected)
    session.send(command)
    result = session.finish(command.itt)
    assert (result.status, len(result.data), result.residual) == (
        scsi.GOOD,
        expected,
        expected - 512,
    )


@pytest.mark.parametrize("expected", [513, 1024, 65536])
def test_read_underflow(session: Connection, expected: int) -> None:
    """RFC 7143 11.4.5: U and the count of bytes that did not come."""
    result = session.command(scsi.read10(0, 1), read=expected)
    assert (result.status, len(result.data), result.residual) == (scsi.GOOD, 512, expected - 512)


def test_exact_read_has_no_residual(session: Connection) -> None:
    """RFC 7143 11.4.5."""
    assert session.command(scsi.read10(0, 2), read=1024).residual == 0


def test_inquiry_underflow(session: Connection) -> None:
    """RFC 7143 11.4.5: fewer bytes than the allocation length."""
    result = session.command(scsi.inquiry(255), read=255)
    assert result.residual == 255 - len(result.data)


def test_write_underflow(session: Connection) -> None:
    """RFC 7143 11.4.5: the initiator offered more than the command takes."""
    result = session.command(scsi.write10(0, 1), write=b"w" * 1024)
    assert (result.status, result.residual) == (scsi.GOOD, 512)
    assert session.read(0, 1) == b"w" * 512


def test_write_overflow(session: Connection) -> None:
    """RFC 7143 11.4.5: the command takes more than the initiator offered."""
    session.write(0, bytes(1024))
    command = session.scsi(
        scsi.write10(0, 2), flags=FINAL | WRITE | SIMPLE, edtl=512, data=b"v" * 512
    )
    session.send(command)
    assert session.finish(command.itt).residual == -512


def test_write_with_nothing_expected(session: Connection) -> None:
    """RFC 7143 11.3.4: Expected Data Transfer Length 0: no data moves, the residual says what was missing."""
    before = session.read(0, 1)
    command = session.scsi(scsi.write10(0, 1), flags=FINAL | WRITE | SIMPLE)
    session.send(command)
    assert session.finish(command.itt).residual == -512
    assert session.read(0, 1) == before


def test_check_condition_on_a_read_gives_the_whole_residual(session: Connection) -> None:
    """RFC 7143 11.4.5: nothing was transferred."""
    result = session.command(scsi.read10(0x7FFFFFFF, 1), read=512)
    assert result.sense == scsi.Sense(scsi.ILLEGAL_REQUEST, 0x2100)
    assert result.residual == 512


def test_command_refused_before_data_sends_no_r2t(session: Connection) -> None:
    """A write out of range is refused before its data is asked for."""
    session.keys["ImmediateData"] = "No"
    result = session.command(scsi.write10(0x7FFFFFFF, 128), write=bytes(65536))
    assert result.sense == scsi.Sense(scsi.ILLEGAL_REQUEST, 0x2100)
    assert result.r2ts == []


def test_refused_write_swallows_its_immediate_data(session: Connection) -> None:
    """RFC 7143 11.3: the data segment of a refused command does not put the stream out of step."""
    session.send(
        session.scsi(
            scsi.write10(0x7FFFFFFF, 8), flags=FINAL | WRITE | SIMPLE, edtl=4096, data=bytes(4096)
        )
    )
    assert refusal(session) == "check 5/2100"
    session.settle()
