# SPDX-License-Identifier: GPL-2.0-or-later
"""Header and data digests (RFC 7143 sections 7.7, 7.8, 13.1)."""

from __future__ import annotations

import pytest

from lib import scsi
from lib.iscsi import Connection
from lib.pdu import IMMEDIATE, NO_TAG, Op
from lib.wire import Connect, MakeTarget, open_session, refusal, still_serves

BOTH = "CRC32C,None"


def digest_session(
    connect: Connect, make_target: MakeTarget, header: str, data: str, **more: str
) -> Connection:
    target = make_target(HeaderDigest=BOTH, DataDigest=BOTH)
    keys = {"HeaderDigest": header, "DataDigest": data, **more}
    session = open_session(connect, target, keys)
    assert (session.header_digest, session.data_digest) == (header == "CRC32C", data == "CRC32C")
    return session


@pytest.mark.parametrize("header", ["CRC32C", "None"])
@pytest.mark.parametrize("data", ["CRC32C", "None"])
def test_write_and_read_with_digests(
    connect: Connect, make_target: MakeTarget, header: str, data: str
) -> None:
    """RFC 7143 13.1: every PDU after login carries what was agreed, right to the last bit."""
    session = digest_session(connect, make_target, header, data)
    content = bytes(i * 11 & 0xFF for i in range(65536))
    session.write(0, content)
    assert session.read(0, 128) == content


def test_first_value_that_the_target_has_is_chosen(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 6.2.1: lists are in order of preference of the side that offers."""
    connection = connect()
    answers = connection.login(make_target(HeaderDigest=BOTH).name, {"HeaderDigest": "None,CRC32C"})
    assert answers["HeaderDigest"] == "None"


def test_data_digest_of_padded_data(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 13.1: the data digest covers the padding bytes."""
    session = digest_session(connect, make_target, "CRC32C", "CRC32C")
    for size in (1, 2, 3, 5):
        session.send(session.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG, data=b"\xaa" * size))
        assert session.expect(Op.NOP_IN).data == b"\xaa" * size


def test_bad_header_digest_ends_the_connection(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 7.7: at ErrorRecoveryLevel 0 the connection goes; nothing of the PDU is believed."""
    session = digest_session(connect, make_target, "CRC32C", "None")
    command = session.scsi(scsi.TEST_UNIT_READY)
    session.send_bytes(session.encode(command, bad_header_digest=True))
    assert not [pdu for pdu in session.expect_closed() if pdu.opcode == Op.SCSI_RESPONSE]


def test_bad_data_digest_of_a_data_out_ends_its_command(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 7.8: Reject `data digest error`, and the write fails with 0Bh/47h/05h; or the session goes."""
    session = digest_session(connect, make_target, "None", "CRC32C", ImmediateData="No")
    data = b"\xee" * 4096
    command = session.first_pdus(scsi.write10(0, 8), data)[0]
    session.send(command)
    (answer,) = session.answer_r2t(session.expect(Op.R2T), data)
    session.send_bytes(session.encode(answer, bad_data_digest=True))
    first = refusal(session)
    assert first in ("closed", "reject 02"), first
    if first != "closed":
        assert refusal(session, command.itt) in ("closed", "check b/4705")


def test_write_with_bad_data_digest_does_not_reach_the_disk(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 7.8: data that fails its digest is discarded."""
    target = make_target(DataDigest=BOTH)
    session = open_session(connect, target, {"DataDigest": "CRC32C"})
    command = session.first_pdus(scsi.write10(0, 8), b"\xee" * 4096)[0]
    session.send_bytes(session.encode(command, bad_data_digest=True))
    assert refusal(session) in ("closed", "reject 02")
    other = open_session(connect, target)
    assert not any(other.read(0, 8))


def test_bad_data_digest_of_a_ping_is_a_reject(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 7.8: a PDU that carries no SCSI data is rejected and discarded."""
    session = digest_session(connect, make_target, "None", "CRC32C")
    ping = session.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG, data=b"ping")
    session.send_bytes(session.encode(ping, bad_data_digest=True))
    assert refusal(session) in ("closed", "reject 02")


def test_bad_digest_on_one_session_leaves_others_alone(
    connect: Connect, make_target: MakeTarget
) -> None:
    """A damaged connection costs nobody else anything."""
    target = make_target(HeaderDigest=BOTH)
    good = open_session(connect, target, {"HeaderDigest": "CRC32C"})
    bad = open_session(connect, target, {"HeaderDigest": "CRC32C"})
    bad.send_bytes(bad.encode(bad.scsi(scsi.TEST_UNIT_READY), bad_header_digest=True))
    bad.expect_closed()
    good.settle()
    still_serves(connect, target)
