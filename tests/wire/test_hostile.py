# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that are broken or mean no good: the daemon stays, and others keep their service.

The bounds are those of tgtd --iscsi and of the target's parameters, set small here.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import Daemon, Target
from lib.flood import Flood
from lib.iscsi import FULL_FEATURE, OPERATIONAL, SECURITY, Closed, Connection, Silence
from lib.pdu import FINAL, IMMEDIATE, NO_TAG, Op, Pdu, encode_text
from lib.scsi import Sense
from lib.waiting import wait_for

ABORT_TASK_SET, LUN_RESET = 2, 5
COMPLETE, REJECTED = 0, 255
LOGIN_TIMEOUT_S = 2
LOGIN_LIMIT = 64
CONNECTION_LIMIT = 120
SILENT = Sense(scsi.ABORTED_COMMAND, 0x4B06)  # INITIATOR RESPONSE TIMEOUT


@pytest.fixture(scope="module")
def _daemon() -> Iterator[Daemon]:
    bounds = f"login_timeout={LOGIN_TIMEOUT_S},login_limit={LOGIN_LIMIT}"
    bounds += f",connection_limit={CONNECTION_LIMIT}"
    with Daemon(options=["--iscsi", bounds]) as daemon:
        if not daemon.ours:
            pytest.skip("tgt has none of these bounds")
        daemon.add_target().add_disk(1, 8 << 20)
        yield daemon


@pytest.fixture
def daemon(_daemon: Daemon) -> Iterator[Daemon]:
    yield _daemon
    _daemon.check_alive()


@pytest.fixture
def target(daemon: Daemon) -> Target:
    return Target(daemon, 1, "iqn.2001-04.org.example:t1")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """What is opened in it is closed at the end of the test."""
    with ExitStack() as stack:
        yield stack


def session_on(
    target: Target, stack: ExitStack, keys: dict[str, str] | None = None, **options: object
) -> Connection:
    session = stack.enter_context(Connection("127.0.0.1", target.daemon.port, **options))  # type: ignore[arg-type]
    session.login(target.name, keys)
    session.settle()
    return session


def own_target(daemon: Daemon, stack: ExitStack, **params: object) -> Target:
    made = daemon.add_target(None, **params)
    stack.callback(made.delete)
    made.add_disk(1, 8 << 20)
    return made


def quiet(daemon: Daemon) -> socket.socket:
    return socket.create_connection(("127.0.0.1", daemon.port), 10)


def ask_admin(daemon: Daemon, method: str) -> float:
    """One request on the admin socket; how long the answer took, in seconds."""
    path = next(p for p in daemon.dir.glob("socket*") if p.is_socket())
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
    begin = time.monotonic()
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(10)
        admin.connect(str(path))
        admin.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = admin.recv(1 << 16)
            assert piece, "the admin socket was closed"
            answer += piece
    assert "result" in json.loads(answer), answer
    return time.monotonic() - begin


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def wait_until_closed(peer: socket.socket, seconds: float) -> None:
    """Reads and drops what comes; fails when the target has not closed by then."""
    limit = time.monotonic() + seconds
    try:
        while time.monotonic() < limit:
            peer.settimeout(max(0.01, limit - time.monotonic()))
            if not peer.recv(1 << 16):
                return
    except TimeoutError:
        pass
    except OSError:
        return
    raise AssertionError(f"still open after {seconds:g} s")


def connections_of(target: Target) -> int:
    shown = target.daemon.adm("-m", "conn", "-o", "show", "-t", str(target.tid))
    return shown.count("Connection:")


def wait_until_alone(target: Target) -> None:
    """The sessions of the tests before have ended."""
    limit = time.monotonic() + 5
    while connections_of(target):
        assert time.monotonic() < limit
        time.sleep(0.02)


