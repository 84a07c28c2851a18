# SPDX-License-Identifier: GPL-2.0-or-later
"""What LTFS does to a cartridge, command by command, by SG_IO: ltfs.py DEVICE formats it with two partitions, labels
both, writes files and indexes, unmounts, and reads everything back as the next mount would, in append-only mode (LTFS
Format 2.4).
"""

from __future__ import annotations

import os
import struct
import sys
import uuid

from scsi_device import Answer, send

BLOCK = 512 << 10
INDEX, DATA = 0, 1  # partitions


class Tape:
    def __init__(self, device: str) -> None:
        self.device = device

    def run(self, name: str, cdb: bytes, want: str = "0/00/00", **more: object) -> Answer:
        answer = send(self.device, cdb, **more)  # type: ignore[arg-type]
        if answer.key != want:
            sys.exit(f"{name}: {answer.key}, not {want} (CDB {cdb.hex()})")
        return answer

    def ready(self) -> None:
        for _ in range(3):
            if send(self.device, bytes(6)).key == "0/00/00":
                return
        self.run("TEST UNIT READY", bytes(6))

    def load(self, load: bool) -> None:
        self.run("LOAD UNLOAD", bytes([0x1B, 0, 0, 0, int(load), 0]))

    def position(self) -> tuple[int, int, int]:
        """Partition, block, filemarks in front, by the long form."""
        data = self.run("READ POSITION", bytes([0x34, 6] + [0] * 8), length=32).data
        return struct.unpack(">4xIQQ", data[:24])

    def locate(self, partition: int, block: int) -> None:
        cdb = struct.pack(">BBBBQ4x", 0x92, 0x02, 0, partition, block)
        self.run("LOCATE(16)", cdb)
        if self.position()[:2] != (partition, block):
            sys.exit(f"LOCATE(16) to {partition}:{block} came to {self.position()}")

    def end_of_data(self, partition: int) -> None:
        self.run("LOCATE(16) to the end of data", struct.pack(">BBBBQ4x", 0x92, 0x02 | 3 << 3, 0, partition, 0))

    def write(self, data: bytes) -> None:
        self.run("WRITE(6)", b"\x0a\0" + len(data).to_bytes(3, "big") + b"\0", data=data)

    def filemarks(self, count: int) -> None:
        self.run("WRITE FILEMARKS(6)", b"\x10\0" + count.to_bytes(3, "big") + b"\0")

    def read(self, want: str = "0/00/00") -> bytes:
        """The next block, however long it is: too short is no error (SILI)."""
        answer = self.run("READ(6)", b"\x08\x02" + BLOCK.to_bytes(3, "big") + b"\0", want, length=BLOCK)
        return answer.data[: BLOCK - answer.residual]

    def filemark(self) -> None:
        if self.read("0/00/01"):
            sys.exit("there is data where a filemark should be")

    def mode_sense(self, page: int, subpage: int | None = None) -> bytes:
        """With the block descriptor for a subpage, without it for a page."""
        disable = 0x08 if subpage is None else 0
        data = self.run("MODE SENSE(10)", bytes([0x5A, disable, page, subpage or 0, 0, 0, 0, 1, 0, 0]), length=256).data
        return data[: 2 + int.from_bytes(data[:2], "big")]

    def attribute(self, partition: int, code: int) -> bytes:
        cdb = struct.pack(">BB5xBHIBB", 0x8C, 0, partition, code, 4096, 0, 0)
        data = self.run("READ ATTRIBUTE", cdb, length=4096).data
        body = data[4 : 4 + int.from_bytes(data[:4], "big")]
        if int.from_bytes(body[:2], "big") != code:
            sys.exit(f"attribute {code:04x}h is not there: {body[:16].hex()}")
        return body[5 : 5 + int.from_bytes(body[3:5], "big")]

    def set_attribute(self, partition: int, code: int, kind: int, value: bytes) -> None:
        item = struct.pack(">HBH", code, kind, len(value)) + value
        data = len(item).to_bytes(4, "big") + item
        self.run("WRITE ATTRIBUTE", struct.pack(">BB5xBHIBB", 0x8D, 1, partition, 0, len(data), 0, 0), data=data)


def partition(tape: Tape) -> None:
    """mkltfs: a small index partition and the rest."""
    page = bytearray(tape.mode_sense(0x11))
    if page[8] & 0x3F != 0x11 or page[10] < 1:
        sys.exit(f"the medium partition page does not allow a second partition: {page.hex()}")
    page[0:2] = b"\0\0"
    page[8] &= 0x3F
    page[11] = 1  # additional partitions defined
    page[12] = 0x20 | (page[12] & 0x1F & ~0x18) | 2 << 3  # IDP, units by PARTITION UNITS
    page[16:20] = (1).to_bytes(2, "big") + (0xFFFF).to_bytes(2, "big")
    length = 10 + page[9]
    if length < 20:
        page[9], length = 10, 20
        page = page[:16] + (1).to_bytes(2, "big") + (0xFFFF).to_bytes(2, "big")
    cdb = struct.pack(">BB5xHB", 0x55, 0x10, length, 0)
    tape.run("MODE SELECT(10)", cdb, data=bytes(page[:length]))
    tape.locate(0, 0)
    tape.run("FORMAT MEDIUM", bytes([0x04, 0, 1, 0, 0, 0]))
    page = bytearray(tape.mode_sense(0x11))
    if page[11] != 1:
        sys.exit(f"the medium has no second partition: {page.hex()}")


