# SPDX-License-Identifier: GPL-2.0-or-later
"""Reservations of one logical unit behind two targets, as initiators see them (SPC-4 5.13, SPC-2 5.5)."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from lib import reservations as pr
from lib import scsi
from lib.daemon import Target
from lib.iscsi import Connection, Result
from lib.reservations import Registration, initiator_port, transport_id
from lib.wire import Connect, MakeTarget, open_session
from wire.conftest import DISK_BYTES

HOST_A, HOST_B = "iqn.2001-04.org.example:host-a", "iqn.2001-04.org.example:host-b"
NEVER = "iqn.2001-04.org.example:never,i,0x80000000abcd"
INVALID_CDB, INVALID_LIST, LIST_LENGTH = 0x2400, 0x2600, 0x1A00
PREEMPTED = 0x2A05
ONE_BLOCK = bytes(512)


@dataclass
class Paths:
    """Two targets that lead to the same disk at LUN 1."""

    first: Target
    second: Target
    connect: Connect

    def login(self, target: Target, name: str) -> Connection:
        return open_session(self.connect, target, name=name)


@pytest.fixture
def paths(make_target: MakeTarget, connect: Connect) -> Paths:
    first, second = make_target(disk=False), make_target(disk=False)
    disk = first.add_disk(1, DISK_BYTES)
    second.add_disk(1, DISK_BYTES, path=disk)
    return Paths(first, second, connect)


def port_of(session: Connection) -> int:
    """The relative target port identifier of the session, as INQUIRY tells it (VPD 83h)."""
    data, at = session.command(scsi.inquiry(252, 0x83), read=252).data, 4
    while at < len(data):
        if data[at + 1] & 0x3F == 0x14:  # of the target port, relative identifier
            return int.from_bytes(data[at + 6 : at + 8], "big")
        at += 4 + data[at + 3]
    raise AssertionError(f"no relative target port identifier in {data.hex()}")


def may_write(session: Connection) -> bool:
    result = session.command(scsi.write10(0, 1), write=ONE_BLOCK)
    assert result.status in (scsi.GOOD, scsi.RESERVATION_CONFLICT), f"{result.sense}"
    return result.status == scsi.GOOD


def refused(result: Result, code: int) -> None:
    assert result.status == scsi.CHECK_CONDITION, f"{result.status:#x}"
    assert result.sense == scsi.Sense(scsi.ILLEGAL_REQUEST, code)


# --- SPEC_I_PT --------------------------------------------------------------------------------


def test_specified_initiators_are_registered_before_they_log_in(paths: Paths) -> None:
    """SPC-4 table 67: the sender and every initiator port of the list, at the sender's target port."""
    a = paths.login(paths.first, HOST_A)
    b = Connection("127.0.0.1", paths.first.daemon.port, name=HOST_B)
    with b:
        ids = [transport_id(NEVER), transport_id(initiator_port(b))]
        assert pr.out(a, pr.REGISTER, pr.specifying(0x77, ids)).status == scsi.GOOD
        port = port_of(a)
        assert pr.full_status(a) == sorted(
            Registration(name, port, 0x77) for name in (initiator_port(a), initiator_port(b), NEVER)
        )
        b.login(paths.first.name)
        b.settle()
        pr.reserve(b, 0x77, pr.WRITE_EXCLUSIVE)
        assert may_write(b) and not may_write(a)


def test_a_device_is_registered_with_the_ports_that_are_logged_in(paths: Paths) -> None:
    """SPC-4 7.6.4.6 format 00b: the name of a device names its ports, wherever they are logged in."""
    a = paths.login(paths.first, HOST_A)
    others = [paths.login(paths.first, HOST_B), paths.login(paths.second, HOST_B)]
    assert pr.out(a, pr.REGISTER, pr.specifying(1, [transport_id(HOST_B)])).status == scsi.GOOD
    names = [initiator_port(session) for session in [a, *others]]
    assert pr.full_status(a) == sorted(Registration(name, port_of(a), 1) for name in names)


def test_a_list_with_anything_wrong_registers_nobody(paths: Paths) -> None:
    """SPC-4 6.16.3: all or nothing; the pointer names the TransportID, its length or the bit."""
    a, b = paths.login(paths.first, HOST_A), paths.login(paths.first, HOST_B)
    good, absent = transport_id(NEVER), transport_id("iqn.2001-04.org.example:absent")
    second = 28 + len(good)
    unknown, fibre_channel = b"\3" + good[1:], b"\0" + good[1:]
    cases = [
        (pr.specifying(1, [good, absent]), second),
        (pr.specifying(1, [good, unknown]), second),
        (pr.specifying(1, [good, fibre_channel]), second + 3),  # reserved there
        (pr.specifying(1, [good, good[:-4]]), 24),
    ]
    for parameters, byte in cases:
        result = pr.out(a, pr.REGISTER, parameters)
        refused(result, INVALID_LIST)
        assert pr.field_pointer(result) == (False, byte, None)
    refused(pr.out(a, pr.REGISTER, pr.specifying(1, [good])[:-1]), LIST_LENGTH)
    refused(pr.out(a, pr.REGISTER, pr.specifying(1, [good]) + b"\0"), LIST_LENGTH)
    assert pr.keys(a) == []
    pr.register(b, 2)
    result = pr.out(a, pr.REGISTER, pr.specifying(1, [good, transport_id(initiator_port(b))]))
    refused(result, INVALID_LIST)
    assert pr.field_pointer(result) == (False, second, None)
    assert pr.keys(a) == [2]


