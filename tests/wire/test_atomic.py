# SPDX-License-Identifier: GPL-2.0-or-later
"""COMPARE AND WRITE, ORWRITE and WRITE SAME are atomic across sessions and workers (SBC-4 5.3, 5.12, 5.51)."""

from __future__ import annotations

import random
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterator

import pytest

from lib import scsi
from lib.daemon import Daemon, Target
from lib.iscsi import Connection
from lib.linear import Done, first_contradiction

SESSIONS = 8
WORKERS = 4
ROUNDS = 250
REGION = 4  # blocks of a register that only exclusive commands change
BLOCK = 512
MISCOMPARE = 0xE


def pattern(value: int, blocks: int) -> bytes:
    """Every eight bytes tell the value, so that a torn transfer shows."""
    return struct.pack(">Q", value) * (blocks * BLOCK // 8)


def values_in(data: bytes) -> set[int]:
    return set(struct.unpack(f">{len(data) // 8}Q", data))


def compare_and_write(lba: int, blocks: int) -> bytes:
    return struct.pack(">BBQ3xBBB", 0x89, 0, lba, blocks, 0, 0)


def write_same(lba: int, blocks: int) -> bytes:
    return struct.pack(">BBQIBB", 0x93, 0, lba, blocks, 0, 0)


def or_write(lba: int, blocks: int) -> bytes:
    return struct.pack(">BBQIBB", 0x8B, 0, lba, blocks, 0, 0)


@pytest.fixture(scope="module")
def four_workers() -> Iterator[Daemon]:
    with Daemon(workers=WORKERS) as daemon:
        yield daemon


@pytest.fixture
def target(four_workers: Daemon) -> Iterator[Target]:
    made = four_workers.add_target()
    made.add_disk(1, 8 << 20)
    yield made
    made.delete()
    four_workers.check_alive()


def in_sessions(target: Target, work: Callable[[Connection, int], None]) -> None:
    """work(session, number) in as many sessions at once; they begin together."""
    together = threading.Barrier(SESSIONS)

    def one(number: int) -> None:
        with Connection("127.0.0.1", target.daemon.port) as session:
            session.login(target.name)
            session.settle()
            together.wait(30)
            work(session, number)
            session.logout()

    with ThreadPoolExecutor(SESSIONS) as pool:
        for done in [pool.submit(one, number) for number in range(SESSIONS)]:
            done.result()


def swap(session: Connection, lba: int, blocks: int, expected: int, value: int) -> bool:
    """COMPARE AND WRITE: whether the medium was as expected."""
    data = pattern(expected, blocks) + pattern(value, blocks)
    result = session.command(compare_and_write(lba, blocks), write=data)
    if result.status == scsi.GOOD:
        return True
    assert result.sense and result.sense.key == MISCOMPARE, f"{result.status:#x} {result.sense}"
    return False


class History:
    """What all sessions saw of each register. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.done: dict[int, list[Done]] = {}

    def note(self, register: int, *done: Done) -> None:
        with self._lock:
            self.done.setdefault(register, []).extend(done)

    def check(self) -> None:
        assert self.done
        for register, history in self.done.items():
            wrong = first_contradiction(history, 0)
            assert wrong is None, f"register {register}: nothing explains {wrong}"


def test_the_checker_finds_a_lost_update_and_a_stale_read() -> None:
    lost = [Done(0, 1, "swap", 1, 0), Done(0.5, 2, "swap", 2, 0)]
    assert first_contradiction(lost, 0) is not None
    stale = [Done(0, 1, "write", 1), Done(2, 3, "read", 0)]
    assert first_contradiction(stale, 0) is not None
    fine = [Done(0, 3, "write", 1), Done(1, 2, "read", 0), Done(1, 4, "miss", 5, 0)]
    assert first_contradiction(fine, 0) is None


def test_counters_lose_no_increment(target: Target) -> None:
    """SBC-4 5.3: every COMPARE AND WRITE that was GOOD counts once."""
    increments = [0] * SESSIONS

    def work(session: Connection, number: int) -> None:
        for _ in range(ROUNDS):
            counter = random.randrange(2) * REGION
            seen = values_in(session.read(counter, REGION))
            assert len(seen) == 1, f"a torn READ: {seen}"
            value = seen.pop()
            increments[number] += swap(session, counter, REGION, value, value + 1)

    in_sessions(target, work)
    with Connection("127.0.0.1", target.daemon.port) as session:
        session.login(target.name)
        session.settle()
        left = [values_in(session.read(counter * REGION, REGION)) for counter in range(2)]
    assert sum(value for (value,) in left) == sum(increments) > 0


def test_exclusive_commands_and_reads_are_linearizable(target: Target) -> None:
    """Registers of several blocks, changed by COMPARE AND WRITE and WRITE SAME; no READ is torn."""
    history = History()

    def work(session: Connection, number: int) -> None:
        noise, last = random.Random(number), [0, 0]
        for turn in range(1, ROUNDS + 1):
            register, value = noise.randrange(2), number << 32 | turn
            lba, begin = register * REGION, time.monotonic()
            kind = noise.choice(("read", "swap", "swap", "same"))
            if kind == "read":
                seen = values_in(session.read(lba, REGION))
                assert len(seen) == 1, f"a torn READ: {seen}"
                last[register] = value = seen.pop()
                done = Done(begin, time.monotonic(), "read", value)
            elif kind == "swap":
                good = swap(session, lba, REGION, last[register], value)
                kind = "swap" if good else "miss"
                done = Done(begin, time.monotonic(), kind, value, last[register])
                last[register] = value if good else last[register]
            else:
                result = session.command(write_same(lba, REGION), write=pattern(value, 1))
                assert result.status == scsi.GOOD
                done = Done(begin, time.monotonic(), "write", value)
                last[register] = value
            history.note(register, done)

    in_sessions(target, work)
    history.check()


def test_plain_writes_and_reads_among_them_are_linearizable(target: Target) -> None:
    """Registers of one block, which WRITE, WRITE SAME and READ meet in ranges that overlap.

    A plain WRITE is not atomic against a READ that runs beside it: each block's first eight bytes are the register.
    """
    history = History()
    registers = 4

    def first_values(data: bytes) -> list[int]:
        return [struct.unpack_from(">Q", data, at)[0] for at in range(0, len(data), BLOCK)]

    def work(session: Connection, number: int) -> None:
        noise, last = random.Random(100 + number), [0] * registers
        for turn in range(1, ROUNDS + 1):
            first, value = noise.randrange(registers), (number + 1) << 32 | turn
            count = noise.randrange(1, registers - first + 1)
            touched, begin = range(first, first + count), time.monotonic()
            kind = noise.choice(("read", "swap", "write", "same"))
            if kind == "read":
                seen = first_values(session.read(first, count))
                end = time.monotonic()
                for register, one in zip(touched, seen):
                    last[register] = one
                    history.note(register, Done(begin, end, "read", one))
                continue
            if kind == "swap":
                good = swap(session, first, 1, last[first], value)
                kind = "swap" if good else "miss"
                history.note(first, Done(begin, time.monotonic(), kind, value, last[first]))
                last[first] = value if good else last[first]
                continue
            if kind == "write":
                session.write(first, pattern(value, count))
            else:
                result = session.command(write_same(first, count), write=pattern(value, 1))
                assert result.status == scsi.GOOD
            end = time.monotonic()
            for register in touched:
                last[register] = value
                history.note(register, Done(begin, end, "write", value))

    in_sessions(target, work)
    history.check()


def test_or_write_loses_no_bit(target: Target) -> None:
    """SBC-4 5.12: every bit that somebody set is set in the end."""

    def work(session: Connection, number: int) -> None:
        for turn in range(8):
            data = pattern(1 << (number * 8 + turn), REGION)
            assert session.command(or_write(64, REGION), write=data).status == scsi.GOOD

    in_sessions(target, work)
    with Connection("127.0.0.1", target.daemon.port) as session:
        session.login(target.name)
        session.settle()
        assert values_in(session.read(64, REGION)) == {(1 << 64) - 1}
