# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may log in: CHAP, address and name rules (RFC 7143 sections 9.2.1 and 12.1.3)."""

from __future__ import annotations

import itertools

import pytest

from lib import chap
from lib.chap import MD5, SHA1, SHA3_256, SHA256, Chap
from lib.daemon import AdmError, Daemon, Target
from lib.iscsi import FULL_FEATURE, INITIATOR, OPERATIONAL, SECURITY, Connection, LoginRefused
from lib.wire import Connect, MakeTarget

USER, SECRET = "alice", "correct horse battery"
OUT_USER, OUT_SECRET = "target-user", "staple of the target"
_names = itertools.count()


def account(
    daemon: Daemon, target: Target | None, user: str, secret: str, *, outgoing: bool = False
) -> str:
    """A new account bound to the target, or as discovery account; its name is made unique."""
    name = f"{user}{next(_names)}"
    daemon.adm("-m", "account", "-o", "new", "--user", name, "--password", secret)
    where = ["--tid", str(target.tid)] if target else []
    daemon.adm(
        "-m", "account", "-o", "bind", *where, "--user", name, *(["--outgoing"] if outgoing else [])
    )
    return name


@pytest.fixture
def guarded(daemon: Daemon, make_target: MakeTarget) -> Target:
    """A target that asks for CHAP; `guarded.user` logs in with SECRET."""
    target = make_target()
    target.user = account(daemon, target, USER, SECRET)
    return target


def status(connection: Connection, target: Target | None, known: Chap) -> int:
    """The status with which a CHAP login is refused."""
    with pytest.raises(LoginRefused) as refused:
        chap.login(connection, target.name if target else None, known)
    return refused.value.status


# --- CHAP --------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [MD5, SHA1, SHA256, SHA3_256])
@pytest.mark.parametrize("base64", [False, True], ids=["hex", "base64"])
def test_one_way_chap(connect: Connect, guarded: Target, algorithm: int, base64: bool) -> None:
    """RFC 7143 12.1.3 and the IANA registry of CHAP algorithms: 5, 6, 7, 8."""
    connection = connect()
    proof = chap.login(
        connection, guarded.name, Chap(guarded.user, SECRET, (algorithm,), base64=base64)
    )
    assert proof.algorithm == algorithm
    connection.settle()


@pytest.mark.parametrize("algorithm", [MD5, SHA1, SHA256, SHA3_256])
def test_mutual_chap(connect: Connect, daemon: Daemon, guarded: Target, algorithm: int) -> None:
    """RFC 7143 12.1.3: the target proves the outgoing account's secret."""
    name = account(daemon, guarded, OUT_USER, OUT_SECRET, outgoing=True)
    known = Chap(guarded.user, SECRET, (algorithm,), mutual=OUT_SECRET)
    proof = chap.login(connect(), guarded.name, known)
    assert (proof.target_user, proof.target_proved) == (name, True)


def test_algorithm_is_the_first_that_the_target_has(connect: Connect, guarded: Target) -> None:
    """RFC 7143 12.1.3: CHAP_A is a list in order of preference."""
    proof = chap.login(connect(), guarded.name, Chap(guarded.user, SECRET, (SHA256, MD5)))
    assert proof.algorithm == SHA256


def test_no_common_algorithm_is_an_authentication_failure(
    connect: Connect, guarded: Target
) -> None:
    """RFC 7143 12.1.3: the login ends."""
    assert status(connect(), guarded, Chap(guarded.user, SECRET, (99,))) >> 8 == 2


def test_wrong_secret_is_0201(connect: Connect, guarded: Target) -> None:
    """RFC 7143 11.13.5: authentication failure."""
    assert status(connect(), guarded, Chap(guarded.user, SECRET + "x")) == 0x0201


def test_unknown_user_is_0201(connect: Connect, guarded: Target) -> None:
    """RFC 7143 11.13.5: the same answer as for a wrong secret."""
    assert status(connect(), guarded, Chap("nobody", SECRET)) == 0x0201


def test_user_of_another_target_is_0201(
    connect: Connect, guarded: Target, make_target: MakeTarget, daemon: Daemon
) -> None:
    """An account counts where it is bound only."""
    other = account(daemon, make_target(), USER, SECRET)
    assert status(connect(), guarded, Chap(other, SECRET)) == 0x0201


def test_each_bound_account_may_log_in(connect: Connect, guarded: Target, daemon: Daemon) -> None:
    """Several incoming accounts; the initiator picks by CHAP_N."""
    second = account(daemon, guarded, "bob", "another secret 123")
    chap.login(connect(), guarded.name, Chap(guarded.user, SECRET))
    chap.login(connect(), guarded.name, Chap(second, "another secret 123"))


def test_reflected_challenge_is_refused(connect: Connect, guarded: Target, daemon: Daemon) -> None:
    """RFC 7143 9.2.1: an initiator that sends the target's own challenge back."""
    account(daemon, guarded, OUT_USER, OUT_SECRET, outgoing=True)
    assert status(connect(), guarded, Chap(guarded.user, SECRET, reflect=True)) >> 8 == 2


def test_mutual_without_outgoing_account_is_0201(connect: Connect, guarded: Target) -> None:
    """The target has nothing to prove itself with."""
    assert status(connect(), guarded, Chap(guarded.user, SECRET, mutual=OUT_SECRET)) == 0x0201


def test_challenge_differs_each_time(connect: Connect, guarded: Target) -> None:
    """RFC 7143 9.2.1: challenges are not reused; they have at least 16 random bytes."""
    known = Chap(guarded.user, SECRET)
    challenges = {chap.login(connect(), guarded.name, known).challenge for _ in range(8)}
    assert len(challenges) == 8
    assert min(map(len, challenges)) >= 16