# --- connections -------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
def test_a_flood_of_silent_connections_keeps_nobody_out(
    daemon: Daemon, target: Target, opened: ExitStack, source: str
) -> None:
    """login_limit: logins succeed, sessions go on, the administrator is answered; from the same address and another."""
    before = session_on(target, opened)
    took: list[float] = []
    with Flood(daemon.port, source=source):
        time.sleep(0.3)
        for _ in range(10):
            took.append(ask_admin(daemon, "target.show"))
            with Connection("127.0.0.1", daemon.port) as fresh:
                fresh.login(target.name)
                fresh.settle()
                fresh.logout()
            assert before.command(scsi.read10(0, 8), read=4096).status == scsi.GOOD
    assert statistics.median(took) < 0.1, took
    assert "login_limit" in daemon.log_text()
    assert daemon.log_text().count("were closed for newer ones") < 30, "one line a second"


def test_connections_are_bounded_and_sessions_stay(
    daemon: Daemon, target: Target, opened: ExitStack
) -> None:
    """connection_limit: one more is closed at once, until a session ends."""
    wait_until_alone(target)
    sessions = [session_on(target, opened) for _ in range(CONNECTION_LIMIT)]
    with quiet(daemon) as refused:
        wait_until_closed(refused, 1)
    sessions.pop().logout()
    for _ in range(50):  # its place is free when its worker has told
        try:
            session_on(target, opened)
            break
        except Closed:
            time.sleep(0.05)
    for session in sessions:
        assert session.command(scsi.TEST_UNIT_READY).status == scsi.GOOD


def test_discovery_sessions_make_room_for_sessions(
    daemon: Daemon, target: Target, opened: ExitStack
) -> None:
    """connection_limit: nobody needs a discovery session for long, and nobody needs a password for one."""
    wait_until_alone(target)
    for _ in range(CONNECTION_LIMIT):
        idle = opened.enter_context(Connection("127.0.0.1", daemon.port))
        idle.login(None)
    session_on(target, opened)


def test_a_login_that_trickles_in_ends_in_time(daemon: Daemon) -> None:
    """login_timeout counts from the beginning, whatever comes."""
    with Connection("127.0.0.1", daemon.port) as slow:
        request = slow.encode(slow.login_pdu(slow.names("iqn.x"), csg=OPERATIONAL, nsg=FULL_FEATURE))
        begin = time.monotonic()
        for byte in request:
            slow.send_bytes(bytes([byte]))
            try:
                slow.recv(0.1)
            except Silence:
                continue
            except Closed:
                break
        assert LOGIN_TIMEOUT_S - 0.5 < time.monotonic() - begin < LOGIN_TIMEOUT_S + 2


def open_files(daemon: Daemon) -> int:
    return len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))


def once_through(daemon: Daemon, session: Connection) -> None:
    """What a daemon without descriptors will be asked for; also connections that make room, and that are closed."""
    assert session.command(scsi.read10(0, 1), read=512).status == scsi.GOOD
    ask_admin(daemon, "target.show")
    with ExitStack() as stack:
        silent = [stack.enter_context(quiet(daemon)) for _ in range(LOGIN_LIMIT + 2)]
        wait_until_closed(silent[0], 10)


def test_without_descriptors_sessions_go_on_and_nothing_spins(tmp_path: Path) -> None:
    """EMFILE: the processor is left alone, sessions are served, the administrator is answered, and logins work again."""
    bounds = f"login_timeout=2,login_limit={LOGIN_LIMIT}"
    with Daemon(options=["--iscsi", bounds]) as daemon, ExitStack() as stack:
        if not daemon.ours:
            pytest.skip("tgt spins")
        target = daemon.add_target()
        target.add_disk(1, 1 << 20)
        session = session_on(target, stack)
        # UBSan looks at a type's first object through a pipe: without descriptors it takes any for broken.
        before = open_files(daemon)
        once_through(daemon, session)
        wait_for(lambda: open_files(daemon) <= before)
        files = before + 20
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (files, files))
        silent = [stack.enter_context(quiet(daemon)) for _ in range(200)]
        begin, used = time.monotonic(), cpu_seconds(daemon.pid)
        while time.monotonic() - begin < 1.5:
            assert session.command(scsi.read10(0, 1), read=512).status == scsi.GOOD
            ask_admin(daemon, "target.show")
            time.sleep(0.05)
        share = (cpu_seconds(daemon.pid) - used) / (time.monotonic() - begin)
        assert share < 0.2, f"{share:.0%} of a processor"
        assert "Too many open files" in daemon.log_text()
        assert daemon.log_text().count("cannot accept") < 6, "one line a second"
        for one in silent:
            one.close()
        session_on(target, stack)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),  # a TLS client's hello
        b"GET / HTTP/1.1\r\nHost: target:3260\r\nUser-Agent: x/1.0\r\nAccept: */*\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        bytes(4096),
        b"\xff" * 4096,
        b"\x43" * 47,
    ],
    ids=["tls", "http", "ssh", "zeros", "ones", "short"],
)
def test_other_protocols_on_the_port_are_shown_the_door(daemon: Daemon, garbage: bytes) -> None:
    """At once, or when the login timeout has passed."""
    with quiet(daemon) as stranger:
        stranger.sendall(garbage)
        wait_until_closed(stranger, LOGIN_TIMEOUT_S + 6)


