# SPDX-License-Identifier: GPL-2.0-or-later
"""Task management, logout, reinstatement, unit attentions (RFC 7143 sections 6.3.5, 11.5, 11.6, 11.14; SAM-5)."""

from __future__ import annotations

import pytest

from lib import scsi
from lib.daemon import Target
from lib.iscsi import Closed, Connection, Silence
from lib.pdu import Op, Pdu
from lib.wire import Connect, MakeTarget, open_session, refusal

ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET = 1, 2, 3, 4
LUN_RESET, WARM_RESET, COLD_RESET, REASSIGN = 5, 6, 7, 8
COMPLETE, NO_TASK, NO_LUN, NO_REASSIGN, NOT_SUPPORTED, REJECTED = 0, 1, 2, 4, 5, 255
TUR = scsi.TEST_UNIT_READY


def waiting_write(session: Connection, lba: int = 0) -> Pdu:
    """A WRITE whose data the target has asked for and not got."""
    session.keys["ImmediateData"] = "No"
    write = session.first_pdus(scsi.write10(lba, 8), b"\xee" * 4096)[0]
    session.send(write)
    assert session.expect(Op.R2T).itt == write.itt
    return write


# --- task management ---------------------------------------------------------------------------


def test_abort_task_ends_a_waiting_write(session: Connection) -> None:
    """RFC 7143 11.5.1, SAM-5 7.2: function complete, and no response for the aborted task."""
    write = waiting_write(session)
    assert session.task_management(ABORT_TASK, task=write) == COMPLETE
    session.expect_silence()
    session.settle()


def test_aborted_write_does_not_reach_the_disk(connect: Connect, make_target: MakeTarget) -> None:
    """SAM-5 7.2: data that comes after the abort is discarded."""
    target = make_target()
    session = open_session(connect, target, {"ImmediateData": "No"})
    write = session.first_pdus(scsi.write10(0, 8), b"\xee" * 4096)[0]
    session.send(write)
    r2t = session.expect(Op.R2T)
    assert session.task_management(ABORT_TASK, task=write) == COMPLETE
    session.send(*session.answer_r2t(r2t, b"\xee" * 4096))
    try:
        session.recv_task(0.5)
    except (Closed, Silence):
        pass
    assert not any(open_session(connect, target).read(0, 8))


def test_abort_of_a_task_that_does_not_exist(session: Connection) -> None:
    """RFC 7143 11.6.1: response 1, as RefCmdSN is below the window."""
    done = session.scsi(TUR)
    session.send(done)
    session.expect(Op.SCSI_RESPONSE)
    assert session.task_management(ABORT_TASK, task=done) == NO_TASK


def test_abort_task_names_a_command_not_yet_received(session: Connection) -> None:
    """RFC 7143 11.6.1: RefCmdSN inside the window: the number counts as received; function complete."""
    missing = session.scsi(TUR)
    assert session.task_management(ABORT_TASK, task=missing) == COMPLETE
    assert session.command(TUR).status == scsi.GOOD


def test_abort_task_set_ends_the_sessions_own_tasks(session: Connection) -> None:
    """SAM-5 7.3: all tasks of this I_T nexus."""
    waiting_write(session, 0)
    waiting_write(session, 8)
    assert session.task_management(ABORT_TASK_SET) == COMPLETE
    session.expect_silence()
    session.settle()


def test_abort_task_set_leaves_other_sessions_alone(connect: Connect, target: Target) -> None:
    """SAM-5 7.3."""
    one, two = open_session(connect, target), open_session(connect, target, {"ImmediateData": "No"})
    data = b"\xee" * 4096
    write = two.first_pdus(scsi.write10(0, 8), data)[0]
    two.send(write)
    r2t = two.expect(Op.R2T)
    assert one.task_management(ABORT_TASK_SET) == COMPLETE
    two.send(*two.answer_r2t(r2t, data))
    assert two.finish(write.itt).status == scsi.GOOD


def test_clear_task_set_is_supported(session: Connection) -> None:
    """SAM-5 7.5: with one task set per nexus (TST=001b) it equals ABORT TASK SET."""
    waiting_write(session)
    assert session.task_management(CLEAR_TASK_SET) == COMPLETE
    session.expect_silence()
    session.settle()


def test_clear_aca_is_not_supported(session: Connection) -> None:
    """RFC 7143 11.6.1: no ACA here."""
    assert session.task_management(CLEAR_ACA) in (NOT_SUPPORTED, REJECTED)


def test_task_reassign_is_not_supported(session: Connection) -> None:
    """RFC 7143 11.6.1: response 4 at ErrorRecoveryLevel below 2."""
    assert session.task_management(REASSIGN, task=session.scsi(TUR, cmd_sn=session.cmd_sn)) in (
        NO_REASSIGN,
        NOT_SUPPORTED,
    )


