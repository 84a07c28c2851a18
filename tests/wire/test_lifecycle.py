# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's own life: start, portals, deletion under use, orderly end."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import STOP_LIMIT_S, TGTD, AdmError, Daemon, free_port
from lib.iscsi import Connection, LoginRefused
from lib.pdu import Op
from lib.wire import Connect, MakeTarget, open_session, still_serves

NOBODY = 65534


@pytest.fixture
def alone() -> Iterator[Daemon]:
    """A daemon that the test may end."""
    with Daemon() as daemon:
        if not daemon.ours:
            pytest.skip("the daemon under test is tgt, which does not end on SIGTERM")
        yield daemon


def login(daemon: Daemon, name: str) -> Connection:
    session = Connection("127.0.0.1", daemon.port)
    session.login(name)
    session.settle()
    return session


# --- end ---------------------------------------------------------------------------------------


def test_sigterm_ends_a_daemon_with_sessions_and_waiting_tasks(alone: Daemon) -> None:
    """Sessions, tasks that wait for data and a peer that does not read: all end within the bound, with status 0."""
    target = alone.add_target()
    target.add_disk(1, 8 << 20)
    waiting, deaf, idle = (login(alone, target.name) for _ in range(3))
    waiting.keys["ImmediateData"] = "No"
    waiting.send(*waiting.first_pdus(scsi.write10(0, 8), bytes(4096)))
    assert waiting.expect(Op.R2T)
    deaf.send(*(deaf.scsi(scsi.read10(0, 2048), edtl=1 << 20) for _ in range(16)))
    alone.stop()
    idle.expect_closed()


def test_sigterm_ends_an_idle_daemon_at_once(alone: Daemon) -> None:
    begin = time.monotonic()
    alone.stop()
    assert time.monotonic() - begin < STOP_LIMIT_S / 2


def test_system_delete_ends_the_daemon(alone: Daemon) -> None:
    """tgtadm --mode system --op delete, refused while a target exists."""
    target = alone.add_target()
    with pytest.raises(AdmError):
        alone.adm("-m", "system", "-o", "delete")
    target.delete()
    alone.adm("-m", "system", "-o", "delete")
    limit = time.monotonic() + STOP_LIMIT_S
    while alone.running and time.monotonic() < limit:
        time.sleep(0.05)
    assert not alone.running


def test_what_was_written_survives_kill_9(alone: Daemon) -> None:
    """A write that was answered is in the file when the process is gone (not: the machine)."""
    target = alone.add_target()
    disk = target.add_disk(1, 1 << 20)
    login(alone, target.name).write(0, b"k" * 4096)
    alone.kill()
    assert disk.read_bytes()[:4096] == b"k" * 4096
    alone.start()


# --- start -------------------------------------------------------------------------------------