def test_connection_reset_after_each_byte_of_a_login(
    daemon: Daemon, target: Target, opened: ExitStack
) -> None:
    """SO_LINGER 0: the kernel sends RST instead of FIN."""
    with Connection("127.0.0.1", daemon.port) as model:
        pdu = model.login_pdu(model.names(target.name), csg=OPERATIONAL, nsg=FULL_FEATURE)
        request = model.encode(pdu)
    for length in range(1, len(request) + 1):
        with quiet(daemon) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.sendall(request[:length])
    session_on(target, opened)


# --- logins ------------------------------------------------------------------------------------


def login_ends_with(connection: Connection, pdu: Pdu) -> int:
    """The status of the response; 0 when the target closed instead."""
    connection.send(pdu)
    try:
        return connection.recv(5).login_status
    except Closed:
        return 0


def test_login_with_64_kib_of_keys_is_answered_or_refused(
    daemon: Daemon, target: Target, opened: ExitStack
) -> None:
    """RFC 7143 6.1: a request may be long, in pieces with the C bit; keys are bounded in number and in all."""
    connection = opened.enter_context(Connection("127.0.0.1", daemon.port))
    text = encode_text(connection.names(target.name))
    text += b"".join(b"X-%d=%s\0" % (i, b"v" * 200) for i in range(400))
    status = None
    for at in range(0, len(text), 8000):
        last = at + 8000 >= len(text)
        pdu = connection.login_pdu(
            text[at : at + 8000], csg=OPERATIONAL, nsg=FULL_FEATURE if last else 0, transit=last
        )
        if not last:
            pdu.bhs[1] |= 0x40
        status = login_ends_with(connection, pdu)
        if status:
            break
    assert status is not None and status >> 8 == 2, f"{status:#06x}"


def test_login_requests_are_bounded_in_number(daemon: Daemon, opened: ExitStack) -> None:
    """RFC 7143 6.2: a negotiation that makes no progress is ended."""
    connection = opened.enter_context(Connection("127.0.0.1", daemon.port))
    keys: dict[str, str] = connection.names("iqn.2001-04.org.example:t1") | {"AuthMethod": "None"}
    for count in range(1000):
        status = login_ends_with(
            connection, connection.login_pdu(keys, csg=SECURITY, transit=False)
        )
        if status:
            break
        keys = {}
    assert status == 0x0200 and count < 200


def test_logins_for_one_session_at_once_leave_one(
    daemon: Daemon, target: Target, opened: ExitStack
) -> None:
    """RFC 7143 6.3.5: each reinstates the one before it."""
    isid = bytes([0x80, 1, 2, 3, 4, 5])

    def one(_: int) -> None:
        with Connection("127.0.0.1", daemon.port, isid=isid) as connection:
            try:
                connection.login(target.name)
                connection.settle()
            except Closed:
                pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(60)))
    session_on(target, opened, isid=isid).settle()
    shown = daemon.adm("-m", "conn", "-o", "show", "-t", str(target.tid))
    assert shown.count("Session:") == 1, shown


# --- peers that do not read --------------------------------------------------------------------


def test_peer_that_stops_reading_is_dropped_and_others_are_served(
    daemon: Daemon, opened: ExitStack
) -> None:
    """send_timeout; what it had asked for is forgotten."""
    target = own_target(daemon, opened, send_timeout=1)
    deaf, other = session_on(target, opened), session_on(target, opened)
    deaf.send(*(deaf.scsi(scsi.read10(0, 8192), edtl=4 << 20) for _ in range(24)))
    begin = time.monotonic()
    while connections_of(target) > 1:
        assert time.monotonic() - begin < 5, "it is still there"
        assert other.command(scsi.read10(0, 8), read=4096).status == scsi.GOOD
        time.sleep(0.1)
    assert time.monotonic() - begin > 0.7


