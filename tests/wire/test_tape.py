# SPDX-License-Identifier: GPL-2.0-or-later
"""A tape drive over iSCSI: residuals of what is shorter than asked for, the order of commands, and what a crash leaves."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import BUILD, Daemon, Target
from lib.iscsi import Connection
from lib.wire import Connect, MakeTarget, open_session

FIXED, SILI, IMMED = 1, 2, 1
LENGTH = 256 << 10
REWIND = bytes([0x01, 0, 0, 0, 0, 0])
UNLOAD, LOAD = bytes([0x1B, 0, 0, 0, 0, 0]), bytes([0x1B, 0, 0, 0, 1, 0])
READ_POSITION = bytes([0x34, 0x06]) + bytes(8)
FILEMARK, END_OF_DATA, NO_MEDIUM = "0/0001", "8/0005", "2/3a00"


def cdb6(opcode: int, flags: int, length: int) -> bytes:
    return bytes([opcode, flags]) + struct.pack(">I", length)[1:] + b"\0"


def read6(length: int, flags: int = 0) -> bytes:
    return cdb6(0x08, flags, length)


def write6(length: int, flags: int = 0) -> bytes:
    return cdb6(0x0A, flags, length)


def filemarks(count: int, flags: int = 0) -> bytes:
    return cdb6(0x10, flags, count)


def block(seed: int, length: int = LENGTH) -> bytes:
    return random.Random(seed).randbytes(length)


def make_cartridge(path: Path) -> None:
    words = ("-o", "new", "-Y", "tape", "-t", "data", "-b", "WIRE01L8", "-s", "100", "-f", str(path))
    subprocess.run([BUILD / "tgtimg", *words], check=True)


def add_drive(daemon: Daemon, target: Target, path: Path) -> None:
    words = ("-t", str(target.tid), "-l", "1", "-b", str(path), "-Y", "tape")
    daemon.adm("-m", "logicalunit", "-o", "new", *words)


@pytest.fixture
def drive(daemon: Daemon, make_target: MakeTarget) -> Target:
    """A target with a tape drive at LUN 1, a blank cartridge in it."""
    target = make_target(disk=False)
    path = daemon.dir / f"cartridge-{target.tid}"
    make_cartridge(path)
    add_drive(daemon, target, path)
    return target


@pytest.fixture
def tape(connect: Connect, drive: Target) -> Connection:
    return open_session(connect, drive)


def answers(tape: Connection, cdb: bytes, **data: object) -> str:
    """GOOD or the sense."""
    result = tape.command(cdb, **data)  # type: ignore[arg-type]
    return "good" if result.status == scsi.GOOD else str(result.sense)


def test_a_host_that_asks_for_page_0_sees_the_block_length_it_has_set(tape: Connection) -> None:
    """SSC-4 8.3.1; Linux' st reads the descriptor with MODE SENSE of page 00h."""
    sense = bytes([0x1A, 0, 0, 0, 12, 0])
    before = tape.command(sense, read=12).data
    assert before[3] == 8 and before[9:12] == bytes(3)
    select = bytes([0x15, 0x10, 0, 0, 12, 0])
    assert answers(tape, select, write=bytes([0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 2, 0])) == "good"
    assert tape.command(sense, read=12).data[9:12] == bytes([0, 2, 0])


def position(tape: Connection) -> int:
    data = tape.command(READ_POSITION, read=32).data
    return int.from_bytes(data[8:16], "big")


def test_blocks_and_filemarks_come_back(tape: Connection) -> None:
    for seed in range(3):
        assert answers(tape, write6(LENGTH), write=block(seed)) == "good"
    assert answers(tape, filemarks(1)) == "good"
    assert answers(tape, REWIND) == "good"
    for seed in range(3):
        assert tape.command(read6(LENGTH), read=LENGTH).data == block(seed)
    assert answers(tape, read6(LENGTH), read=LENGTH) == FILEMARK
    assert answers(tape, read6(LENGTH), read=LENGTH) == END_OF_DATA


def test_residual_of_a_shorter_block(tape: Connection) -> None:
    """SSC-4 5.3, RFC 7143 11.4.5: what the block lacks is an underflow, with and without ILI."""
    assert answers(tape, write6(1000), write=block(1, 1000)) == "good"
    for flags, status in ((0, scsi.CHECK_CONDITION), (SILI, scsi.GOOD)):
        assert answers(tape, REWIND) == "good"
        result = tape.command(read6(LENGTH, flags), read=LENGTH)
        assert (result.status, result.data) == (status, block(1, 1000))
        assert result.residual == LENGTH - 1000


