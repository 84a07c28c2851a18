# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered writes: which one left what a sector holds, and which ones were promised to be durable."""

from __future__ import annotations

import struct
import threading

SECTOR = 512
SECTORS = 8  # of a block, the unit of writing: a page of the guest
BLOCKS = 1024  # of a unit
PIECE = struct.Struct(">8sQQQ")
MAGIC = b"numbered"


def stamp(lun: int, sector: int, version: int) -> bytes:
    """What this write leaves in this sector and no other write in any."""
    return PIECE.pack(MAGIC, lun, sector, version) * (SECTOR // PIECE.size)


def version_of(data: bytes, lun: int, sector: int) -> int | None:
    """The number of the write that left this; 0 for a sector never written, None for what nobody wrote."""
    if not any(data):
        return 0
    version = PIECE.unpack_from(data)[3]
    return version if data == stamp(lun, sector, version) else None


class Ledger:
    """Of one unit, by block: the last write that was sent, that ended, and that was promised to be durable."""

    def __init__(self, lun: int) -> None:
        self.lun = lun
        self.sent = [0] * BLOCKS
        self.done = [0] * BLOCKS
        self.durable = [0] * BLOCKS
        self.promises = 0
        self.lost = 0  # writes that had ended, were not promised, and are gone
        self.faults: list[str] = []
        self._next = 1
        self._lock = threading.Lock()

    def begin(self, first: int, count: int) -> tuple[int, bytes]:
        """The number and the data of a new write."""
        with self._lock:
            version, self._next = self._next, self._next + 1
            self.sent[first : first + count] = [version] * count
        sectors = range(first * SECTORS, (first + count) * SECTORS)
        return version, b"".join(stamp(self.lun, sector, version) for sector in sectors)

    def end(self, first: int, count: int, version: int, *, durable: bool) -> None:
        with self._lock:
            self.done[first : first + count] = [version] * count
            if durable:
                self.durable[first : first + count] = [version] * count
                self.promises += 1

    def before_flush(self) -> list[int]:
        with self._lock:
            return list(self.done)

    def flushed(self, before: list[int]) -> None:
        with self._lock:
            self.promises += self.durable != before
            self.durable = [max(pair) for pair in zip(self.durable, before)]

    def compare(self, block: int, data: bytes) -> None:
        """Judges what was read from one block; from here on that is what is durable."""
        found: list[int] = []
        for index in range(SECTORS):
            sector = block * SECTORS + index
            version = version_of(data[index * SECTOR :][:SECTOR], self.lun, sector)
            if version is None or version > self.sent[block]:
                self.faults.append(f"sector {sector} holds what nobody wrote there")
            elif version < self.durable[block]:
                self.faults.append(
                    f"sector {sector} holds write {version}, write {self.durable[block]} was durable"
                )
            found.append(version or 0)
        self.lost += min(found) < self.done[block]
        self.durable[block] = self.done[block] = min(found)