def test_peer_that_reads_slowly_stays(daemon: Daemon, opened: ExitStack) -> None:
    """send_timeout is about no progress at all."""
    target = own_target(daemon, opened, send_timeout=1)
    slow = session_on(target, opened)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    slow.send(*(slow.scsi(scsi.read10(0, 8192), edtl=4 << 20) for _ in range(8)))
    for _ in range(12):
        time.sleep(0.2)
        slow.socket.settimeout(5)
        assert slow.socket.recv(1 << 17)
    assert connections_of(target) == 1


@pytest.mark.parametrize("kind", ["nop", "reject", "task management", "text"])
def test_answers_that_nobody_reads_do_not_fill_the_memory(
    daemon: Daemon, target: Target, opened: ExitStack, kind: str
) -> None:
    """Echoes, Rejects and the like wait in a bounded queue; then nothing more is read."""
    before = resident_bytes(daemon.pid)
    for _ in range(4):
        peer = session_on(target, opened)
        pdu = {
            "nop": lambda p: p.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG, data=b"n" * 8000),
            "reject": lambda p: p.pdu(0x1C | IMMEDIATE),
            "task management": lambda p: p.task_management_pdu(ABORT_TASK_SET, lun=99),
            "text": lambda p: p.text_request({"X-unknown": "v" * 200}),
        }[kind](peer)
        encoded = peer.encode(pdu)
        assert pour(peer.socket, encoded * (1 + (1 << 17) // len(encoded))) < 48 << 20
    if "san.so" not in Path(f"/proc/{daemon.pid}/maps").read_text():  # sanitizers keep freed memory
        assert resident_bytes(daemon.pid) - before < 150 << 20
    session_on(target, opened)


def pour(peer: socket.socket, piece: bytes) -> int:
    """Sends again and again until nothing is taken for a while; how many bytes were taken."""
    peer.settimeout(0.3)
    sent = 0
    try:
        while sent < 64 << 20:
            sent += peer.send(piece)
    except TimeoutError:
        pass
    return sent


# --- data that does not come -------------------------------------------------------------------


def test_command_whose_data_does_not_come_ends_and_the_session_goes_on(
    daemon: Daemon, opened: ExitStack
) -> None:
    """data_out_timeout: ABORTED COMMAND, INITIATOR RESPONSE TIMEOUT; late data is dropped."""
    target = own_target(daemon, opened, data_out_timeout=1)
    session = session_on(target, opened, {"ImmediateData": "No"})
    data = b"\xee" * 4096
    write = session.first_pdus(scsi.write10(0, 8), data)[0]
    session.send(write)
    r2t = session.expect(Op.R2T)
    result = session.finish(write.itt)
    assert (result.status, result.sense) == (scsi.CHECK_CONDITION, SILENT)
    session.send(*session.answer_r2t(r2t, data))
    assert not any(session.read(0, 8)), "late data did not reach the disk"


@pytest.mark.parametrize("function", [ABORT_TASK_SET, LUN_RESET])
def test_a_window_of_aborted_writes_is_answered_at_once_and_its_late_data_dropped(
    target: Target, opened: ExitStack, function: int
) -> None:
    """open-iscsi never answers the R2Ts of aborted tasks; others do, late."""
    session = session_on(target, opened, {"ImmediateData": "No"})
    writes = [session.first_pdus(scsi.write10(8 * i, 8), b"\xee" * 4096)[0] for i in range(128)]
    session.send(*writes)
    r2ts = [session.expect(Op.R2T) for _ in writes]
    begin = time.monotonic()
    assert session.task_management(function) == COMPLETE
    assert time.monotonic() - begin < 2
    for r2t in r2ts:
        session.send(*session.answer_r2t(r2t, b"\xee" * 4096 * 129))
    session.expect_silence(0.3)
    session.settle()


# --- floods in a session -----------------------------------------------------------------------


def test_flood_of_task_management_is_answered(target: Target, opened: ExitStack) -> None:
    """RFC 7143 11.6.1: those beyond what is carried out at once get `function rejected`."""
    session, other = session_on(target, opened), session_on(target, opened)
    requests = [session.task_management_pdu(LUN_RESET) for _ in range(1000)]
    session.send(*requests)
    answers = [session.expect(Op.TASK_MANAGEMENT_RESPONSE) for _ in requests]
    assert {answer.bhs[2] for answer in answers} <= {COMPLETE, REJECTED}
    assert sorted(a.itt for a in answers) == sorted(r.itt for r in requests)
    other.settle()


def test_flood_of_pings_is_answered(target: Target, opened: ExitStack) -> None:
    """RFC 7143 11.18: every one, in order."""
    session = session_on(target, opened)
    pings = [session.pdu(Op.NOP_OUT | IMMEDIATE, ttt=NO_TAG, data=b"p" * 64) for _ in range(5000)]
    session.send(*pings)
    assert [session.expect(Op.NOP_IN).itt for _ in pings] == [ping.itt for ping in pings]


def test_text_requests_come_one_at_a_time(daemon: Daemon, opened: ExitStack) -> None:
    """RFC 7143 11.10: a second request before the answer is a protocol error; the first is answered."""
    discovery = opened.enter_context(Connection("127.0.0.1", daemon.port))
    discovery.login(None)
    requests = [discovery.text_request({"SendTargets": "All"}) for _ in range(200)]
    discovery.send(*requests)
    answers = [discovery.recv().opcode for _ in requests]
    assert answers.count(Op.TEXT_RESPONSE) + answers.count(Op.REJECT) == len(requests)
    assert Op.TEXT_RESPONSE in answers
    assert discovery.text({"SendTargets": "All"})


def test_endless_text_in_a_session_is_refused(target: Target, opened: ExitStack) -> None:
    """RFC 7143 11.10.2: pieces joined by the C bit are bounded together."""
    session = session_on(target, opened)
    itt, ttt = session.next_tag(), NO_TAG
    for _ in range(100):
        session.send(session.text_request(b"a" * 8000, flags=0x40, ttt=ttt, itt=itt))
        answer = session.recv()
        if answer.opcode == Op.REJECT:
            break
        ttt = answer.get("ttt")
    assert answer.opcode == Op.REJECT
    session.settle()


@pytest.mark.parametrize("ahs", [b"\xff" * 1020, b"\xff\xff\x01\x00" + bytes(8), bytes(252)])
def test_absurd_additional_headers_end_no_more_than_the_session(
    target: Target, opened: ExitStack, ahs: bytes
) -> None:
    """RFC 7143 11.2.2: AHSLength beyond TotalAHSLength, unknown types, the longest there can be."""
    session = session_on(target, opened)
    session.send(session.scsi(scsi.TEST_UNIT_READY, ahs=ahs))
    try:
        assert session.recv_task(5).opcode in (Op.REJECT, Op.SCSI_RESPONSE)
    except Closed:
        pass
    session_on(target, opened)


# --- ends --------------------------------------------------------------------------------------


def test_commands_behind_a_logout_do_no_harm(target: Target, opened: ExitStack) -> None:
    """RFC 7143 11.14: the initiator sends nothing more; one that does gets the logout answered, and no more."""
    for _ in range(10):
        session = session_on(target, opened, {"ImmediateData": "No"})
        write = session.first_pdus(scsi.write10(0, 8), bytes(4096))[0]
        reads = [session.scsi(scsi.read10(0, 1024), edtl=1 << 19) for _ in range(4)]
        session.send(write, *reads, session.logout_pdu(), *reads, session.logout_pdu())
        answers = [pdu.opcode for pdu in session.expect_closed(5)]
        assert answers.count(Op.LOGOUT_RESPONSE) == 1
    session_on(target, opened)


def test_logout_and_reset_at_once(target: Target, opened: ExitStack) -> None:
    """The answer meets a connection that is gone."""
    for _ in range(20):
        session = session_on(target, opened)
        session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        session.send(session.scsi(scsi.read10(0, 8192), edtl=4 << 20), session.logout_pdu())
        session.close()
    session_on(target, opened)
