# SPDX-License-Identifier: GPL-2.0-or-later
"""Discovery sessions and SendTargets (RFC 7143 section 4.3 and appendix C)."""

from __future__ import annotations

from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import Daemon, Target, portal_text
from lib.iscsi import Connection
from lib.pdu import FINAL, Op, decode_text
from lib.wire import Connect, MakeTarget, refusal


@pytest.fixture
def discovery(connect: Connect) -> Connection:
    connection = connect()
    connection.login(None)
    return connection


def listing(connection: Connection, value: str) -> dict[str, list[str]]:
    """The answer to SendTargets=value: addresses by target name."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for key, text in connection.text({"SendTargets": value}):
        if key == "TargetName":
            current = []
            found[text] = current
        elif key == "TargetAddress":
            current.append(text)
    return found


def test_all_lists_the_target_with_its_address(discovery: Connection, target: Target) -> None:
    """RFC 7143 appendix C: TargetName, then TargetAddress=host:port,group."""
    assert listing(discovery, "All")[target.name] == [f"{target.portal},1"]


def test_name_lists_only_that_target(
    discovery: Connection, target: Target, make_target: MakeTarget
) -> None:
    """RFC 7143 appendix C: SendTargets=<name>."""
    other = make_target(disk=False)
    assert list(listing(discovery, other.name)) == [other.name]


def test_unknown_name_lists_nothing(discovery: Connection, target: Target) -> None:
    """RFC 7143 appendix C: a name that does not exist gives an empty answer."""
    assert listing(discovery, "iqn.2001-04.org.example:nowhere") == {}


def test_empty_value_lists_nothing_in_a_discovery_session(
    discovery: Connection, target: Target
) -> None:
    """RFC 7143 appendix C: the empty value means the session's own target; there is none here."""
    assert listing(discovery, "") == {}


def test_target_without_access_rule_is_hidden(
    discovery: Connection, make_target: MakeTarget
) -> None:
    """A target that admits nobody is not listed."""
    hidden = make_target(disk=False, acl=None)
    assert hidden.name not in listing(discovery, "All")


def test_target_for_another_address_is_hidden(
    discovery: Connection, make_target: MakeTarget
) -> None:
    """A target is listed to those only who may log in."""
    hidden = make_target(disk=False, acl="192.0.2.1")
    assert hidden.name not in listing(discovery, "All")


def test_other_key_is_not_understood(discovery: Connection) -> None:
    """RFC 7143 6.2: NotUnderstood, also beside SendTargets."""
    assert ("X-org.example.Foo", "NotUnderstood") in discovery.text({"X-org.example.Foo": "1"})


def test_scsi_command_in_a_discovery_session_is_refused(discovery: Connection) -> None:
    """RFC 7143 4.3: a discovery session takes Text and Logout Requests only."""
    discovery.send(discovery.scsi(scsi.TEST_UNIT_READY))
    outcome = refusal(discovery)
    assert outcome == "closed" or outcome.startswith("reject")


def test_task_management_in_a_discovery_session_is_refused(discovery: Connection) -> None:
    """RFC 7143 4.3."""
    discovery.send(discovery.task_management_pdu(5))
    outcome = refusal(discovery)
    assert outcome == "closed" or outcome.startswith("reject")


def test_discovery_session_logs_out(discovery: Connection) -> None:
    """RFC 7143 4.3 and 11.14."""
    discovery.logout()
    discovery.expect_closed()


def test_two_requests_in_one_session(discovery: Connection, target: Target) -> None:
    """RFC 7143 11.10: text exchanges follow each other on one session."""
    assert listing(discovery, "All") == listing(discovery, "All")


# --- continuation ------------------------------------------------------------------------------


@pytest.fixture
def many(make_target: MakeTarget) -> list[str]:
    """Targets whose listing is longer than 512 bytes."""
    return [make_target(disk=False).name for _ in range(20)]


