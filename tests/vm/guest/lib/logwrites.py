# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered writes with promises of durability, and the replay of what dm-log-writes has kept of them.

write DISK MAPPED HISTORY    writes through DISK; after each promise a mark in the log of the device-mapper device MAPPED
replay LOG HISTORY           judges the medium as it was at each mark

The log has a write only when the device below was made to keep it: a FUA write, or one that had ended before a flush began.
A mark is the number of the last write that was promised; all writes up to it have to be there.
"""

from __future__ import annotations

import argparse
import mmap
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Iterator

BLOCK = 4096
BLOCKS = 256
WRITES = 150
FLUSH_EVERY = 6  # writes
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")
MAGIC = 0x6A736677736872
DISCARD, MARK = 4, 8
FILE_SYSTEM_REPLAYS = 6
LOST = 3  # the exit status that means it
MOUNT_POINT = Path("/run/replay")


def stamp(number: int) -> bytes:
    return struct.pack(">Q", number) * (BLOCK // 8)


def number_in(block: bytes) -> int:
    """Which write this is; -1 for a block that is none whole."""
    number = struct.unpack_from(">Q", block)[0]
    return int(number) if block == stamp(number) else -1


# --- writing -----------------------------------------------------------------------------------


def write(disk: str, mapped: str, history: str) -> None:
    """Plain writes and SYNCHRONIZE CACHE by turns with FUA writes, all by the kernel's initiator."""
    page = mmap.mmap(-1, BLOCK)  # aligned, as O_DIRECT wants it
    plain = os.open(disk, os.O_RDWR | os.O_DIRECT)
    fua = os.open(disk, os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
    where: list[int] = []
    unflushed: set[int] = set()
    for number in range(1, WRITES + 1):
        with_fua = number // FLUSH_EVERY % 2 == 1
        block = random.randrange(BLOCKS)
        while with_fua and block in unflushed:
            # The log has older writes that wait for a flush behind a newer FUA write; a replay would bring them back.
            block = random.randrange(BLOCKS)
        page[:] = stamp(number)
        where.append(block)
        assert os.pwrite(fua if with_fua else plain, page, block * BLOCK) == BLOCK
        if not with_fua:
            unflushed.add(block)
        if not with_fua and number % FLUSH_EVERY == 0:
            os.fsync(plain)
            unflushed.clear()
        if with_fua or number % FLUSH_EVERY == 0:
            # FUA promises its own write alone; what was not flushed before it is not judged.
            mark(mapped, f"{'fua' if with_fua else 'all'}-{number}")
    Path(history).write_text("\n".join(map(str, where)))


def mark(mapped: str, text: str) -> None:
    subprocess.run(["dmsetup", "message", mapped, "0", "mark", text], check=True)


# --- the log -----------------------------------------------------------------------------------


def entries(log: int) -> Iterator[tuple[int, int, bytes]]:
    """Flags, offset on the medium, data (of a mark: its text)."""
    magic, _, count, sector = SUPER.unpack_from(os.pread(log, 4096, 0))
    assert magic == MAGIC, "this is no log"
    at = sector
    for _ in range(count):
        head = os.pread(log, sector, at)
        first, length, flags, text_length = ENTRY.unpack_from(head)
        at += sector
        if flags & MARK:
            yield flags, 0, head[ENTRY.size : ENTRY.size + text_length]
        elif flags & DISCARD:
            yield flags, first * sector, bytes(length * sector)
        else:
            yield flags, first * sector, os.pread(log, length * sector, at)
        if not flags & DISCARD:
            at += length * sector


class Replay:
    """The medium as the log has it so far, in a file or a device."""

    def __init__(self, medium: int, history: list[int], mounted_device: str) -> None:
        self.medium = medium
        self.history = history
        self.marks = 0
        self.judged = 0
        self.faults: list[str] = []
        self._device = mounted_device
        self._step = max(1, WRITES // 2 // FILE_SYSTEM_REPLAYS)

    def at_mark(self, text: str) -> None:
        kind, number = text.split("-")
        self.marks += 1
        if not self._device:
            self._judge(self.medium, kind, int(number))
        elif self.marks % self._step == 0:
            self._judge_mounted(kind, int(number))

    def _judge_mounted(self, kind: str, number: int) -> None:
        """As after a power failure: the file system recovers, then the file is read. The replay goes on with a medium
        that it then does not know: later log entries bring it back, since they are those of the original.
        """
        copy = os.pread(self.medium, 1 << 25, 0)
        with open(self._device, "r+b") as device:
            device.write(copy)
            os.fsync(device.fileno())
        MOUNT_POINT.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "ext4", self._device, MOUNT_POINT], check=True)
        try:
            file = os.open(MOUNT_POINT / "disk", os.O_RDONLY)
            self._judge(file, kind, number)
            os.close(file)
        finally:
            subprocess.run(["umount", MOUNT_POINT], check=True)

    def _judge(self, medium: int, kind: str, number: int) -> None:
        """`number` writes were sent so far, and each block has to be as new as its last promised one."""
        self.judged += 1
        promised = self._promised(kind, number)
        for block, least in promised.items():
            found = number_in(os.pread(medium, BLOCK, block * BLOCK))
            if found < least:
                self.faults.append(f"mark {kind} {number}: block {block} is {found}, not {least}")

    def _promised(self, kind: str, number: int) -> dict[int, int]:
        if kind == "fua":
            return {self.history[number - 1]: number}
        return {self.history[index]: index + 1 for index in range(number)}


def replay(log: str, history: str, device: str, without_writes: bool) -> int:
    medium = os.memfd_create("medium")
    os.ftruncate(medium, 1 << 25)
    state = Replay(medium, [int(line) for line in Path(history).read_text().split()], device)
    source = os.open(log, os.O_RDONLY)
    for flags, offset, data in entries(source):
        if flags & MARK:
            state.at_mark(data.rstrip(b"\0").decode())
        elif not without_writes:
            os.pwrite(medium, data, offset)
    print(f"{state.marks} marks, {state.judged} judged, {len(state.faults)} faults")
    print("\n".join(state.faults[:10]))
    assert state.judged >= FILE_SYSTEM_REPLAYS, "the log has too few marks"
    return LOST if state.faults else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write")
    for name in ("disk", "mapped", "history"):
        writing.add_argument(name)
    replaying = commands.add_parser("replay")
    for name in ("log", "history"):
        replaying.add_argument(name)
    replaying.add_argument("--file-system", default="", metavar="DEVICE")
    replaying.add_argument("--without-writes", action="store_true")
    options = parser.parse_args()
    if options.command == "write":
        write(options.disk, options.mapped, options.history)
        return 0
    return replay(options.log, options.history, options.file_system, options.without_writes)


if __name__ == "__main__":
    sys.exit(main())