def test_only_register_takes_a_list_of_initiators(paths: Paths) -> None:
    """SPC-4 table 216."""
    a = paths.login(paths.first, HOST_A)
    for action in (pr.REGISTER_AND_IGNORE, pr.RESERVE, pr.CLEAR, pr.PREEMPT):
        result = pr.out(a, action, pr.specifying(1, [transport_id(NEVER)]))
        refused(result, INVALID_LIST)
        assert pr.field_pointer(result) == (False, 20, 3)
    pr.register(a, 1)
    result = pr.out(a, pr.REGISTER, pr.basic(1, 2, pr.SPEC_I_PT) + bytes(4))
    refused(result, INVALID_LIST)
    assert pr.field_pointer(result) == (False, 20, 3)


# --- ALL_TG_PT --------------------------------------------------------------------------------


def test_all_target_ports_are_registered_at_once(paths: Paths) -> None:
    """SPC-4 table 69: what one session registers holds for the same initiator port at both targets."""
    isid = bytes([0x80, 1, 2, 3, 4, 5])
    on_first = open_session(paths.connect, paths.first, name=HOST_A, isid=isid)
    on_second = open_session(paths.connect, paths.second, name=HOST_A, isid=isid)
    other = paths.login(paths.second, HOST_B)
    ports = [port_of(on_first), port_of(on_second)]
    assert ports[0] != ports[1]
    pr.register(on_first, 0x11, pr.ALL_TG_PT)
    name = initiator_port(on_first)
    assert pr.full_status(other) == sorted(Registration(name, port, 0x11) for port in ports)
    pr.reserve(on_second, 0x11, pr.WRITE_EXCLUSIVE_REGISTRANTS_ONLY)
    assert may_write(on_first) and may_write(on_second) and not may_write(other)
    assert pr.out(on_first, pr.REGISTER, pr.basic(0x11, 0, pr.ALL_TG_PT)).status == scsi.GOOD
    assert pr.keys(other) == []
    assert may_write(other), "the holder's registration has gone and its reservation with it"


def test_without_the_bit_the_other_target_port_stays_unregistered(paths: Paths) -> None:
    """SPC-4 6.16.3."""
    isid = bytes([0x80, 1, 2, 3, 4, 6])
    on_first = open_session(paths.connect, paths.first, name=HOST_A, isid=isid)
    on_second = open_session(paths.connect, paths.second, name=HOST_A, isid=isid)
    pr.register(on_first, 0x11)
    result = pr.out(on_second, pr.RESERVE, pr.basic(0x11, 0), type=pr.WRITE_EXCLUSIVE)
    assert result.status == scsi.RESERVATION_CONFLICT


def test_a_preempted_initiator_is_told_on_every_target_port(paths: Paths) -> None:
    """SPC-4 5.13.11.2.5: each nexus that lost its registration, each once."""
    isid = bytes([0x80, 1, 2, 3, 4, 7])
    victims = [
        open_session(paths.connect, target, name=HOST_A, isid=isid)
        for target in (paths.first, paths.second)
    ]
    pr.register(victims[0], 0x11, pr.ALL_TG_PT)
    other = paths.login(paths.second, HOST_B)
    pr.register(other, 0x22)
    assert pr.out(other, pr.PREEMPT, pr.basic(0x22, 0x11)).status == scsi.GOOD
    for victim in victims:
        assert victim.settle() == [scsi.Sense(scsi.UNIT_ATTENTION, PREEMPTED)]
    assert other.settle() == []


# --- REGISTER AND MOVE ------------------------------------------------------------------------


def test_a_reservation_moves_to_another_initiator_at_another_port(paths: Paths) -> None:
    """SPC-4 5.13.8."""
    a, b = paths.login(paths.first, HOST_A), paths.login(paths.second, HOST_B)
    pr.register(a, 0x11)
    pr.reserve(a, 0x11, pr.EXCLUSIVE_ACCESS)
    assert may_write(a) and not may_write(b)
    destination = transport_id(initiator_port(b))
    moved = pr.out(a, pr.REGISTER_AND_MOVE, pr.moving(0x11, 0x22, port_of(b), destination))
    assert moved.status == scsi.GOOD
    assert may_write(b) and not may_write(a)
    assert pr.full_status(b) == sorted(
        [
            Registration(initiator_port(a), port_of(a), 0x11),
            Registration(initiator_port(b), port_of(b), 0x22, holder=True),
        ]
    )
    back = pr.moving(0x22, 0x33, port_of(a), transport_id(initiator_port(a)), unregister=True)
    assert pr.out(b, pr.REGISTER_AND_MOVE, back).status == scsi.GOOD
    assert may_write(a) and not may_write(b)
    assert pr.keys(a) == [0x33]