def test_unknown_function_is_rejected(session: Connection) -> None:
    """RFC 7143 11.6.1: 255, or `not supported`."""
    assert session.task_management(0x30) in (REJECTED, NOT_SUPPORTED)


@pytest.mark.parametrize("function", [ABORT_TASK_SET, CLEAR_TASK_SET, LUN_RESET])
def test_function_on_a_lun_that_does_not_exist(session: Connection, function: int) -> None:
    """RFC 7143 11.6.1: response 2."""
    assert session.task_management(function, lun=77) == NO_LUN


def test_lun_reset_raises_a_unit_attention_once_for_everyone(
    connect: Connect, target: Target
) -> None:
    """SAM-5 5.14 and 6.3.3: 29h, one time, on every I_T nexus, also the one that asked."""
    one, two = open_session(connect, target), open_session(connect, target)
    assert one.task_management(LUN_RESET) == COMPLETE
    for session in (one, two):
        assert [sense.code >> 8 for sense in session.settle()] == [0x29]
        assert session.settle() == []


def test_lun_reset_ends_waiting_tasks_of_all_sessions(connect: Connect, target: Target) -> None:
    """SAM-5 6.3.3: the task set is gone."""
    one, two = open_session(connect, target), open_session(connect, target)
    waiting_write(two)
    assert one.task_management(LUN_RESET) == COMPLETE
    two.expect_silence()
    two.settle()


def test_lun_reset_leaves_other_luns_alone(connect: Connect, make_target: MakeTarget) -> None:
    """SAM-5 6.3.3."""
    target = make_target()
    target.add_disk(2, 1 << 20)
    session = open_session(connect, target)
    session.settle(lun=2)
    assert session.task_management(LUN_RESET, lun=1) == COMPLETE
    assert session.settle(lun=2) == []


