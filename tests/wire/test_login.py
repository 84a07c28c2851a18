# SPDX-License-Identifier: GPL-2.0-or-later
"""Login phase: status codes, stages and text (RFC 7143 sections 6, 11.12, 11.13 and 13)."""

from __future__ import annotations

import pytest

from lib.daemon import Daemon, Target
from lib.iscsi import FULL_FEATURE, OPERATIONAL, SECURITY, Closed, Connection, LoginRefused
from lib.pdu import IMMEDIATE, NO_TAG, Op, Pdu, decode_text, encode_text
from lib.wire import Connect, refusal, still_serves


def refused_status(connection: Connection, pdu: Pdu) -> int:
    """Sends a Login Request that has to be refused; returns class and detail. The target then closes."""
    connection.send(pdu)
    response = connection.expect(Op.LOGIN_RESPONSE)
    assert response.login_status, f"not refused: {response!r}"
    assert not response.flags & 0x80, "T bit on a refusal"
    connection.expect_closed()
    return response.login_status


def status_of(connection: Connection, keys: dict[str, str] | list[tuple[str, str]]) -> int:
    return refused_status(connection, connection.login_pdu(keys, csg=OPERATIONAL, nsg=FULL_FEATURE))


def full_names(connection: Connection, target: Target) -> dict[str, str]:
    return connection.names(target.name)


# --- status codes ------------------------------------------------------------------------------