def test_a_reservation_does_not_move_to_nowhere(paths: Paths) -> None:
    """SPC-4 5.13.8, 6.16.4."""
    a, b = paths.login(paths.first, HOST_A), paths.login(paths.second, HOST_B)
    pr.register(a, 0x11)
    to_b, to_a = transport_id(initiator_port(b)), transport_id(initiator_port(a))
    port = port_of(b)
    refused(pr.out(a, pr.REGISTER_AND_MOVE, pr.moving(0x11, 1, port, to_b)), INVALID_CDB)
    pr.reserve(a, 0x11, pr.WRITE_EXCLUSIVE)
    for parameters, byte in (
        (pr.moving(0x11, 1, 0xFFFE, to_b), 18),
        (pr.moving(0x11, 1, port, to_a), 24),
        (pr.moving(0x11, 1, port, transport_id(HOST_B)), 24),
        (pr.moving(0x11, 0, port, to_b), 8),
    ):
        result = pr.out(a, pr.REGISTER_AND_MOVE, parameters)
        refused(result, INVALID_LIST)
        assert pr.field_pointer(result) == (False, byte, None)
    assert may_write(a) and not may_write(b)


# --- what is offered --------------------------------------------------------------------------


def test_capabilities_say_what_is_done(session: Connection) -> None:
    """SPC-4 6.15.4: SIP_C and ATP_C; without a state directory no PTPL_C, and APTPL is refused."""
    data = pr.capabilities(session)
    assert data[2] == 0x0C and data[3] & 0x81 == 0x80 and data[4:6] == b"\xea\x01"
    result = pr.out(session, pr.REGISTER, pr.basic(0, 1, pr.APTPL))
    refused(result, INVALID_LIST)
    assert pr.field_pointer(result) == (False, 20, 0)
    assert pr.keys(session) == []


# --- RESERVE and RELEASE ----------------------------------------------------------------------


@pytest.mark.parametrize("reserve", [pr.RESERVE_6, pr.RESERVE_10])
@pytest.mark.parametrize("release", [pr.RELEASE_6, pr.RELEASE_10])
def test_reserve_and_release_of_either_length_are_one(
    paths: Paths, reserve: bytes, release: bytes
) -> None:
    """SPC-2 7.21, 7.16: also over another target."""
    a, b = paths.login(paths.first, HOST_A), paths.login(paths.second, HOST_B)
    assert a.command(reserve).status == scsi.GOOD
    for other in (pr.RESERVE_6, pr.RESERVE_10, scsi.TEST_UNIT_READY):
        assert b.command(other).status == scsi.RESERVATION_CONFLICT
    assert b.command(release).status == scsi.GOOD, "releases nothing of others"
    assert not may_write(b)
    assert a.command(release).status == scsi.GOOD
    assert may_write(b)


def test_third_party_reservations_are_refused(paths: Paths) -> None:
    """SPC-2 7.22: 3RDPTY, LONGID and EXTENT with pointers to them."""
    a, b = paths.login(paths.first, HOST_A), paths.login(paths.first, HOST_B)
    for bit in (4, 1, 0):
        result = a.command(bytes([0x56, 1 << bit]) + bytes(8))
        refused(result, INVALID_CDB)
        assert pr.field_pointer(result) == (True, 1, bit)
    assert may_write(b)


def test_a_reserved_unit_is_free_when_its_session_ends(paths: Paths) -> None:
    """SPC-2 5.5.1."""
    a, b = paths.login(paths.first, HOST_A), paths.login(paths.second, HOST_B)
    assert a.command(pr.RESERVE_10).status == scsi.GOOD
    assert not may_write(b)
    a.logout()
    limit = time.monotonic() + 5
    while not may_write(b):  # the end of a session reaches the other workers by itself
        assert time.monotonic() < limit, "the reservation outlives its session"


def test_reserve_and_persistent_reservations_shut_each_other_out(paths: Paths) -> None:
    """SPC-2 5.5.1."""
    a, b = paths.login(paths.first, HOST_A), paths.login(paths.second, HOST_B)
    pr.register(a, 1)
    for session in (a, b):
        assert session.command(pr.RESERVE_10).status == scsi.RESERVATION_CONFLICT
    assert pr.out(a, pr.CLEAR, pr.basic(1, 0)).status == scsi.GOOD
    assert a.command(pr.RESERVE_10).status == scsi.GOOD
    for session in (a, b):
        result = pr.out(session, pr.REGISTER, pr.basic(0, 1))
        assert result.status == scsi.RESERVATION_CONFLICT
