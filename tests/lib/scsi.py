# SPDX-License-Identifier: GPL-2.0-or-later
"""The few CDBs that the wire tests need, and sense data (SPC-4, SBC-3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

GOOD = 0x00
CHECK_CONDITION = 0x02
BUSY = 0x08
RESERVATION_CONFLICT = 0x18
TASK_SET_FULL = 0x28

NOT_READY, ILLEGAL_REQUEST, UNIT_ATTENTION, DATA_PROTECT, ABORTED_COMMAND = 0x2, 0x5, 0x6, 0x7, 0xB

TEST_UNIT_READY = bytes(6)


def inquiry(length: int = 96, page: int | None = None) -> bytes:
    return struct.pack(">BBBHB", 0x12, page is not None, page or 0, length, 0)


def request_sense(length: int = 252) -> bytes:
    return bytes([0x03, 0, 0, 0, length, 0])


def report_luns(length: int = 4096) -> bytes:
    return struct.pack(">B5xIBB", 0xA0, length, 0, 0)


def read10(lba: int, blocks: int) -> bytes:
    return struct.pack(">BBIBHB", 0x28, 0, lba, 0, blocks, 0)


def write10(lba: int, blocks: int) -> bytes:
    return struct.pack(">BBIBHB", 0x2A, 0, lba, 0, blocks, 0)


@dataclass(frozen=True)
class Sense:
    """Key and additional code (ASC << 8 | ASCQ) of fixed or descriptor sense data."""

    key: int
    code: int

    @classmethod
    def parse(cls, data: bytes) -> Sense | None:
        if len(data) >= 4 and data[0] & 0x7F in (0x72, 0x73):
            return cls(data[1] & 0xF, data[2] << 8 | data[3])
        if len(data) >= 14:
            return cls(data[2] & 0xF, data[12] << 8 | data[13])
        return None

    def __str__(self) -> str:
        return f"{self.key:x}/{self.code:04x}"