def start_again(daemon: Daemon, *options: str, port: int | None = None, control: str = "1") -> str:
    """Starts a second daemon that has to end by itself with status 1; returns what it printed."""
    portal = f"portal=127.0.0.1:{port if port is not None else free_port()}"
    environment = {**os.environ, "TGT_IPC_SOCKET": str(daemon.dir / "socket")}
    run = subprocess.run(
        [TGTD, "-f", "-C", control, "--iscsi", portal, *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert run.returncode == 1, f"status {run.returncode}\n{run.stdout}{run.stderr}"
    return run.stdout + run.stderr


def test_portal_that_is_taken_ends_the_start_with_its_address(alone: Daemon) -> None:
    """None of the given portals can be bound: status 1, the address and the reason."""
    output = start_again(alone, port=alone.port)
    assert f"127.0.0.1:{alone.port}" in output
    assert "in use" in output.lower()


def test_control_port_that_is_taken_ends_the_start(alone: Daemon) -> None:
    """A second daemon on one admin socket is refused and leaves the first alone."""
    start_again(alone, control="0")
    alone.add_target()


def test_portal_in_use_is_refused_at_run_time(alone: Daemon) -> None:
    """tgtadm --mode portal --op new on an address that another program has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        portal = f"portal=127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(AdmError) as refused:
            alone.adm("-m", "portal", "-o", "new", "-P", portal)
    assert refused.value.status == 22
    assert "in use" in refused.value.err.lower()


def test_portal_added_and_deleted_at_run_time(alone: Daemon) -> None:
    """A new portal serves at once; a deleted one no longer accepts, its sessions go on."""
    target = alone.add_target()
    target.add_disk(1, 1 << 20)
    port = free_port()
    portal = ("-P", f"portal=127.0.0.1:{port}")
    alone.adm("-m", "portal", "-o", "new", *portal)
    assert f"127.0.0.1:{port},1" in alone.adm("-m", "portal", "-o", "show")
    with Connection("127.0.0.1", port) as session:
        session.login(target.name)
        session.settle()
        alone.adm("-m", "portal", "-o", "delete", *portal)
        session.settle()
    with pytest.raises(OSError):
        Connection("127.0.0.1", port)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_ordinary_user_may_run_the_daemon() -> None:
    """No capability is needed when port and files allow it."""
    daemon = Daemon()
    if not daemon.ours:
        pytest.skip("tgt needs root")
    user = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"
    daemon.prefix = [*user.split(), *daemon.prefix]
    disk = daemon.dir / "disk"
    disk.write_bytes(bytes(1 << 20))
    for path in (daemon.dir, disk):
        shutil.chown(path, NOBODY, NOBODY)
    with daemon:
        target = daemon.add_target()
        target.add_disk(1, 1 << 20, path=disk)
        session = login(daemon, target.name)
        session.write(0, b"u" * 512)
        assert session.read(0, 1) == b"u" * 512


# --- deletion under use ------------------------------------------------------------------------


def test_target_in_use_is_deleted_by_force_only(connect: Connect, make_target: MakeTarget) -> None:
    """Without --force `this target is still active`; with it the sessions end."""
    target = make_target()
    session = open_session(connect, target)
    with pytest.raises(AdmError) as refused:
        target.daemon.adm("-m", "target", "-o", "delete", "-t", str(target.tid))
    assert "this target is still active" in refused.value.err
    session.settle()
    target.delete()
    session.expect_closed()
    with pytest.raises(LoginRefused):
        connect().login(target.name)
    target.daemon.adm("-m", "target", "-o", "new", "-t", str(target.tid), "-T", target.name)


def test_target_is_deleted_under_load(connect: Connect, make_target: MakeTarget) -> None:
    """Deleting finishes while commands run, wait for data and are not read."""
    target = make_target()
    waiting, deaf = open_session(connect, target), open_session(connect, target)
    waiting.keys["ImmediateData"] = "No"
    waiting.send(*waiting.first_pdus(scsi.write10(0, 8), bytes(4096)))
    deaf.send(*(deaf.scsi(scsi.read10(0, 2048), edtl=1 << 20) for _ in range(16)))
    begin = time.monotonic()
    target.delete()
    assert time.monotonic() - begin < 10
    target.daemon.adm("-m", "target", "-o", "new", "-t", str(target.tid), "-T", target.name)


def test_connection_is_closed_by_the_administrator(
    connect: Connect, make_target: MakeTarget
) -> None:
    """tgtadm --mode conn --op delete."""
    target = make_target()
    session = open_session(connect, target)
    shown = target.daemon.adm("-m", "conn", "-o", "show", "-t", str(target.tid))
    number = shown.split()[1]  # Session: N
    where = ("-t", str(target.tid), "-s", number, "-c", "0")
    target.daemon.adm("-m", "conn", "-o", "delete", *where)
    session.expect_closed()
    still_serves(connect, target)


def test_deleted_lun_is_gone_for_open_sessions(connect: Connect, make_target: MakeTarget) -> None:
    """SAM-5 4.7: commands to it end with 5/2500h; the other LUNs go on."""
    target = make_target()
    target.add_disk(2, 1 << 20)
    session = open_session(connect, target)
    session.settle(lun=2)
    target.daemon.adm("-m", "logicalunit", "-o", "delete", "-t", str(target.tid), "-l", "2")
    result = session.command(scsi.read10(0, 1), lun=2, read=512)
    assert result.sense == scsi.Sense(scsi.ILLEGAL_REQUEST, 0x2500)
    for _ in range(3):  # REPORTED LUNS DATA HAS CHANGED may come first
        if session.command(scsi.TEST_UNIT_READY).status == scsi.GOOD:
            break
    assert session.read(0, 1) == bytes(512)


def test_new_lun_is_seen_by_open_sessions(connect: Connect, make_target: MakeTarget) -> None:
    """A LUN added later is there without a new login."""
    target = make_target()
    session = open_session(connect, target)
    target.add_disk(2, 1 << 20)
    session.settle(lun=2)
    session.write(0, b"2" * 512, lun=2)
    assert session.read(0, 1, lun=2) == b"2" * 512


def test_a_locked_file_is_a_lun_by_force_only(alone: Daemon, tmp_path: Path) -> None:
    """A file that another process holds a lock on is refused with its name and the holder."""
    target = alone.add_target()
    medium = tmp_path / "locked.img"
    medium.write_bytes(bytes(1 << 20))
    new = ("-m", "logicalunit", "-o", "new", "-t", str(target.tid), "-l", "1", "-b", str(medium))
    with medium.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AdmError) as refusal:
            alone.adm(*new)
        assert str(medium) in refusal.value.err and "in use" in refusal.value.err
        alone.adm(*new, "--force")
    assert login(alone, target.name).command(scsi.read10(0, 8), read=4096).status == scsi.GOOD


def test_data_for_one_lun_never_lands_on_another(connect: Connect, make_target: MakeTarget) -> None:
    """RFC 7143 11.7.4: the LUN field of a Data-Out has to be the R2T's; whatever happens, only the command's LUN counts."""
    target = make_target()
    target.add_disk(2, 1 << 20)
    session = open_session(connect, target, {"ImmediateData": "No"})
    session.settle(lun=2)
    data = b"\xee" * 4096
    session.send(*session.first_pdus(scsi.write10(0, 8), data))
    answer = session.answer_r2t(session.expect(Op.R2T), data)
    answer[0].bhs[8:16] = bytes([0, 2]) + bytes(6)
    session.send(*answer)
    session.recv_task()
    other = open_session(connect, target)
    other.settle(lun=2)
    assert not any(other.read(0, 8, lun=2))