@pytest.fixture
def narrow(connect: Connect) -> Connection:
    """A discovery session that takes 512 bytes per PDU."""
    connection = connect()
    connection.login(None, {"MaxRecvDataSegmentLength": "512"})
    return connection


def test_long_answer_is_continued(narrow: Connection, many: list[str]) -> None:
    """RFC 7143 11.11: pieces of at most the initiator's MaxRecvDataSegmentLength, joined by a tag."""
    assert set(many) <= set(listing(narrow, "All"))


def test_piece_of_a_long_answer_has_a_tag_and_fits(narrow: Connection, many: list[str]) -> None:
    """RFC 7143 11.11.1 and 11.11.4: F=0 and a Target Transfer Tag on all but the last piece."""
    narrow.send(narrow.text_request({"SendTargets": "All"}))
    piece = narrow.expect(Op.TEXT_RESPONSE)
    assert not piece.final
    assert piece.get("ttt") != 0xFFFFFFFF
    assert 0 < piece.data_length <= 512


def test_continuation_with_a_wrong_tag_is_refused(narrow: Connection, many: list[str]) -> None:
    """RFC 7143 11.10.4: the tag of the response comes back in the next request."""
    request = narrow.text_request({"SendTargets": "All"})
    narrow.send(request)
    piece = narrow.expect(Op.TEXT_RESPONSE)
    narrow.send(narrow.text_request(b"", ttt=piece.get("ttt") ^ 0x5A5A, itt=request.itt))
    outcome = refusal(narrow)
    assert outcome == "closed" or outcome.startswith("reject")


def test_new_request_drops_an_unfinished_answer(
    narrow: Connection, target: Target, many: list[str]
) -> None:
    """RFC 7143 11.10.4: a request with the reserved tag resets the exchange."""
    narrow.send(narrow.text_request({"SendTargets": "All"}))
    assert not narrow.expect(Op.TEXT_RESPONSE).final
    assert list(listing(narrow, target.name)) == [target.name]


# --- several portals ---------------------------------------------------------------------------


@pytest.fixture
def two_portals() -> Iterator[Daemon]:
    with Daemon(hosts=("127.0.0.1", "::1")) as daemon:
        yield daemon


def test_every_portal_is_listed(two_portals: Daemon) -> None:
    """RFC 7143 appendix C: all addresses of the target, whichever of them the session came in on."""
    name = two_portals.add_target().name
    expected = {f"{portal_text(host, two_portals.port)},1" for host in two_portals.hosts}
    for host in two_portals.hosts:
        with Connection(host, two_portals.port) as connection:
            connection.login(None)
            assert set(listing(connection, "All")[name]) == expected


def test_ipv6_portal_serves_a_disk(two_portals: Daemon) -> None:
    """RFC 7143 4.2.7: a portal is an IPv4 or IPv6 address."""
    target = two_portals.add_target()
    target.add_disk(1, 1 << 20)
    with Connection("::1", two_portals.port) as connection:
        connection.login(target.name)
        connection.settle()
        connection.write(0, b"6" * 512)
        assert connection.read(0, 1) == b"6" * 512


# --- SendTargets in a normal session -----------------------------------------------------------


def test_all_in_a_normal_session_is_refused(
    session: Connection, target: Target, make_target: MakeTarget
) -> None:
    """RFC 7143 appendix C: SendTargets=All belongs to discovery sessions."""
    other = make_target(disk=False)
    session.send(session.text_request({"SendTargets": "All"}))
    answer = session.recv_task()
    assert answer.opcode in (Op.REJECT, Op.TEXT_RESPONSE)
    assert other.name not in str(answer.data)
    if answer.opcode == Op.TEXT_RESPONSE:
        assert answer.flags & FINAL
        assert ("SendTargets", "Reject") in decode_text(answer.data)


def test_empty_value_in_a_normal_session_lists_its_own_target(
    session: Connection, target: Target
) -> None:
    """RFC 7143 appendix C: with the empty value the target of the session."""
    assert list(listing(session, "")) == [target.name]