def test_target_warm_reset_resets_every_lun(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 11.5.1: TARGET WARM RESET is LUN RESET of all; the sessions stay."""
    target = make_target()
    target.add_disk(2, 1 << 20)
    session = open_session(connect, target)
    session.settle(lun=2)
    assert session.task_management(WARM_RESET, lun=0) == COMPLETE
    for lun in (1, 2):
        assert [sense.code >> 8 for sense in session.settle(lun=lun)] == [0x29]


def test_target_cold_reset_ends_every_session(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 11.5.1: as if powered off and on; all sessions of the target end."""
    target = make_target()
    one, two = open_session(connect, target), open_session(connect, target)
    one.send(one.task_management_pdu(COLD_RESET, lun=0))
    answers = [
        pdu.bhs[2] for pdu in one.expect_closed() if pdu.opcode == Op.TASK_MANAGEMENT_RESPONSE
    ]
    assert answers in ([], [COMPLETE])
    two.expect_closed()
    assert open_session(connect, target).settle() == []


def test_task_management_answer_comes_after_earlier_responses(session: Connection) -> None:
    """RFC 7143 4.2.3.2: commands before the function in CmdSN order are known before it acts."""
    commands = [session.scsi(TUR) for _ in range(8)]
    request = session.task_management_pdu(ABORT_TASK_SET)
    session.send(*commands, request)
    last = None
    try:
        while True:
            last = session.recv_task(1.0)
    except Silence:
        pass
    assert last is not None and last.opcode == Op.TASK_MANAGEMENT_RESPONSE


# --- logout ------------------------------------------------------------------------------------


def logout_response(session: Connection, reason: int, cid: int | None = None) -> int:
    session.send(session.logout_pdu(reason, cid))
    return session.expect(Op.LOGOUT_RESPONSE).bhs[2]


@pytest.mark.parametrize("reason", [0, 1], ids=["session", "connection"])
def test_logout_is_answered_and_closes(session: Connection, reason: int) -> None:
    """RFC 7143 11.14.1, 11.15.1: response 0, then the connection goes."""
    assert logout_response(session, reason) == 0
    session.expect_closed()


def test_logout_of_another_connection_id_is_not_found(session: Connection) -> None:
    """RFC 7143 11.15.1: CID not found."""
    assert logout_response(session, 1, cid=9) == 1
    session.settle()


def test_logout_for_recovery_is_not_supported(session: Connection) -> None:
    """RFC 7143 11.15.1: response 2 below ErrorRecoveryLevel 2."""
    assert logout_response(session, 2) == 2


def test_logout_with_a_reserved_reason_is_refused(session: Connection) -> None:
    """RFC 7143 11.14.1: reasons above 2 are reserved."""
    session.send(session.logout_pdu(0x55))
    answer = session.recv_task()
    assert answer.opcode == Op.REJECT or (
        answer.opcode == Op.LOGOUT_RESPONSE and answer.bhs[2] != 0
    )


def test_logout_ends_waiting_tasks(session: Connection) -> None:
    """RFC 7143 11.14: tasks of the session end with it, without responses."""
    waiting_write(session)
    assert logout_response(session, 0) == 0
    assert session.expect_closed() == []


# --- reinstatement and unit attentions ---------------------------------------------------------


def test_same_isid_reinstates_the_session(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3.5: TSIH 0 with a known initiator name and ISID closes the old session."""
    old = open_session(connect, target)
    new = open_session(connect, target, isid=old.isid)
    old.expect_closed()
    new.settle()


def test_other_isid_is_another_session(connect: Connect, target: Target) -> None:
    """RFC 7143 4.4.3: the I_T nexus is named by initiator name and ISID."""
    one, two = open_session(connect, target), open_session(connect, target)
    one.settle()
    two.settle()


def test_other_initiator_with_the_same_isid_is_another_session(
    connect: Connect, target: Target
) -> None:
    """RFC 7143 4.4.3."""
    one = open_session(connect, target)
    two = open_session(connect, target, isid=one.isid, name="iqn.2001-04.org.example:other")
    one.settle()
    two.settle()


def test_same_isid_on_another_target_is_another_session(
    connect: Connect, target: Target, make_target: MakeTarget
) -> None:
    """RFC 7143 4.4.3: the nexus includes the target portal group."""
    one = open_session(connect, target)
    two = open_session(connect, make_target(), isid=one.isid)
    one.settle()
    two.settle()


def test_reinstatement_ends_waiting_tasks(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3.5: the old session's tasks are gone; the new one works."""
    old = open_session(connect, target)
    waiting_write(old)
    new = open_session(connect, target, isid=old.isid)
    old.expect_closed()
    new.write(0, b"n" * 4096)


def test_reinstatement_many_times(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3.5: also while the sessions before are still going away."""
    first = connect()
    sessions = [connect(isid=first.isid) for _ in range(10)]
    for session in sessions:
        session.login(target.name)
    for session in sessions[:-1]:
        session.expect_closed()
    sessions[-1].settle()


def test_unit_attention_after_login_comes_once(connect: Connect, target: Target) -> None:
    """SAM-5 5.14: at most one 29h condition for a new I_T nexus, then the commands run."""
    session = connect()
    session.login(target.name)
    seen = session.settle()
    assert len(seen) <= 1
    assert all(sense.code >> 8 == 0x29 for sense in seen)


@pytest.mark.parametrize(
    "cdb", [scsi.inquiry(), scsi.report_luns()], ids=["inquiry", "report luns"]
)
def test_command_that_ignores_unit_attentions(connect: Connect, target: Target, cdb: bytes) -> None:
    """SPC-4 6.6 and 6.33: INQUIRY and REPORT LUNS run and leave the condition pending."""
    session = open_session(connect, target)
    assert session.task_management(LUN_RESET) == COMPLETE
    assert session.command(cdb, read=4096).status == scsi.GOOD
    assert [sense.code >> 8 for sense in session.settle()] == [0x29]


def test_request_sense_reports_the_unit_attention(connect: Connect, target: Target) -> None:
    """SPC-4 6.39: REQUEST SENSE returns a pending unit attention as data and clears it."""
    session = open_session(connect, target)
    assert session.task_management(LUN_RESET) == COMPLETE
    result = session.command(scsi.request_sense(), read=252)
    sense = scsi.Sense.parse(result.data)
    assert result.status == scsi.GOOD
    assert sense is not None and (sense.key, sense.code >> 8) == (scsi.UNIT_ATTENTION, 0x29)
    assert session.settle() == []


def test_luns_that_do_not_exist_are_named(session: Connection) -> None:
    """SPC-4 6.6.1 and SAM-5 4.7: INQUIRY says 7Fh, other commands 5/2500h."""
    assert session.command(scsi.inquiry(), lun=77, read=96).data[0] == 0x7F
    assert session.command(TUR, lun=77).sense == scsi.Sense(scsi.ILLEGAL_REQUEST, 0x2500)


def test_report_luns_lists_the_controller_and_the_disk(session: Connection) -> None:
    """SPC-4 6.33."""
    data = session.command(scsi.report_luns(), read=4096).data
    luns = {data[8 + i : 16 + i] for i in range(0, int.from_bytes(data[:4], "big"), 8)}
    assert luns == {bytes(8), b"\0\1" + bytes(6)}


def test_refused_command_leaves_the_session_working(session: Connection) -> None:
    """SAM-5 5.13: CHECK CONDITION ends one command, not the session."""
    session.send(session.scsi(b"\xff" * 16))
    assert refusal(session) == "check 5/2000"
    session.settle()
