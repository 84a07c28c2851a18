# SPDX-License-Identifier: GPL-2.0-or-later
"""Tape images of version 2 between Debian's tgt and ours: what one daemon has written over iSCSI the other one reads.

A drive has the image only while a session uses it, so each daemon sees what the other one has left in the file.
"""

from __future__ import annotations

import random
import re
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Sequence

import pytest
from oracle import TGTS_TGTIMG, tgts_daemon

from lib import scsi
from lib.daemon import BUILD, Daemon
from lib.iscsi import Connection

OURS, THEIRS = "ours", "theirs"
TURNS = [(OURS, THEIRS), (THEIRS, OURS)]
TGTIMG = {OURS: BUILD / "tgtimg", THEIRS: TGTS_TGTIMG}
FORMAT = {OURS: ("--format", "2"), THEIRS: ()}
FILEMARK = None  # in a list of what is on a tape: else there are the bytes of a block
Contents = list[bytes | None]
LONGEST = 1 << 20  # of both, as READ BLOCK LIMITS of tgt says
LENGTHS = (1, 47, 48, 511, 512, 4096, 65536, 70001, 262144, LONGEST)
FIXED, BLOCKS, MARKS, END_OF_DATA = 1, 0, 1, 3
NO_SENSE, BLANK_CHECK, VOLUME_OVERFLOW = 0, 8, 0xD


def cdb6(opcode: int, flags: int, length: int) -> bytes:
    return bytes([opcode, flags]) + struct.pack(">i", length)[1:] + b"\0"


def block(seed: int, length: int) -> bytes:
    return random.Random(seed).randbytes(length)


class Tape:
    """A session with a drive that has the tape."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def good(self, cdb: bytes, write: bytes = b"") -> None:
        result = self.connection.command(cdb, write=write)
        assert result.status == scsi.GOOD, f"{cdb.hex()}: {result.sense}"

    def rewind(self) -> None:
        self.good(bytes([0x01, 0, 0, 0, 0, 0]))

    def space(self, what: int, count: int = 0) -> None:
        self.good(cdb6(0x11, what, count))

    def write(self, contents: Contents) -> None:
        for one in contents:
            if one is FILEMARK:
                self.good(cdb6(0x10, 0, 1))
            else:
                self.good(cdb6(0x0A, 0, len(one)), one)

    def write_fixed(self, data: bytes, length: int) -> None:
        """WRITE(6) of blocks that are all this long, a length that MODE SELECT has set."""
        descriptor = bytes(4) + struct.pack(">I", length)
        self.good(bytes([0x15, 0x10, 0, 0, 12, 0]), bytes([0, 0, 0x10, 8]) + descriptor)
        self.good(cdb6(0x0A, FIXED, len(data) // length), data)

    def key(self, cdb: bytes, read: int = 0, write: bytes = b"") -> int:
        """The sense key of a command that fails."""
        result = self.connection.command(cdb, read=read, write=write)
        assert result.status == scsi.CHECK_CONDITION and result.sense, f"{cdb.hex()} is not refused"
        return result.sense.key

    def reads(self, contents: Contents) -> None:
        """These follow. A block that is read with its own length is GOOD: one of another length would have ILI."""
        for number, one in enumerate(contents):
            if one is FILEMARK:
                assert self.key(cdb6(0x08, 0, 512), 512) == NO_SENSE, f"object {number} is no mark"
                continue
            result = self.connection.command(cdb6(0x08, 0, len(one)), read=len(one))
            assert result.status == scsi.GOOD, f"object {number}: {result.sense}"
            assert result.data == one, f"object {number} has other bytes"

    def has(self, contents: Contents) -> None:
        """These are all there is, from the beginning."""
        self.rewind()
        self.reads(contents)
        assert self.key(cdb6(0x08, 0, 512), 512) == BLANK_CHECK


class Drive:
    """A daemon with a target, and a drive while there is a tape in it."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.target = daemon.add_target()

    @contextmanager
    def holding(self, image: Path) -> Iterator[Tape]:
        unit = ("-m", "logicalunit", "-t", str(self.target.tid), "-l", "1")
        self.daemon.adm(*unit, "-o", "new", "-Y", "tape", "-b", str(image))
        try:
            with Connection("127.0.0.1", self.daemon.port) as connection:
                connection.login(self.target.name)
                connection.settle()
                yield Tape(connection)
                connection.logout()
        finally:
            self.daemon.adm(*unit, "-o", "delete")


Drives = dict[str, Drive]


@pytest.fixture(scope="module")
def drives() -> Iterator[Drives]:
    with Daemon() as ours, tgts_daemon() as theirs:
        yield {OURS: Drive(ours), THEIRS: Drive(theirs)}


def new_image(maker: str, path: Path, megabytes: int = 100) -> Path:
    words = ("-o", "new", "-Y", "tape", "-t", "data", "-b", "A00001L8", "-s", str(megabytes))
    subprocess.run([TGTIMG[maker], *words, *FORMAT[maker], "-f", path], check=True)
    return path


def shown(program: str, image: Path) -> str:
    words = ("-o", "show", "-Y", "tape", "-f", image)
    done = subprocess.run([TGTIMG[program], *words], capture_output=True, text=True, check=True)
    return done.stdout


def assert_shown(image: Path, contents: Contents) -> None:
    """Both tgtimg list these objects, in the same words."""
    text = shown(OURS, image)
    assert text == shown(THEIRS, image)
    found = re.findall(r"(data|Filemark)\(\d+\):.* sz (\d+)$", text, re.MULTILINE)
    kinds = {"data": lambda size: int(size), "Filemark": lambda _size: FILEMARK}
    assert [kinds[kind](size) for kind, size in found] == [one and len(one) for one in contents]