def test_nothing_comes_with_a_filemark(tape: Connection) -> None:
    assert answers(tape, filemarks(1)) == "good"
    assert answers(tape, REWIND) == "good"
    result = tape.command(read6(512), read=512)
    assert (str(result.sense), result.data, result.residual) == (FILEMARK, b"", 512)


def test_commands_of_a_session_keep_their_order(connect: Connect, drive: Target) -> None:
    """Writes whose data has to be asked for, and what is sent behind them, are carried out as they were sent."""
    tape = open_session(connect, drive, {"ImmediateData": "No", "InitialR2T": "Yes"})
    writes = [tape.first_pdus(write6(LENGTH), block(seed))[0] for seed in range(4)]
    mark = tape.scsi(filemarks(1), edtl=0)
    tape.send(*writes, mark)
    ends = 0
    while ends < 5:
        pdu = tape.recv_task()
        if pdu.opcode == 0x31:  # R2T
            seed = next(i for i, write in enumerate(writes) if write.itt == pdu.itt)
            tape.send(*tape.answer_r2t(pdu, block(seed)))
        else:
            assert pdu.bhs[3] == scsi.GOOD
            ends += 1
    assert answers(tape, REWIND) == "good"
    for seed in range(4):
        assert tape.command(read6(LENGTH), read=LENGTH).data == block(seed)
    assert answers(tape, read6(LENGTH), read=LENGTH) == FILEMARK


def test_an_unloaded_cartridge_can_be_loaded(tape: Connection) -> None:
    assert answers(tape, write6(512), write=block(1, 512)) == "good"
    assert answers(tape, UNLOAD) == "good"
    assert answers(tape, scsi.TEST_UNIT_READY) == NO_MEDIUM
    assert answers(tape, LOAD) == "good"
    assert tape.command(read6(512), read=512).data == block(1, 512)


def test_a_drive_is_online_while_its_cartridge_can_be_used(
    daemon: Daemon, drive: Target, tape: Connection
) -> None:
    def online() -> str:
        shown = daemon.adm("-m", "target", "-o", "show").split(f"Target {drive.tid}:")[1]
        return shown.split("LUN: 1")[1].split("Online: ")[1].split()[0]

    assert online() == "Yes"
    assert answers(tape, UNLOAD) == "good"
    assert online() == "No"
    assert answers(tape, LOAD) == "good"
    assert online() == "Yes"


def test_a_key_of_one_session_ends_with_it(connect: Connect, drive: Target) -> None:
    """SSC-4 4.2.22.5: scope LOCAL is that of an I_T nexus."""
    local, on = 1, 2
    page = struct.pack(">HH4B", 0x10, 48, local << 5, 0, on, on) + bytes([1]) + bytes(9)
    page += struct.pack(">H", 32) + bytes(range(32))
    spout = struct.pack(">BBHHIH", 0xB5, 0x20, 0x10, 0, len(page), 0)
    spin = struct.pack(">BBHHIH", 0xA2, 0x20, 0x20, 0, 256, 0)
    isid = bytes([0x80]) + b"tapes"
    with open_session(connect, drive, isid=isid) as tape:
        assert answers(tape, spout, write=page) == "good"
        status = tape.command(spin, read=256).data
        assert (status[4] >> 5, status[5], status[6]) == (local, on, on)
        tape.logout()
    status = open_session(connect, drive, isid=isid).command(spin, read=256).data
    assert (status[4], status[5], status[6]) == (0, 0, 0)


@pytest.fixture
def alone() -> Iterator[Daemon]:
    with Daemon() as daemon:
        yield daemon


def test_what_a_filemark_has_flushed_survives_a_crash(alone: Daemon) -> None:
    """SSC-4 5.11: with IMMED zero the blocks in front of the filemarks are on the medium."""
    path = alone.dir / "cartridge"
    make_cartridge(path)

    def session() -> Connection:
        target = alone.add_target()
        add_drive(alone, target, path)
        connection = Connection("127.0.0.1", alone.port)
        connection.login(target.name)
        connection.settle()
        return connection

    with session() as tape:
        assert answers(tape, write6(LENGTH), write=block(7)) == "good"
        assert answers(tape, filemarks(2)) == "good"
    alone.kill()
    alone.start()
    with session() as tape:
        assert tape.command(read6(LENGTH), read=LENGTH).data == block(7)
        assert answers(tape, read6(512), read=512) == FILEMARK
        assert answers(tape, read6(512), read=512) == FILEMARK
        assert answers(tape, read6(512), read=512) == END_OF_DATA
        assert position(tape) == 3