def label(tape: Tape, number: int, volume: bytes) -> bytes:
    xml = b"<ltfslabel><volumeuuid>%s</volumeuuid><location>%c</location></ltfslabel>" % (volume, 0x61 + number)
    tape.locate(number, 0)
    tape.write(b"VOL1GUEST1L             LTFS".ljust(79) + b"4")
    tape.filemarks(1)
    tape.write(xml)
    tape.filemarks(1)
    return xml


def coherency(tape: Tape, number: int, generation: int, block: int, volume: bytes) -> bytes:
    value = struct.pack(">BQQQH5s36sBB", 8, 1, generation, block, 43, b"LTFS\0", volume, 0, 1)
    tape.set_attribute(number, 0x080C, 0, value)
    return value


def write_index(tape: Tape, number: int, generation: int) -> tuple[int, bytes]:
    tape.end_of_data(number)
    tape.filemarks(1)
    at = tape.position()[1]
    text = b"<ltfsindex><generationnumber>%d</generationnumber></ltfsindex>" % generation * 200
    tape.write(text)
    tape.filemarks(1)
    return at, text


def append_only(tape: Tape, on: bool) -> None:
    """The mount option that is on by default: set at the beginning of the medium, ended without one."""
    page = bytearray(tape.mode_sense(0x10, 0x01))
    if len(page) != 48:
        sys.exit(f"the device configuration extension page has another length: {page.hex()}")
    page[0:2] = b"\0\0"
    page[16] &= 0x7F
    page[21] = page[21] & 0x0F | (0x10 if on else 0)
    tape.run("MODE SELECT(10)", struct.pack(">BB5xHB", 0x55, 0x10, len(page), 0), data=bytes(page))
    if tape.mode_sense(0x10, 0x01)[21] >> 4 != int(on):
        sys.exit("WRITE MODE is not what was selected")


def allow_overwrite(tape: Tape) -> None:
    number, block, _ = tape.position()
    tape.run("ALLOW OVERWRITE", struct.pack(">BBBBQ4x", 0x82, 0, 0x01, number, block))


def main() -> None:
    tape = Tape(sys.argv[1])
    tape.ready()
    volume = str(uuid.uuid4()).encode()
    partition(tape)
    labels = [label(tape, number, volume) for number in (INDEX, DATA)]
    tape.set_attribute(INDEX, 0x0800, 1, b"GUEST".ljust(8))
    tape.set_attribute(INDEX, 0x0801, 1, b"LTFS".ljust(32))

    blocks = [os.urandom(BLOCK) for _ in range(8)] + [os.urandom(1000)]
    begin = tape.position()[1]
    for data in blocks:
        tape.write(data)
    data_index, text = write_index(tape, DATA, 1)
    place, same = write_index(tape, INDEX, 1)
    kept = [coherency(tape, number, 1, at, volume) for number, at in ((INDEX, place), (DATA, data_index))]
    before = [tape.attribute(number, 0)[:8] for number in (INDEX, DATA)]

    # Unmounted, taken out in the drive's sense, mounted again.
    tape.load(False)
    tape.run("TEST UNIT READY without a medium", bytes(6), "2/3a/00")
    tape.load(True)
    tape.ready()
    append_only(tape, True)
    if [tape.attribute(number, 0x080C) for number in (INDEX, DATA)] != kept:
        sys.exit("the volume coherency information is not what was written")
    if [tape.attribute(number, 0)[:8] for number in (INDEX, DATA)] != before:
        sys.exit("the remaining capacity has changed by unloading")
    for number in (INDEX, DATA):
        tape.locate(number, 0)
        if not tape.read().startswith(b"VOL1GUEST1"):
            sys.exit(f"partition {number} has no label")
        tape.filemark()
        if tape.read() != labels[number]:
            sys.exit(f"the LTFS label of partition {number} is another")
        tape.filemark()
    tape.locate(INDEX, place)
    if tape.read() != same:
        sys.exit("the index is another")
    tape.filemark()
    tape.read("8/00/05")
    tape.locate(DATA, begin)
    for data in blocks:
        if tape.read() != data:
            sys.exit("a block of data is another")
    tape.filemark()
    if tape.read() != text:
        sys.exit("the index in the data partition is another")
    # The index is rewritten in place; the data partition is untouched by it.
    tape.locate(INDEX, place - 1)
    tape.run("WRITE FILEMARKS(6)", bytes([0x10, 0, 0, 0, 1, 0]), "7/30/0c")
    allow_overwrite(tape)
    tape.filemarks(1)
    tape.write(b"<ltfsindex/>")
    tape.filemarks(1)
    tape.locate(DATA, begin)
    if tape.read() != blocks[0]:
        sys.exit("rewriting the index has changed the data")
    tape.load(False)
    append_only(tape, False)
    tape.load(True)
    tape.ready()
    # Back to one partition, as unltfs does.
    tape.locate(0, 0)
    tape.run("FORMAT MEDIUM to one partition", bytes([0x04, 0, 0, 0, 0, 0]))


main()
