# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing acknowledged as durable is lost when the power of the machine that runs the daemon fails.

The daemon serves virtio disks of a guest; the initiators are here and survive. QEMU is killed under write load, another
guest boots on the same disks, and every sector has to be at least as new as the last write of it that was promised to
be durable: by FUA, by a SYNCHRONIZE CACHE that began after the write had ended (SBC-3 4.15), or because the unit has no
volatile cache.

What makes the loss real: the guest's page cache goes with QEMU, and each boot writes to a fresh qcow2 layer, whose
tables QEMU keeps in its own memory until the guest flushes the disk. A block that was not flushed is as it was before. A
unit whose writes are never made durable proves it: they have to be lost.
"""

from __future__ import annotations

import random
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from ledger import BLOCKS, SECTOR, SECTORS, Ledger
from lib import scsi
from lib.daemon import free_port
from lib.iscsi import Closed, Connection, Silence
from lib.report import FAILED, PASSED, Report
from machine import Disk, Image, Machine

TARGET = "iqn.2001-04.org.example:durable"
SERVING = "guest: serving"
BOOT_LIMIT_S = 180.0
LOAD_S = (0.8, 2.5)  # from the first write of every writer to the end of the power
RUN = 4  # blocks of the longest write
GONE = (Closed, Silence, OSError)


def is_good(status: int) -> None:
    assert status == scsi.GOOD, f"status {status:#x}"


def write_cdb(first: int, count: int, fua: bool) -> bytes:
    cdb = bytearray(scsi.write10(first * SECTORS, count * SECTORS))
    cdb[1] |= 0x08 if fua else 0
    return bytes(cdb)


@dataclass(frozen=True)
class Job:
    """What one session does until the guest is gone, on its share of the blocks."""

    run: Callable[[Connection, Ledger, range], None]
    share: range


def write_once(
    session: Connection, ledger: Ledger, share: range, *, fua: bool, durable: bool
) -> None:
    count = random.randint(1, RUN)
    first = random.randrange(share.start, share.stop - count)
    version, data = ledger.begin(first, count)
    is_good(session.command(write_cdb(first, count, fua), lun=ledger.lun, write=data).status)
    ledger.end(first, count, version, durable=durable)


def with_fua(session: Connection, ledger: Ledger, share: range) -> None:
    write_once(session, ledger, share, fua=True, durable=True)


def cached(session: Connection, ledger: Ledger, share: range) -> None:
    write_once(session, ledger, share, fua=False, durable=False)


def without_cache(session: Connection, ledger: Ledger, share: range) -> None:
    write_once(session, ledger, share, fua=False, durable=True)


def compare_and_write(session: Connection, ledger: Ledger, share: range) -> None:
    """COMPARE AND WRITE with FUA of one block that this session has just read (SBC-3 5.2)."""
    block = random.choice(share)
    old = session.read(block * SECTORS, SECTORS, lun=ledger.lun)
    version, data = ledger.begin(block, 1)
    cdb = struct.pack(">BBQ3xBBB", 0x89, 0x08, block * SECTORS, SECTORS, 0, 0)
    is_good(session.command(cdb, lun=ledger.lun, write=old + data).status)
    ledger.end(block, 1, version, durable=True)


def flush(session: Connection, ledger: Ledger, _: range) -> None:
    """SYNCHRONIZE CACHE(10) of everything: it covers what other sessions have written, too."""
    before = ledger.before_flush()
    is_good(session.command(bytes([0x35]) + bytes(9), lun=ledger.lun).status)
    ledger.flushed(before)
    time.sleep(0.05)  # leave writes between two flushes


ALL = range(BLOCKS)
QUARTER = BLOCKS // 4
MIXED = (
    Job(with_fua, ALL[:QUARTER]),
    Job(cached, ALL[QUARTER : 3 * QUARTER]),
    Job(compare_and_write, ALL[3 * QUARTER :]),
    Job(flush, ALL),
)


@dataclass
class Unit:
    """A logical unit of the guest and who writes to it."""

    name: str
    lun: int
    jobs: tuple[Job, ...]
    keeps: bool = True  # False: nothing is ever promised
    write_cache: bool = True  # False: the initiator turns it off (caching mode page)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.lun)


def units() -> list[Unit]:
    """As tests/vm/guest/lib/serve makes them; unit n is on the guest's n-th disk."""
    return [
        Unit("device", 1, MIXED),
        Unit("file", 2, MIXED),
        Unit("aio", 3, MIXED),
        Unit("sync-flag", 4, (Job(without_cache, ALL),)),
        Unit("no-write-cache", 5, (Job(without_cache, ALL),), write_cache=False),
        Unit("never-durable", 6, (Job(cached, ALL),), keeps=False),
    ]


def turn_write_cache_off(session: Connection, lun: int) -> None:
    """WCE=0 in the caching mode page (SBC-3 6.4.5)."""
    sense = session.command(bytes([0x1A, 0x08, 0x08, 0, 255, 0]), lun=lun, read=255)
    is_good(sense.status)
    page = bytearray(sense.data[4 : 4 + 2 + sense.data[5]])
    page[0] &= 0x3F
    page[2] &= ~0x04 & 0xFF
    select = bytes([0x15, 0x10, 0, 0, 4 + len(page), 0])
    is_good(session.command(select, lun=lun, write=bytes(4) + bytes(page)).status)