@pytest.mark.parametrize("methods", ["None", "None,CHAP"])
def test_none_is_not_enough_where_chap_is_required(
    connect: Connect, guarded: Target, methods: str
) -> None:
    """RFC 7143 12.1: AuthMethod None alone is 0x0201; in a list CHAP is chosen."""
    connection = connect()
    keys = connection.names(guarded.name) | {"AuthMethod": methods}
    if methods == "None":
        with pytest.raises(LoginRefused) as refused:
            connection.login_step(keys, csg=SECURITY, nsg=OPERATIONAL)
        assert refused.value.status == 0x0201
    else:
        _, answer = connection.login_step(keys, csg=SECURITY, nsg=OPERATIONAL)
        assert answer["AuthMethod"] == "CHAP"


def test_skipping_the_security_stage_is_0201(connect: Connect, guarded: Target) -> None:
    """RFC 7143 6.3.1: starting in the operational stage where authentication is required."""
    with pytest.raises(LoginRefused) as refused:
        connect().login(guarded.name)
    assert refused.value.status == 0x0201


def test_leaving_the_security_stage_without_proof_is_refused(
    connect: Connect, guarded: Target
) -> None:
    """RFC 7143 12.1.3: no full feature phase before CHAP_R was checked."""
    connection = connect()
    keys = connection.names(guarded.name) | {"AuthMethod": "CHAP"}
    connection.login_step(keys, csg=SECURITY, transit=False)
    with pytest.raises(LoginRefused) as refused:
        connection.login_step({}, csg=OPERATIONAL, nsg=FULL_FEATURE)
    assert refused.value.status >> 8 == 2


@pytest.mark.parametrize("proof", ["0x", "0xzz", "0b!!", "0x" + "00" * 400, "", "12"])
def test_malformed_response_is_refused(connect: Connect, guarded: Target, proof: str) -> None:
    """RFC 7143 6.1: binary values have a notation and a length."""
    connection = connect()
    connection.login_step(
        connection.names(guarded.name) | {"AuthMethod": "CHAP"}, csg=SECURITY, transit=False
    )
    connection.login_step({"CHAP_A": "5"}, csg=SECURITY, transit=False)
    with pytest.raises(LoginRefused) as refused:
        connection.login_step(
            {"CHAP_N": guarded.user, "CHAP_R": proof}, csg=SECURITY, nsg=OPERATIONAL
        )
    assert refused.value.status >> 8 == 2


def test_discovery_account(daemon: Daemon, connect: Connect) -> None:
    """RFC 7143 4.3: a discovery session authenticates with the global accounts."""
    name = account(daemon, None, "disc", SECRET)
    try:
        with pytest.raises(LoginRefused) as refused:
            connect().login(None)
        assert refused.value.status == 0x0201
        assert status(connect(), None, Chap(name, "wrong")) == 0x0201
        connection = connect()
        chap.login(connection, None, Chap(name, SECRET))
        connection.text({"SendTargets": "All"})
    finally:
        daemon.adm("-m", "account", "-o", "delete", "--user", name)


# --- rules -------------------------------------------------------------------------------------


def may_log_in(connection: Connection, target: Target) -> bool:
    try:
        connection.login(target.name)
    except LoginRefused as refused:
        assert refused.status == 0x0203
        return False
    return True


@pytest.mark.parametrize(
    "rule, admitted",
    [
        ("ALL", True),
        ("127.0.0.1", True),
        ("127.0.0.0/8", True),
        ("127.0.0.2", False),
        ("192.0.2.0/24", False),
        ("2001:db8::/32", False),
    ],
)
def test_rule_by_address(
    connect: Connect, make_target: MakeTarget, rule: str, admitted: bool
) -> None:
    """A target admits the addresses and networks bound to it; to all others it does not exist."""
    assert may_log_in(connect(), make_target(disk=False, acl=rule)) is admitted


def test_rule_by_source_address(connect: Connect, make_target: MakeTarget) -> None:
    """The address is that of the peer, not that of the portal."""
    target = make_target(disk=False, acl="127.0.0.5")
    assert may_log_in(connect(source="127.0.0.5"), target)
    assert not may_log_in(connect(source="127.0.0.6"), target)


def test_rule_by_name(connect: Connect, make_target: MakeTarget, daemon: Daemon) -> None:
    """A target admits initiator names bound to it."""
    target = make_target(disk=False, acl=None)
    daemon.adm("-m", "target", "-o", "bind", "-t", str(target.tid), "-Q", INITIATOR)
    assert may_log_in(connect(), target)
    assert not may_log_in(connect(name=INITIATOR + "2"), target)


def test_either_rule_is_enough(connect: Connect, make_target: MakeTarget, daemon: Daemon) -> None:
    """Address rules and name rules: one match of either kind admits."""
    target = make_target(disk=False, acl="192.0.2.1")
    daemon.adm("-m", "target", "-o", "bind", "-t", str(target.tid), "-Q", INITIATOR)
    assert may_log_in(connect(), target)


def test_no_rule_admits_nobody(connect: Connect, make_target: MakeTarget) -> None:
    """A new target is closed until something is bound."""
    assert not may_log_in(connect(), make_target(disk=False, acl=None))


def test_unbound_rule_counts_no_longer(
    connect: Connect, make_target: MakeTarget, daemon: Daemon
) -> None:
    """For later logins; a rule that is not there cannot be unbound."""
    target = make_target(disk=False, acl="127.0.0.1")
    unbind = ("-m", "target", "-o", "unbind", "-t", str(target.tid), "-I", "127.0.0.1")
    daemon.adm(*unbind)
    assert not may_log_in(connect(), target)
    with pytest.raises(AdmError):
        daemon.adm(*unbind)
