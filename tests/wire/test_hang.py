# SPDX-License-Identifier: GPL-2.0-or-later
"""A store that hangs: every task management function is answered within its bound, nothing else suffers, and what was
given up never lands on newer data. The `fault` store hangs as the kernel does: what it has begun cannot be taken back."""

from __future__ import annotations

import json
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import AdmError, Daemon, Target
from lib.iscsi import Connection
from lib.pdu import Op, Pdu

BOUND_S = 1.0  # of task management, in the daemon under test
SLACK_S = 3.0  # sanitizers and a busy machine
DISK_BYTES = 4 << 20
BLOCKS = 8
OLD, NEW = b"\x11" * (BLOCKS * 512), b"\x99" * (BLOCKS * 512)
COMPLETE = 0
FUNCTIONS = {"abort_task": 1, "abort_task_set": 2, "clear_task_set": 4, "lun_reset": 5, "warm_reset": 6}


def cdb16(opcode: int, byte1: int = 0, blocks: int = BLOCKS) -> bytes:
    return struct.pack(">BBQIBB", opcode, byte1, 0, blocks, 0, 0)


UNMAP_LIST = struct.pack(">HH4xQI4x", 22, 16, 0, BLOCKS)


@dataclass(frozen=True)
class Command:
    """A command that hangs: its CDB, its Data-Out, how much it reads, and what of the store it waits for."""

    cdb: bytes
    out: bytes = b""
    read: int = 0
    op: str = "any"


COMMANDS = {
    "read": Command(scsi.read10(0, BLOCKS), read=BLOCKS * 512, op="read"),
    "write": Command(scsi.write10(0, BLOCKS), OLD, op="write"),
    "write_fua": Command(cdb16(0x8A, 0x08), OLD, op="write"),
    "write_dpo": Command(cdb16(0x8A, 0x10), OLD, op="write"),
    "write_verify": Command(cdb16(0x8E, 0x02), OLD, op="flush"),
    "verify": Command(cdb16(0x8F, 0x02), bytes(BLOCKS * 512), op="read"),
    "synchronize_cache": Command(cdb16(0x91), op="flush"),
    "write_same": Command(cdb16(0x93), OLD[:512], op="write"),
    "write_same_zero": Command(cdb16(0x93), bytes(512), op="write_zeroes"),
    "or_write": Command(cdb16(0x8B), OLD, op="write"),
    "compare_and_write": Command(
        struct.pack(">BBQ3xBBB", 0x89, 0, 0, BLOCKS, 0, 0), bytes(BLOCKS * 512) + OLD, op="write"
    ),
    "unmap": Command(struct.pack(">BB5xHB", 0x42, 0, len(UNMAP_LIST), 0), UNMAP_LIST, op="discard"),
    "format_unit": Command(bytes([0x04, 0, 0, 0, 0, 0]), op="discard"),
    "start_stop_unit": Command(bytes([0x1B, 0, 0, 0, 0, 0]), op="flush"),
}
UNCHANGED = ("read", "verify", "synchronize_cache", "start_stop_unit")
CHANGES = [name for name in COMMANDS if name not in UNCHANGED]


