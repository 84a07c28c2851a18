# SPDX-License-Identifier: GPL-2.0-or-later
"""What was acknowledged as durable survives a loss of power (SBC-4 4.15, 5.32): the `fault` store forgets, at every
FUA and SYNCHRONIZE CACHE mark, all or a random part of what was not flushed."""

from __future__ import annotations

import random
import struct
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import Daemon, Target
from lib.iscsi import Connection

SLOTS = 32
SLOT = 2  # blocks
ROUNDS = 150
FUA = 0x08


def content(value: int) -> bytes:
    return struct.pack(">Q", value) * (SLOT * 512 // 8)


def write16(lba: int, blocks: int, byte1: int) -> bytes:
    return struct.pack(">BBQIBB", 0x8A, byte1, lba, blocks, 0, 0)


class ForgetfulDisk:
    """A disk with a volatile cache, and what it may hold: per slot the durable value and those written since."""

    def __init__(self, target: Target, session: Connection) -> None:
        self.target, self.session = target, session
        self.possible: list[list[int]] = [[0] for _ in range(SLOTS)]

    def write(self, slot: int, value: int, *, fua: bool) -> None:
        cdb = write16(slot * SLOT, SLOT, FUA if fua else 0)
        assert self.session.command(cdb, write=content(value)).status == scsi.GOOD
        self.possible[slot] = [value] if fua else [*self.possible[slot], value]

    def write_same(self, slot: int, value: int) -> None:
        cdb = struct.pack(">BBQIBB", 0x93, 0, slot * SLOT, SLOT, 0, 0)
        assert self.session.command(cdb, write=content(value)[:512]).status == scsi.GOOD
        self.possible[slot].append(value)

    def synchronize(self) -> None:
        result = self.session.command(bytes([0x35]) + bytes(9))
        assert result.status == scsi.GOOD, f"{result.sense}"
        self.possible = [values[-1:] for values in self.possible]

    def lose(self, what: str) -> None:
        where = ("-t", str(self.target.tid), "-l", "1")
        self.target.daemon.adm("-m", "logicalunit", "-o", "update", *where, "-P", f"lose={what}")

    def check(self) -> None:
        """Each block holds its durable value or one written since; that is its durable value from now on."""
        data = self.session.read(0, SLOTS * SLOT)
        for slot in range(SLOTS):
            piece = data[slot * SLOT * 512 : (slot + 1) * SLOT * 512]
            blocks = [piece[:512], piece[512:]]
            for block in blocks:
                (value,) = struct.unpack_from(">Q", block)
                assert block == content(value)[:512], f"slot {slot}: torn block"
                assert value in self.possible[slot], f"slot {slot}: {value} of {self.possible[slot]}"
            if blocks[0] != blocks[1]:  # each block on its own: write it again, whole
                self.write(slot, self.possible[slot][-1], fua=True)
            else:
                self.possible[slot] = [struct.unpack_from(">Q", piece)[0]]


@pytest.fixture
def disk(daemon: Daemon) -> Iterator[ForgetfulDisk]:
    target = daemon.add_target()
    path = daemon.dir / f"forgetful-{target.tid}"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    words = ("-t", str(target.tid), "-l", "1", "-b", str(path), "--bstype", "fault")
    daemon.adm("-m", "logicalunit", "-o", "new", *words, "--bsopts", "cache=on")
    with Connection("127.0.0.1", daemon.port) as session:
        session.login(target.name)
        session.settle()
        yield ForgetfulDisk(target, session)
    target.delete()


def test_what_was_not_flushed_is_really_lost(disk: ForgetfulDisk) -> None:
    """The store that the other tests rest on does forget."""
    disk.write(0, 1, fua=True)
    disk.write(0, 2, fua=False)
    assert disk.session.read(0, SLOT) == content(2)
    disk.lose("all")
    assert disk.session.read(0, SLOT) == content(1)


@pytest.mark.parametrize("how", ["all", "random:seed={}"])
def test_nothing_acknowledged_as_durable_is_lost(disk: ForgetfulDisk, how: str) -> None:
    """FUA writes and everything before a SYNCHRONIZE CACHE are there after each loss of power."""
    noise = random.Random(7)
    for value in range(1, ROUNDS + 1):
        slot, kind = noise.randrange(SLOTS), noise.choice(("plain", "plain", "same", "fua", "sync"))
        if kind == "plain":
            disk.write(slot, value, fua=False)
        elif kind == "same":
            disk.write_same(slot, value)
        elif kind == "fua":
            disk.write(slot, value, fua=True)
        else:
            disk.synchronize()
        if kind in ("fua", "sync"):
            disk.lose(how.format(value))
            disk.check()


def test_without_a_write_cache_every_write_is_durable(disk: ForgetfulDisk) -> None:
    """SBC-4 6.4.5: with WCE=0 no write is acknowledged before it is on the medium."""
    page = bytes([0x08, 0x12]) + bytes(18)
    select = bytes([0x15, 0x10, 0, 0, 4 + len(page), 0])
    assert disk.session.command(select, write=bytes(4) + page).status == scsi.GOOD
    for value in range(1, 20):
        disk.write(value % SLOTS, value, fua=False)
        disk.possible[value % SLOTS] = [value]
        disk.write_same((value + 7) % SLOTS, value)
        disk.possible[(value + 7) % SLOTS] = [value]
        disk.lose("all")
        disk.check()