def test_unsupported_version_is_0205(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13.5: no version in common."""
    connection = connect()
    pdu = connection.login_pdu(full_names(connection, target), csg=OPERATIONAL, nsg=FULL_FEATURE)
    pdu.bhs[2] = pdu.bhs[3] = 1
    assert refused_status(connection, pdu) == 0x0205


def test_version_range_that_contains_zero_is_accepted(connect: Connect, target: Target) -> None:
    """RFC 7143 11.12.4: the target picks a version between VersionMin and VersionMax."""
    connection = connect()
    pdu = connection.login_pdu(full_names(connection, target), csg=OPERATIONAL, nsg=FULL_FEATURE)
    pdu.bhs[2] = 5
    connection.send(pdu)
    response = connection.expect(Op.LOGIN_RESPONSE)
    assert response.login_status == 0
    assert response.bhs[3] == 0, "Version-active"


def test_missing_initiator_name_is_0207(connect: Connect, target: Target) -> None:
    """RFC 7143 13.5: InitiatorName is in the first Login Request."""
    assert status_of(connect(), {"TargetName": target.name}) == 0x0207


def test_missing_target_name_in_a_normal_session_is_0207(connect: Connect, target: Target) -> None:
    """RFC 7143 13.4: TargetName is required unless the session is a discovery session."""
    connection = connect()
    assert (
        status_of(connection, {"InitiatorName": connection.name, "SessionType": "Normal"}) == 0x0207
    )


def test_unknown_target_is_0203(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13.5: not found."""
    connection = connect()
    assert status_of(connection, connection.names(target.name + "x")) == 0x0203


def test_bad_session_type_is_0209(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13.5: session type not supported."""
    connection = connect()
    assert (
        status_of(connection, full_names(connection, target) | {"SessionType": "Sideways"})
        == 0x0209
    )


def test_unknown_tsih_is_020a(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13.5: session does not exist."""
    connection = connect()
    connection.tsih = 0x7A7A
    assert status_of(connection, full_names(connection, target)) == 0x020A


def test_second_connection_beyond_max_connections_is_0206(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13.5: too many connections; MaxConnections is 1 here."""
    first = connect()
    first.login(target.name)
    second = connect(isid=first.isid)
    second.tsih, second.cid = first.tsih, 1
    assert status_of(second, full_names(second, target)) == 0x0206


# --- what a good login answers -----------------------------------------------------------------


def test_first_response_names_the_portal_group(connect: Connect, target: Target) -> None:
    """RFC 7143 13.9: TargetPortalGroupTag is in the first Login Response of a normal session."""
    connection = connect()
    _, answer = connection.login_step(
        full_names(connection, target), csg=OPERATIONAL, transit=False
    )
    assert answer["TargetPortalGroupTag"] == "1"


def test_max_recv_data_segment_length_is_declared(connect: Connect, target: Target) -> None:
    """RFC 7143 13.12: what the target takes; without it the initiator is held to 8192."""
    declared = int(connect().login(target.name)["MaxRecvDataSegmentLength"])
    assert 8192 <= declared <= 16777215


def test_final_response_gives_a_tsih(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13.3: non-zero in the final response of a new session."""
    connection = connect()
    connection.login(target.name)
    assert connection.tsih != 0


def test_response_repeats_isid_and_tag(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13: ISID and Initiator Task Tag are those of the request."""
    connection = connect()
    connection.send(
        connection.login_pdu(full_names(connection, target), csg=OPERATIONAL, nsg=FULL_FEATURE)
    )
    response = connection.expect(Op.LOGIN_RESPONSE)
    assert (bytes(response.bhs[8:14]), response.itt) == (connection.isid, 1)


def test_exp_cmd_sn_starts_at_the_cmd_sn_of_the_login(connect: Connect, target: Target) -> None:
    """RFC 7143 11.12.9: login is immediate; its CmdSN is that of the first command to come."""
    connection = connect()
    connection.cmd_sn = 0xFFFFFFF0
    connection.send(
        connection.login_pdu(full_names(connection, target), csg=OPERATIONAL, nsg=FULL_FEATURE)
    )
    response = connection.expect(Op.LOGIN_RESPONSE)
    assert response.get("exp_cmd_sn") == 0xFFFFFFF0


def test_command_window_is_open_after_login(connect: Connect, target: Target) -> None:
    """RFC 7143 4.2.2.1: MaxCmdSN - ExpCmdSN + 1 commands may be sent."""
    connection = connect()
    connection.login(target.name)
    assert connection.max_cmd_sn - connection.cmd_sn + 1 >= 1


def test_no_transit_without_the_transit_bit(connect: Connect, target: Target) -> None:
    """RFC 7143 11.13.2: the target may set T only when the initiator did."""
    connection = connect()
    response, _ = connection.login_step(
        full_names(connection, target), csg=OPERATIONAL, transit=False
    )
    assert not response.flags & 0x80
    connection.finish_login({}, {})


def test_auth_method_none_leads_to_the_operational_stage(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3.2: security negotiation with None as the only method in common."""
    connection = connect()
    keys = full_names(connection, target) | {"AuthMethod": "CHAP,None"}
    response, answer = connection.login_step(keys, csg=SECURITY, nsg=OPERATIONAL)
    assert answer["AuthMethod"] == "None"
    assert response.flags & 0x83 == 0x81
    connection.finish_login({}, {})


def test_security_stage_may_lead_straight_to_full_feature(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3.1: 0 to 3 is a legal transition."""
    connection = connect()
    keys = full_names(connection, target) | {"AuthMethod": "None"}
    response, answer = connection.login_step(keys, csg=SECURITY, nsg=FULL_FEATURE)
    assert response.flags & 0x83 in (0x83, 0x81)


def test_auth_method_unknown_to_the_target_is_0201(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3.2 and 12.1: no method in common is an authentication failure."""
    connection = connect()
    keys = full_names(connection, target) | {"AuthMethod": "KRB5"}
    pdu = connection.login_pdu(keys, csg=SECURITY, nsg=OPERATIONAL)
    assert refused_status(connection, pdu) == 0x0201


# --- stages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "csg, nsg",
    [(1, 0), (1, 1), (0, 0), (0, 2), (1, 2), (2, 3), (3, 3)],
    ids=lambda stage: str(stage),
)
def test_illegal_stage_is_an_initiator_error(
    connect: Connect, target: Target, csg: int, nsg: int
) -> None:
    """RFC 7143 11.12.3: stage 2 is reserved, NSG is greater than CSG, 3 is no current stage."""
    connection = connect()
    pdu = connection.login_pdu(full_names(connection, target), csg=csg, nsg=nsg)
    assert refused_status(connection, pdu) >> 8 == 2


def test_going_back_to_the_security_stage_is_refused(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3.3: the operational stage does not lead back."""
    connection = connect()
    connection.login_step(full_names(connection, target), csg=OPERATIONAL, transit=False)
    pdu = connection.login_pdu({"AuthMethod": "None"}, csg=SECURITY, nsg=OPERATIONAL)
    assert refused_status(connection, pdu) >> 8 == 2


def test_transit_together_with_continue_is_refused(connect: Connect, target: Target) -> None:
    """RFC 7143 11.12.2: T is 0 when C is 1."""
    connection = connect()
    pdu = connection.login_pdu(
        full_names(connection, target), csg=OPERATIONAL, nsg=FULL_FEATURE, more=True
    )
    assert refused_status(connection, pdu) >> 8 == 2


def test_other_pdu_before_login_ends_the_connection(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3: any PDU but a Login Request before the login phase."""
    connection = connect()
    connection.send(connection.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG))
    assert not [pdu for pdu in connection.expect_closed() if pdu.opcode == Op.NOP_IN]


def test_other_pdu_during_login_is_020b(connect: Connect, target: Target) -> None:
    """RFC 7143 6.3: Login reject `invalid during login`, then the connection goes."""
    connection = connect()
    connection.login_step(full_names(connection, target), csg=OPERATIONAL, transit=False)
    assert refused_status(connection, connection.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG)) == 0x020B


def test_login_in_full_feature_phase_is_refused(session: Connection, target: Target) -> None:
    """RFC 7143 6.3: the login phase is gone through once."""
    session.send(session.login_pdu(session.names(target.name), csg=OPERATIONAL, nsg=FULL_FEATURE))
    assert refusal(session) in ("closed", "reject 04", "reject 05", "reject 0b")


# --- text --------------------------------------------------------------------------------------


def test_unknown_key_is_not_understood(connect: Connect, target: Target) -> None:
    """RFC 7143 6.2: any key not understood is answered NotUnderstood."""
    assert (
        connect().login(target.name, {"X-org.example.Foo": "1"})["X-org.example.Foo"]
        == "NotUnderstood"
    )


@pytest.mark.parametrize(
    "key, value",
    [
        ("MaxBurstLength", "511"),
        ("MaxBurstLength", "16777216"),
        ("MaxBurstLength", "many"),
        ("MaxBurstLength", "-1"),
        ("FirstBurstLength", "99999999999999999999"),
        ("MaxOutstandingR2T", "0"),
        ("ErrorRecoveryLevel", "3"),
        ("DefaultTime2Wait", "3601"),
        ("InitialR2T", "yes"),
        ("ImmediateData", "1"),
        ("HeaderDigest", "MD5"),
    ],
)
def test_unacceptable_value_is_rejected(
    connect: Connect, target: Target, key: str, value: str
) -> None:
    """RFC 7143 6.2: a value that the key does not admit is answered Reject, or the login ends."""
    connection = connect()
    try:
        answers = connection.login(target.name, {key: value})
    except (LoginRefused, Closed) as refused:
        assert not isinstance(refused, LoginRefused) or refused.status >> 8 == 2
        return
    assert answers[key] == "Reject"


def test_duplicate_key_is_an_initiator_error(connect: Connect, target: Target) -> None:
    """RFC 7143 6.2: a key is negotiated once in a login; a target that sees it twice ends the login."""
    connection = connect()
    keys = [*full_names(connection, target).items(), ("InitialR2T", "No"), ("InitialR2T", "Yes")]
    assert status_of(connection, keys) >> 8 == 2


def test_key_of_an_earlier_request_offered_again_is_an_initiator_error(
    connect: Connect, target: Target
) -> None:
    """RFC 7143 6.2: also when the two are in different requests of one login."""
    connection = connect()
    connection.login_step(
        full_names(connection, target) | {"InitialR2T": "No"}, csg=OPERATIONAL, transit=False
    )
    assert status_of(connection, {"InitialR2T": "Yes"}) >> 8 == 2


def test_text_may_be_continued(connect: Connect, target: Target) -> None:
    """RFC 7143 6.1 and 11.12.2: C=1 cuts the text anywhere, the target answers with no text until it is whole."""
    connection = connect()
    text = encode_text(full_names(connection, target) | {"X-org.example.Foo": "1"})
    cut = len(text) // 2 + 3
    response, answer = connection.login_step(text[:cut], csg=OPERATIONAL, transit=False, more=True)
    assert (answer, response.flags & 0xC0) == ({}, 0)
    _, answer = connection.login_step(text[cut:], csg=OPERATIONAL, nsg=FULL_FEATURE)
    assert answer["X-org.example.Foo"] == "NotUnderstood"


def test_text_without_equals_sign_is_refused(connect: Connect, target: Target) -> None:
    """RFC 7143 6.1: text is key=value pairs."""
    connection = connect()
    text = encode_text(full_names(connection, target)) + b"NoEqualsSign\0"
    pdu = connection.login_pdu(text, csg=OPERATIONAL, nsg=FULL_FEATURE)
    assert refused_status(connection, pdu) >> 8 == 2


def test_data_segment_longer_than_8192_in_login_is_refused(
    connect: Connect, target: Target
) -> None:
    """RFC 7143 13.12: during login each side takes the default, 8192 bytes."""
    connection = connect()
    text = encode_text(full_names(connection, target) | {"X-org.example.Foo": "x" * 9000})
    connection.send(connection.login_pdu(text, csg=OPERATIONAL, nsg=FULL_FEATURE))
    answers = connection.expect_closed()
    assert all(pdu.login_status >> 8 == 2 for pdu in answers)


def test_endless_text_is_refused(connect: Connect, target: Target) -> None:
    """RFC 7143 6.1: a continued text has an end; memory for it is bounded."""
    connection = connect()
    for _ in range(1024):
        connection.send(
            connection.login_pdu(b"x" * 8192, csg=OPERATIONAL, transit=False, more=True)
        )
        try:
            response = connection.recv()
        except Closed:
            break
        if response.login_status:
            assert response.login_status >> 8 in (2, 3)
            break
    else:
        raise AssertionError("the target took 8 MiB of one text")
    still_serves(connect, target)


@pytest.mark.parametrize(
    "key, offered, agreed",
    [
        ("InitialR2T", "No", "Yes"),
        ("ImmediateData", "No", "No"),
        ("ImmediateData", "Yes", "Yes"),
        ("MaxBurstLength", "131072", "131072"),
        ("MaxBurstLength", "16777215", "262144"),
        ("MaxBurstLength", "0x10000", "65536"),
        ("FirstBurstLength", "4096", "4096"),
        ("MaxOutstandingR2T", "8", "1"),
        ("DataPDUInOrder", "No", "Yes"),
        ("DataSequenceInOrder", "No", "Yes"),
        ("ErrorRecoveryLevel", "2", "0"),
        ("DefaultTime2Wait", "0", "2"),
        ("DefaultTime2Retain", "3600", "20"),
        ("MaxConnections", "4", "1"),
        ("HeaderDigest", "CRC32C,None", "None"),
        ("DataDigest", "None", "None"),
    ],
)
def test_negotiated_value(
    connect: Connect, target: Target, key: str, offered: str, agreed: str
) -> None:
    """RFC 7143 13: the result function of each key, against the target's defaults."""
    answer = connect().login(target.name, {key: offered})[key]
    assert int(answer, 0) == int(agreed, 0) if agreed.isdigit() else answer == agreed


def test_first_burst_never_exceeds_max_burst(connect: Connect, target: Target) -> None:
    """RFC 7143 13.14: FirstBurstLength is at most MaxBurstLength."""
    answers = connect().login(
        target.name, {"MaxBurstLength": "8192", "FirstBurstLength": "8192", "InitialR2T": "No"}
    )
    assert int(answers["FirstBurstLength"], 0) <= int(answers["MaxBurstLength"], 0)


def test_answer_keys_are_ascii_key_value_pairs(connect: Connect, target: Target) -> None:
    """RFC 7143 6.1: every pair of a response is ended by NUL."""
    connection = connect()
    connection.send(
        connection.login_pdu(full_names(connection, target), csg=OPERATIONAL, nsg=FULL_FEATURE)
    )
    response = connection.expect(Op.LOGIN_RESPONSE)
    assert response.data.endswith(b"\0")
    assert all(key and value for key, value in decode_text(response.data))


def test_refused_login_is_logged_with_its_reason(
    connect: Connect, daemon: Daemon, target: Target
) -> None:
    """An administrator finds the refused name in the log."""
    if not daemon.ours:
        pytest.skip("tgt does not log it")
    connection = connect()
    assert status_of(connection, connection.names("iqn.2001-04.org.example:nowhere")) == 0x0203
    assert "iqn.2001-04.org.example:nowhere" in daemon.log_text()