class Disk:
    """A target of its own with one thin disk on a fault store."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.target: Target = daemon.add_target()
        self.path = daemon.dir / f"hang-{self.target.tid}"
        with self.path.open("wb") as file:
            file.truncate(DISK_BYTES)
        self._lun("new", "-b", str(self.path), "--bstype", "fault")
        self._lun("update", "-P", "thin_provisioning=1")

    def _lun(self, op: str, *words: str) -> None:
        where = ("-t", str(self.target.tid), "-l", "1")
        self.daemon.adm("-m", "logicalunit", "-o", op, *where, *words)

    def hang(self, op: str, more: str = "") -> None:
        self._lun("update", "-P", f"fault=hang:op={op}:count=1{more}")

    def release(self) -> None:
        self._lun("update", "-P", "release=all")

    def attach(self) -> None:
        self._lun("new", "-b", str(self.path), "--bstype", "fault")

    def stuck(self) -> int:
        """How many operations hang now."""
        shown = json.loads(self.daemon.adm("--json", "-m", "target", "-o", "show"))
        for target in shown["targets"]:
            if target["tid"] == self.target.tid:
                (lun,) = [lun for lun in target["luns"] if lun["lun"] == 1]
                named = {one["name"]: one["value"] for one in lun["store"]["parameters"]}
                return int(named["hung"])
        raise AssertionError(f"target {self.target.tid} is not shown")

    def wait_stuck(self) -> None:
        limit = time.monotonic() + 20
        while self.stuck() == 0:
            assert time.monotonic() < limit, "the operation never got to the store"
            time.sleep(0.02)

    def session(self) -> Connection:
        session = Connection("127.0.0.1", self.daemon.port)
        session.login(self.target.name)
        session.settle()
        return session


@pytest.fixture(scope="module")
def hanging() -> Iterator[Daemon]:
    with Daemon(workers=4, options=["--abort-bound", f"{BOUND_S:g}"]) as daemon:
        yield daemon


def send(session: Connection, command: Command) -> Pdu:
    """The command goes out, with its data; nothing is waited for."""
    if command.out:
        pdus = session.first_pdus(command.cdb, command.out)
        session.send(*pdus)
        return pdus[0]
    pdu = session.scsi(command.cdb, edtl=command.read)
    session.send(pdu)
    return pdu


def answered(session: Connection, function: int, task: Pdu) -> float:
    """Sends the function, wants it complete, and returns how long that took."""
    began = time.monotonic()
    assert session.task_management(function, task=task if function == 1 else None) == COMPLETE
    return time.monotonic() - began


def hang_abort_and_overwrite(daemon: Daemon, name: str, function: str) -> None:
    disk, command = Disk(daemon), COMMANDS[name]
    with disk.session() as victim, disk.session() as other:
        disk.hang(command.op)
        task = send(victim, command)
        disk.wait_stuck()
        took = answered(victim, FUNCTIONS[function], task)
        assert took < BOUND_S + SLACK_S, f"{name}, {function}: answered after {took:.1f} s"
        if "reset" in function:
            other.settle()
        newer = other.first_pdus(scsi.write10(0, BLOCKS), NEW)
        other.send(*newer)
        time.sleep(0.05)  # the newer write is before the daemon now
        disk.release()
        assert other.finish(newer[0].itt, NEW).status == scsi.GOOD, f"{name}, {function}"
        assert other.read(0, BLOCKS) == NEW, f"{name}, {function}: overwritten by what was aborted"
        assert disk.path.read_bytes()[: len(NEW)] == NEW
    disk.target.delete()


def test_every_function_is_answered_for_every_command_and_newer_data_stay(hanging: Daemon) -> None:
    """SAM-5 7.1: all pairs of command and function, each on a disk of its own."""
    cases = [(name, function) for name in COMMANDS for function in FUNCTIONS]
    with ThreadPoolExecutor(10) as pool:
        pending = [(pool.submit(hang_abort_and_overwrite, hanging, *case), case) for case in cases]
        failures = [f"{case}: {done.exception()!r}" for done, case in pending if done.exception()]
    assert not failures, "\n".join(failures)
    hanging.check_alive()


def hang_abort_and_wait(daemon: Daemon, name: str) -> None:
    disk, command = Disk(daemon), COMMANDS[name]
    with disk.session() as victim, disk.session() as other:
        disk.hang(command.op)
        task = send(victim, command)
        disk.wait_stuck()
        answered(victim, FUNCTIONS["abort_task"], task)
        result = other.command(scsi.read10(0, BLOCKS), read=BLOCKS * 512)
        assert result.status == scsi.CHECK_CONDITION and str(result.sense) == "2/0401", name
        if name != "format_unit":
            other.read(DISK_BYTES // 512 - BLOCKS, BLOCKS)  # beside it all is well
        disk.release()
        time.sleep(0.1)
        other.read(0, BLOCKS)
    disk.target.delete()


def test_blocks_of_a_stuck_write_become_not_ready_and_come_back(hanging: Daemon) -> None:
    """Whoever waits for the blocks of a stuck write hears 02h/04h/01h, and is served again afterwards."""
    with ThreadPoolExecutor(10) as pool:
        for done in [pool.submit(hang_abort_and_wait, hanging, name) for name in CHANGES]:
            done.result()


def test_others_are_served_while_a_store_hangs(hanging: Daemon) -> None:
    """Another disk and the administrator do not notice it."""
    stuck, fine = Disk(hanging), Disk(hanging)
    with stuck.session() as victim, fine.session() as user:
        stuck.hang("write")
        tasks = [send(victim, COMMANDS["write"])]
        stuck.wait_stuck()
        # The rest of the thread pool's lane of this disk, and commands behind it.
        stuck._lun("update", "-P", "fault=hang:op=write")
        tasks += [send(victim, Command(scsi.write10(64 + 8 * i, 8), OLD)) for i in range(24)]
        began = time.monotonic()
        for i in range(200):
            user.write(8 * i, OLD)
        hanging.adm("-m", "target", "-o", "show")
        took = time.monotonic() - began
        assert took < 60, f"200 writes and a show took {took:.1f} s"
        stuck._lun("update", "-P", "fault=none")
        assert answered(victim, FUNCTIONS["abort_task_set"], tasks[0]) < BOUND_S + SLACK_S
        stuck.release()
    stuck.target.delete()
    fine.target.delete()


def test_a_session_that_ends_leaves_its_stuck_write_fenced(hanging: Daemon) -> None:
    """A connection that breaks is no task management: the initiator goes on by another path at once."""
    disk = Disk(hanging)
    with disk.session() as other:
        victim = disk.session()
        disk.hang("write")
        send(victim, COMMANDS["write"])
        disk.wait_stuck()
        victim.close()
        time.sleep(0.2)
        newer = other.first_pdus(scsi.write10(0, BLOCKS), NEW)
        other.send(*newer)
        other.expect_silence(0.2)
        disk.release()
        assert other.finish(newer[0].itt, NEW).status == scsi.GOOD
        assert other.read(0, BLOCKS) == NEW
    disk.target.delete()


def wait_for_empty_graveyard(daemon: Daemon, path: Path) -> None:
    limit = time.monotonic() + 30
    while any(one["path"] == str(path) for one in graveyard(daemon)):
        assert time.monotonic() < limit, "the stuck write has ended, but its medium stays open"
        time.sleep(0.1)


def graveyard(daemon: Daemon) -> list[dict[str, object]]:
    return json.loads(daemon.adm("--json", "-m", "system", "-o", "show"))["graveyard"]


def test_deleting_a_lun_with_a_stuck_write_ends_and_its_path_stays_taken(hanging: Daemon) -> None:
    """What remains is listed, and nobody else gets the medium before the write has ended."""
    disk = Disk(hanging)
    where = ("-t", str(disk.target.tid), "-l", "1")
    with disk.session() as victim:
        disk.hang("write", ":ms=10000")  # the way to release it goes with the LUN
        send(victim, COMMANDS["write"])
        disk.wait_stuck()
        began = time.monotonic()
        hanging.adm("-m", "logicalunit", "-o", "delete", *where)
        assert time.monotonic() - began < BOUND_S + SLACK_S + 5
        assert [one["stuck_commands"] for one in graveyard(hanging) if one["path"] == str(disk.path)] == [1]
        with pytest.raises(AdmError):
            disk.attach()
        assert victim.task_management(FUNCTIONS["abort_task_set"]) in (COMPLETE, 2)
        wait_for_empty_graveyard(hanging, disk.path)
        disk.attach()  # what was stuck has ended: the path is free
    began = time.monotonic()
    disk.target.delete()
    assert time.monotonic() - began < 2 * BOUND_S + SLACK_S + 5


def test_the_daemon_ends_in_time_with_a_hung_store() -> None:
    """SIGTERM with commands that never end: in time, and not as if nothing had been lost."""
    with Daemon(options=["--abort-bound", f"{BOUND_S:g}"]) as daemon:
        disk = Disk(daemon)
        with disk.session() as victim:
            disk.hang("write")
            send(victim, COMMANDS["write"])
            disk.wait_stuck()
            began = time.monotonic()
            assert daemon.terminate(limit=20) == 1
            assert time.monotonic() - began < 15
            assert "have not come back from their backing stores" in daemon.log_text()
