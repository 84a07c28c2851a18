# SPDX-License-Identifier: GPL-2.0-or-later
"""Data transfer: immediate, unsolicited and solicited data, bursts, Data-In (RFC 7143 sections 4.2.5, 11.7, 11.8)."""

from __future__ import annotations

import random

import pytest

from lib import scsi
from lib.daemon import Target
from lib.iscsi import SIMPLE, WRITE, Closed, Connection, Silence
from lib.pdu import FINAL, NO_TAG, Op, Pdu
from lib.wire import Connect, MakeTarget, open_session, refusal

BLOCK = 512


def pattern(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def untouched(connect: Connect, target: Target, blocks: int = 128) -> bool:
    """Whether the beginning of the (fresh, sparse) disk is still zero, seen by another session."""
    with connect() as other:
        other.login(target.name)
        other.settle()
        return not any(other.read(0, blocks))


# --- what is negotiated decides who speaks first ----------------------------------------------


@pytest.mark.parametrize("initial_r2t", ["Yes", "No"])
@pytest.mark.parametrize("immediate", ["Yes", "No"])
@pytest.mark.parametrize("blocks", [1, 16, 17, 129, 2048])
def test_write_then_read_back(
    connect: Connect, make_target: MakeTarget, initial_r2t: str, immediate: str, blocks: int
) -> None:
    """RFC 7143 4.2.5.2: every mixture of immediate, unsolicited and solicited data arrives whole."""
    target = make_target(InitialR2T="No", FirstBurstLength=16384, MaxBurstLength=65536)
    session = open_session(connect, target, {"InitialR2T": initial_r2t, "ImmediateData": immediate})
    data = pattern(blocks * BLOCK)
    session.write(3, data)
    assert session.read(3, blocks) == data


def test_r2t_begins_behind_the_immediate_data(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 11.8: Buffer Offset of the first R2T."""
    session = open_session(connect, make_target(FirstBurstLength=4096))
    assert session.write(0, pattern(16384)).r2ts[0].get("buffer_offset") == 4096


def test_r2t_begins_at_zero_without_unsolicited_data(connect: Connect, target: Target) -> None:
    """RFC 7143 13.10 and 13.11: InitialR2T=Yes and ImmediateData=No: nothing before the first R2T."""
    session = open_session(connect, target, {"ImmediateData": "No"})
    first = session.write(0, pattern(16384)).r2ts[0]
    assert (first.get("buffer_offset"), first.get("r2t_sn")) == (0, 0)
    assert first.get("ttt") != NO_TAG


def test_r2t_begins_behind_the_first_burst(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 13.14: unsolicited Data-Out up to FirstBurstLength, then R2T."""
    target = make_target(InitialR2T="No", FirstBurstLength=8192)
    session = open_session(connect, target, {"InitialR2T": "No", "ImmediateData": "No"})
    assert session.write(0, pattern(65536)).r2ts[0].get("buffer_offset") == 8192


def test_write_within_the_first_burst_needs_no_r2t(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 4.2.5.2: all of the data unsolicited."""
    session = open_session(connect, make_target(InitialR2T="No"), {"InitialR2T": "No"})
    assert session.write(0, pattern(32768)).r2ts == []


def test_r2t_is_at_most_max_burst_length(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 13.13: a solicited sequence is at most MaxBurstLength; R2TSN counts from 0."""
    session = open_session(
        connect, make_target(MaxBurstLength=4096, FirstBurstLength=4096), {"ImmediateData": "No"}
    )
    r2ts = session.write(0, pattern(16384)).r2ts
    assert [r2t.get("r2t_sn") for r2t in r2ts] == list(range(len(r2ts)))
    assert all(0 < r2t.get("desired_length") <= 4096 for r2t in r2ts)
    assert sum(r2t.get("desired_length") for r2t in r2ts) == 16384


def test_no_more_r2ts_are_outstanding_than_negotiated(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 13.17: MaxOutstandingR2T, counted from the R2T to the F bit of its data."""
    target = make_target(MaxBurstLength=4096, FirstBurstLength=4096, MaxOutstandingR2T=4)
    session = open_session(connect, target, {"ImmediateData": "No", "MaxOutstandingR2T": "3"})
    assert session.keys["MaxOutstandingR2T"] == "3"
    data = pattern(40960)
    request = session.first_pdus(scsi.write10(0, 80), data)
    session.send(*request)
    waiting: list[Pdu] = []
    sent = 0
    while sent < len(data):
        waiting.append(session.expect(Op.R2T))
        while len(waiting) < 3 and sent + sum(r2t.get("desired_length") for r2t in waiting) < len(
            data
        ):
            try:
                waiting.append(session.recv(0.2))
            except Silence:
                break
        assert len(waiting) <= 3
        for r2t in waiting:
            session.send(*session.answer_r2t(r2t, data))
            sent += r2t.get("desired_length")
        waiting.clear()
    assert session.finish(request[0].itt, data).status == scsi.GOOD
    assert session.read(0, 80) == data


def test_two_writes_interleave_their_data(session: Connection) -> None:
    """RFC 7143 4.2.5.2: Data-Out is matched by tags, not by order of arrival."""
    first, second = pattern(65536 * 2, 1), pattern(65536 * 2, 2)
    session.keys["ImmediateData"] = "No"
    a = session.first_pdus(scsi.write10(0, 256), first)[0]
    b = session.first_pdus(scsi.write10(256, 256), second)[0]
    session.send(a, b)
    data = {a.itt: first, b.itt: second}
    pending: list[Pdu] = []
    done: set[int] = set()
    while len(done) < 2:
        pdu = session.recv_task()
        if pdu.opcode == Op.R2T:
            pending.append(pdu)
        else:
            assert (pdu.opcode, pdu.bhs[3]) == (Op.SCSI_RESPONSE, scsi.GOOD)
            done.add(pdu.itt)
        if len({r2t.itt for r2t in pending} | done) == 2:
            sequences = [session.answer_r2t(r2t, data[r2t.itt]) for r2t in reversed(pending)]
            pending.clear()
            longest = max(map(len, sequences), default=0)
            session.send(*(s[i] for i in range(longest) for s in sequences if i < len(s)))
    assert session.read(0, 256) == first
    assert session.read(256, 256) == second


# --- Data-In -----------------------------------------------------------------------------------


def test_data_in_is_cut_to_what_the_initiator_takes(connect: Connect, target: Target) -> None:
    """RFC 7143 13.12: at most the initiator's MaxRecvDataSegmentLength per PDU."""
    session = open_session(connect, target, {"MaxRecvDataSegmentLength": "4096"})
    result = session.command(scsi.read10(0, 64), read=32768)
    assert max(pdu.data_length for pdu in result.pdus) <= 4096
    assert len(result.data) == 32768


def test_data_in_is_numbered_and_contiguous(connect: Connect, target: Target) -> None:
    """RFC 7143 11.7.5: DataSN from 0 by one; offsets in order as DataPDUInOrder says."""
    session = open_session(connect, target, {"MaxRecvDataSegmentLength": "4096"})
    pdus = [
        pdu
        for pdu in session.command(scsi.read10(0, 64), read=32768).pdus
        if pdu.opcode == Op.DATA_IN
    ]
    assert [pdu.get("data_sn") for pdu in pdus] == list(range(len(pdus)))
    assert [pdu.get("buffer_offset") for pdu in pdus] == [4096 * i for i in range(len(pdus))]


def test_data_in_sequence_ends_at_max_burst_length(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 11.7.1: F closes each sequence, which is at most MaxBurstLength."""
    target = make_target(MaxBurstLength=8192, FirstBurstLength=8192)
    session = open_session(connect, target, {"MaxRecvDataSegmentLength": "4096"})
    burst = 0
    for pdu in session.command(scsi.read10(0, 64), read=32768).pdus:
        burst += pdu.data_length
        assert burst <= 8192
        burst = 0 if pdu.final else burst


def test_large_read_is_what_was_written(session: Connection) -> None:
    """Whole megabytes in one command, both ways."""
    data = pattern(1 << 20)
    session.write(0, data)
    assert session.read(0, 2048) == data


def test_many_reads_in_flight_all_answer(session: Connection) -> None:
    """RFC 7143 4.2.2.1: as many commands as the window admits."""
    count = min(64, session.max_cmd_sn - session.cmd_sn + 1)
    tags = {session.next_tag(): lba for lba in range(count)}
    session.send(
        *(session.scsi(scsi.read10(lba, 8), edtl=4096, itt=tag) for tag, lba in tags.items())
    )
    while tags:
        pdu = session.recv_task()
        if pdu.opcode == Op.SCSI_RESPONSE or pdu.flags & 1:
            del tags[pdu.itt]


# --- broken Data-Out ---------------------------------------------------------------------------


def solicited(connect: Connect, target: Target, size: int = 32768) -> tuple[Connection, bytes, Pdu]:
    """A write that waits for its data: session, data and the R2T."""
    session = open_session(connect, target, {"ImmediateData": "No"})
    data = b"\xee" * size
    session.send(*session.first_pdus(scsi.write10(0, size // BLOCK), data))
    return session, data, session.expect(Op.R2T)


def broken(r2t: Pdu, pdus: list[Pdu], what: str) -> list[Pdu]:
    """The right answer to an R2T, damaged in one way."""
    last = pdus[-1]
    if what == "data_sn too high":
        last.set("data_sn", last.get("data_sn") + 3)
    elif what == "data_sn repeated":
        last.set("data_sn", 0)
    elif what == "offset beyond the buffer":
        last.set("buffer_offset", 0x7FFFFE00)
    elif what == "offset overlapping":
        last.set("buffer_offset", last.get("buffer_offset") - BLOCK)
    elif what == "offset skipping":
        last.set("buffer_offset", last.get("buffer_offset") + BLOCK)
    elif what == "wrong ttt":
        last.set("ttt", r2t.get("ttt") ^ 0x1234)
    elif what == "reserved ttt":
        last.set("ttt", NO_TAG)
    elif what == "wrong itt":
        last.set("itt", 0x0BADBAD0)
    elif what == "too long":
        last.data += bytes(BLOCK)
        last.bhs[5:8] = len(last.data).to_bytes(3, "big")
    elif what == "final too early":
        return [pdus[0]]
    else:
        raise KeyError(what)
    return pdus


@pytest.mark.parametrize(
    "what",
    [
        "data_sn too high",
        "data_sn repeated",
        "offset beyond the buffer",
        "offset overlapping",
        "offset skipping",
        "wrong ttt",
        "reserved ttt",
        "wrong itt",
        "too long",
        "final too early",
    ],
)
def test_broken_data_out_is_refused(connect: Connect, make_target: MakeTarget, what: str) -> None:
    """RFC 7143 7.8, 7.9, 11.7: a Data-Out that does not fit its R2T never becomes a GOOD write."""
    session, data, r2t = solicited(connect, make_target())
    session.target_max_data = 4096
    pdus = session.answer_r2t(r2t, data)
    if what == "final too early":
        pdus[0].bhs[1] |= FINAL
    session.send(*broken(r2t, pdus, what))
    refusal(session)


def test_refused_data_out_does_not_reach_the_disk(
    connect: Connect, make_target: MakeTarget
) -> None:
    """A write whose first PDU is already wrong leaves the medium as it was."""
    target = make_target()
    session, data, r2t = solicited(connect, target)
    pdus = session.answer_r2t(r2t, data)
    pdus[0].set("buffer_offset", 0xFFFFF000)
    session.send(*pdus)
    refusal(session)
    assert untouched(connect, target)


def test_missing_final_bit_does_not_complete_the_write(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 11.7.1: the sequence ends with F; without it the target refuses or goes on waiting."""
    session, data, r2t = solicited(connect, make_target())
    pdus = session.answer_r2t(r2t, data)
    pdus[-1].bhs[1] &= ~FINAL & 0xFF
    session.send(*pdus)
    try:
        answer = session.recv_task(1.0)
    except (Closed, Silence):
        return
    assert answer.opcode == Op.REJECT or answer.bhs[3] == scsi.CHECK_CONDITION, f"{answer!r}"


def test_data_out_without_any_command_is_refused(session: Connection) -> None:
    """RFC 7143 11.7: Data-Out for a task that does not exist."""
    session.send(session.data_out(0x0BADBAD0, bytes(512), offset=0))
    try:
        outcome = refusal(session, timeout=1.0)
    except AssertionError:  # ignoring it is as harmless
        session.settle()
        return
    assert outcome == "closed" or outcome.startswith("reject")


def test_unsolicited_data_out_is_refused_when_not_negotiated(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 13.10: with InitialR2T=Yes nothing comes unasked; sense 0Bh/0C0Ch of 11.4.7.2 or Reject."""
    target = make_target()
    session = open_session(connect, target, {"ImmediateData": "No"})
    data = b"\xee" * 4096
    command = session.scsi(scsi.write10(0, 8), flags=WRITE | SIMPLE, edtl=len(data))
    session.send(command, *session.sequence(command.itt, data, offset=0))
    refusal(session)
    assert untouched(connect, target)


def test_immediate_data_is_refused_when_not_negotiated(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 13.11: ImmediateData=No."""
    target = make_target()
    session = open_session(connect, target, {"ImmediateData": "No"})
    data = b"\xee" * 4096
    session.send(
        session.scsi(scsi.write10(0, 8), flags=FINAL | WRITE | SIMPLE, edtl=len(data), data=data)
    )
    refusal(session)
    assert untouched(connect, target)


def test_unsolicited_data_beyond_the_first_burst_is_refused(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 13.14: immediate and unsolicited data together are at most FirstBurstLength."""
    target = make_target(InitialR2T="No", FirstBurstLength=4096)
    session = open_session(connect, target, {"InitialR2T": "No"})
    data = b"\xee" * 16384
    command = session.scsi(
        scsi.write10(0, 32), flags=WRITE | SIMPLE, edtl=len(data), data=data[:4096]
    )
    session.send(command, *session.sequence(command.itt, data[4096:], offset=4096))
    refusal(session)


def test_more_immediate_data_than_expected_length_is_refused(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 11.3.4: the command never carries more than its Expected Data Transfer Length."""
    target = make_target()
    session = open_session(connect, target)
    session.send(
        session.scsi(
            scsi.write10(0, 1), flags=FINAL | WRITE | SIMPLE, edtl=512, data=b"\xee" * 2048
        )
    )
    refusal(session)


def test_immediate_data_on_a_read_is_refused_or_ignored(session: Connection) -> None:
    """RFC 7143 11.3: a command without W has no data segment; the connection stays in step."""
    session.send(session.scsi(scsi.read10(0, 1), edtl=512, data=b"\xee" * 512))
    try:
        pdu = session.recv_task()
    except Closed:
        return
    assert pdu.opcode in (Op.REJECT, Op.DATA_IN, Op.SCSI_RESPONSE)


def test_data_segment_beyond_what_the_target_declared_is_refused(
    connect: Connect, make_target: MakeTarget
) -> None:
    """RFC 7143 13.12 and 7.8: longer than the target's MaxRecvDataSegmentLength."""
    session, data, r2t = solicited(connect, make_target())
    session.target_max_data = 1 << 24
    pdu = session.answer_r2t(r2t, data)[0]
    pdu.bhs[5:8] = b"\xff\xff\xff"
    session.send_bytes(bytes(pdu.bhs) + data)
    refusal(session)