class Disks:
    """The disks' images: what has survived so far, and a fresh layer for each boot."""

    def __init__(self, folder: Path, count: int) -> None:
        self._bases = [folder / f"disk{number}" for number in range(count)]
        for base in self._bases:
            self._tool("create", "-q", "-f", "qcow2", str(base), "64M")

    def fresh(self) -> list[Disk]:
        layers = [base.with_suffix(".layer") for base in self._bases]
        for base, layer in zip(self._bases, layers):
            where = ("-F", "qcow2", "-b", str(base), str(layer))
            self._tool("create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", *where)
        return [Disk(layer) for layer in layers]

    def keep(self) -> None:
        """Takes what of the layers has survived into what is below."""
        for base in self._bases:
            self._tool("commit", "-q", str(base.with_suffix(".layer")))

    def _tool(self, *words: str) -> None:
        subprocess.run(["qemu-img", *words], check=True, capture_output=True, timeout=60)


class Load:
    """The sessions that write until the guest is gone, each in a thread of its own."""

    def __init__(self, port: int, all_units: list[Unit]) -> None:
        self.faults: list[str] = []
        self._threads: list[threading.Thread] = []
        for unit in all_units:
            first = open_session(port, unit.lun)
            if not unit.write_cache:
                turn_write_cache_off(first, unit.lun)
            sessions = [first] + [open_session(port, unit.lun) for _ in unit.jobs[1:]]
            for job, session in zip(unit.jobs, sessions):
                session.settle(unit.lun)
                self._threads.append(
                    threading.Thread(target=self._work, args=(unit, job, session), daemon=True)
                )
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _work(self, unit: Unit, job: Job, session: Connection) -> None:
        with session:
            try:
                while True:
                    job.run(session, unit.ledger, job.share)
            except GONE:
                return
            except AssertionError as error:
                self.faults.append(f"{unit.name}: {job.run.__name__}: {error}")


def open_session(port: int, lun: int) -> Connection:
    session = Connection("127.0.0.1", port)
    session.login(TARGET, {"ImmediateData": "Yes", "InitialR2T": "No"})
    session.settle(lun)
    return session


def read_back(port: int, all_units: list[Unit]) -> None:
    """Judges every block of every unit, through the daemon that has just started."""
    step = 64
    for unit in all_units:
        with open_session(port, unit.lun) as session:
            for first in range(0, BLOCKS, step):
                data = session.read(first * SECTORS, step * SECTORS, lun=unit.lun)
                for index in range(step):
                    piece = data[index * SECTORS * SECTOR :][: SECTORS * SECTOR]
                    unit.ledger.compare(first + index, piece)


class Story:
    """All boots of one proof and what became of them."""

    def __init__(self, image: Image, folder: Path) -> None:
        self.units = units()
        self.faults: list[str] = []
        self.console = ""
        self._image = image
        self._disks = Disks(folder, len(self.units))
        self._booted = False

    def boot(self, *, load: bool) -> bool:
        """Judges what the boot before has left and, with load, kills the guest under it. False: no way on."""
        port = free_port()
        with Machine(self._image, self._disks.fresh(), port) as machine:
            try:
                if not machine.wait_line(SERVING, BOOT_LIMIT_S):
                    self.faults.append("the guest did not serve")
                    return False
                if self._booted:
                    read_back(port, self.units)
                self._booted = True
                if load:
                    self._load_and_kill(machine, port)
            except (AssertionError, *GONE) as error:
                self.faults.append(f"{type(error).__name__} {error}")
                return False
            finally:
                machine.kill()
                self.console = machine.console
        self._disks.keep()
        return True

    def _load_and_kill(self, machine: Machine, port: int) -> None:
        load = Load(port, self.units)
        time.sleep(random.uniform(*LOAD_S))
        machine.kill()
        load.join()
        self.faults += load.faults


def judge(story: Story, kills: int, done: int) -> tuple[Report, list[str]]:
    report, notes = Report("durability"), []

    def check(name: str, good: bool, why: str) -> None:
        report.add(f"durability.{name}", PASSED if good else FAILED, "" if good else why)

    check("every-guest-serves", done == kills + 1 and not story.faults, "; ".join(story.faults[:5]))
    for unit in story.units:
        ledger = unit.ledger
        notes.append(
            f"# {unit.name}: {ledger.promises} promises, {max(ledger.sent)} writes, "
            f"{ledger.lost} blocks lost without a promise"
        )
        if unit.keeps:
            check(
                f"{unit.name}-keeps-what-is-durable",
                not ledger.faults,
                "; ".join(ledger.faults[:5]),
            )
            check(f"{unit.name}-was-under-load", ledger.promises >= 5 * kills, notes[-1])
        else:
            check(f"{unit.name}-is-lost", ledger.lost >= kills and not ledger.faults, notes[-1])
    return report, notes


def prove(image: Image, kills: int) -> tuple[Report, str]:
    """Kills a guest `kills` times; the report, and what to print with it."""
    image.prepare("lib/serve")
    with tempfile.TemporaryDirectory(prefix="tgt-durability-") as folder:
        story, done = Story(image, Path(folder)), 0
        while done <= kills and story.boot(load=done < kills):
            done += 1
    report, notes = judge(story, kills, done)
    print("\n".join(notes), flush=True)
    return report, story.console