@pytest.mark.parametrize("writer,reader", TURNS)
def test_blocks_of_all_lengths_and_filemarks(
    drives: Drives, tmp_path: Path, writer: str, reader: str
) -> None:
    image = new_image(writer, tmp_path / "tape")
    contents: Contents = [FILEMARK, *(block(n, n) for n in LENGTHS), FILEMARK, FILEMARK]
    contents += [*(block(n + 1, n) for n in reversed(LENGTHS)), FILEMARK]
    with drives[writer].holding(image) as tape:
        tape.write(contents)
        tape.has(contents)
    assert_shown(image, contents)
    with drives[reader].holding(image) as tape:
        tape.has(contents)


@pytest.mark.parametrize("writer,reader", TURNS)
def test_positions(drives: Drives, tmp_path: Path, writer: str, reader: str) -> None:
    """SPACE of the reader over what the writer has left, both ways."""
    image = new_image(writer, tmp_path / "tape")
    files: list[Contents]
    files = [[block(10 * i + k, 1000 * i + k + 1) for k in range(4)] for i in range(3)]
    with drives[writer].holding(image) as tape:
        for file in files:
            tape.write([*file, FILEMARK])
    with drives[reader].holding(image) as tape:
        tape.rewind()
        tape.space(MARKS, 2)
        tape.reads(files[2])
        tape.space(BLOCKS, -3)
        tape.reads([*files[2][1:], FILEMARK])
        tape.rewind()
        tape.space(BLOCKS, 3)
        tape.reads([files[0][3], FILEMARK, files[1][0]])
        tape.space(END_OF_DATA)
        assert tape.key(cdb6(0x08, 0, 512), 512) == BLANK_CHECK


@pytest.mark.parametrize("writer,reader", TURNS)
def test_fixed_blocks_are_blocks(drives: Drives, tmp_path: Path, writer: str, reader: str) -> None:
    image = new_image(writer, tmp_path / "tape")
    data = block(1, 5 * 1024)
    with drives[writer].holding(image) as tape:
        tape.write_fixed(data, 1024)
        tape.write([FILEMARK])
    with drives[reader].holding(image) as tape:
        tape.has([*(data[at : at + 1024] for at in range(0, len(data), 1024)), FILEMARK])


@pytest.mark.parametrize("writer,reader", TURNS)
@pytest.mark.parametrize("kept,marks", [(0, 0), (3, 0), (1, 1), (2, 2)])
def test_an_overwrite_in_the_middle_is_the_end(
    drives: Drives, tmp_path: Path, writer: str, reader: str, kept: int, marks: int
) -> None:
    """Nothing that lay behind comes back, though a new block is as long as the one in its place was. `kept` blocks stay
    of the file behind so many marks."""
    image = new_image(writer, tmp_path / "tape")
    file: Contents = [block(n, 5000) for n in range(5)]
    new: Contents = [block(7, 5000), block(8, 1), FILEMARK]
    with drives[writer].holding(image) as tape:
        tape.write([*file, FILEMARK] * 3)
        tape.rewind()
        if marks:
            tape.space(MARKS, marks)
        if kept:
            tape.space(BLOCKS, kept)
        tape.write(new)
    contents = [*[*file, FILEMARK] * marks, *file[:kept], *new]
    assert_shown(image, contents)
    with drives[reader].holding(image) as tape:
        tape.has(contents)


def test_a_tape_that_tgt_has_overfilled_is_whole_and_takes_no_more(
    drives: Drives, tmp_path: Path
) -> None:
    """tgt warns from the end of the medium on and goes on writing."""
    image = new_image(THEIRS, tmp_path / "tape", megabytes=1)
    contents: Contents = [block(n, 65536) for n in range(40)]
    write = cdb6(0x0A, 0, 65536)
    with drives[THEIRS].holding(image) as tape:
        tape.write(contents[:15])
        for one in contents[15:]:
            assert tape.key(write, write=one or b"") == NO_SENSE
    with drives[OURS].holding(image) as tape:
        tape.has(contents)
        assert tape.key(write, write=bytes(65536)) == VOLUME_OVERFLOW
        tape.has(contents)


def some_objects(dice: random.Random) -> Contents:
    kinds = [dice.random() < 0.3 for _ in range(dice.randint(1, 8))]
    return [FILEMARK if mark else dice.randbytes(dice.choice(LENGTHS[:-1])) for mark in kinds]


def go_to(tape: Tape, contents: Sequence[bytes | None], place: int) -> None:
    """By marks, then by blocks; but not up to the end, which tgt calls beyond it."""
    if place == len(contents):
        tape.space(END_OF_DATA)
        return
    before = contents[:place]
    marks = sum(one is FILEMARK for one in before)
    tape.rewind()
    if marks:
        tape.space(MARKS, marks)
        before = before[max(n for n, one in enumerate(before) if one is FILEMARK) + 1 :]
    if before:
        tape.space(BLOCKS, len(before))


@pytest.mark.parametrize("maker", [OURS, THEIRS])
@pytest.mark.parametrize("seed", range(3))
def test_both_write_in_turn(drives: Drives, tmp_path: Path, maker: str, seed: int) -> None:
    """Each goes on where the other one has stopped, or cuts what the other one has written."""
    image = new_image(maker, tmp_path / "tape")
    dice = random.Random(seed)
    contents: Contents = []
    for turn in range(8):
        with drives[(OURS, THEIRS)[turn % 2]].holding(image) as tape:
            tape.has(contents)
            place = dice.choice((len(contents), dice.randint(0, len(contents))))
            new = some_objects(dice)
            go_to(tape, contents, place)
            tape.write(new)
            contents = [*contents[:place], *new]
            tape.has(contents)
        assert_shown(image, contents)
