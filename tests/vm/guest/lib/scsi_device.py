# SPDX-License-Identifier: GPL-2.0-or-later
"""SCSI commands to a device of the guest, and the same ones to two devices, whose answers have to be the same.

same DIRECT REMOTE GROUP          sends the commands of a group to both
expect DEVICE KEY/ASC/ASCQ CDB    sends a CDB (hexadecimal); checks the sense data it ends with, 0/00/00 for GOOD
    --length N, --write, --timeout MS, --give-up    its data; how long; ends also without an answer
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import fcntl
import os
import sys
from dataclasses import dataclass

SG_IO = 0x2285
TO_DEVICE, FROM_DEVICE, NO_DATA = -2, -3, -1
SENSE_BYTES = 96
BLOCK = 512


class Header(ctypes.Structure):
    """sg_io_hdr of <scsi/sg.h>."""

    _fields_ = [
        ("interface_id", ctypes.c_int),
        ("direction", ctypes.c_int),
        ("cmd_len", ctypes.c_ubyte),
        ("mx_sb_len", ctypes.c_ubyte),
        ("iovec_count", ctypes.c_ushort),
        ("dxfer_len", ctypes.c_uint),
        ("dxferp", ctypes.c_void_p),
        ("cmdp", ctypes.c_void_p),
        ("sbp", ctypes.c_void_p),
        ("timeout", ctypes.c_uint),
        ("flags", ctypes.c_uint),
        ("pack_id", ctypes.c_int),
        ("usr_ptr", ctypes.c_void_p),
        ("status", ctypes.c_ubyte),
        ("masked_status", ctypes.c_ubyte),
        ("msg_status", ctypes.c_ubyte),
        ("sb_len_wr", ctypes.c_ubyte),
        ("host_status", ctypes.c_ushort),
        ("driver_status", ctypes.c_ushort),
        ("resid", ctypes.c_int),
        ("duration", ctypes.c_uint),
        ("info", ctypes.c_uint),
    ]


@dataclass
class Answer:
    status: int
    host: int
    sense: bytes
    residual: int
    data: bytes

    @property
    def key(self) -> str:
        if len(self.sense) < 4:
            return "0/00/00" if self.status == 0 and self.host == 0 else "none"
        if self.sense[0] & 0x7F >= 0x72:
            return "%x/%02x/%02x" % (self.sense[1] & 0xF, self.sense[2], self.sense[3])
        return "%x/%02x/%02x" % (self.sense[2] & 0xF, self.sense[12], self.sense[13])


def send(device: str, cdb: bytes, length: int = 0, data: bytes = b"", timeout: int = 60000) -> Answer:
    fd = os.open(device, os.O_RDWR)
    try:
        command = ctypes.create_string_buffer(cdb, len(cdb))
        sense = ctypes.create_string_buffer(SENSE_BYTES)
        buffer = ctypes.create_string_buffer(data or bytes(max(length, 1)), max(len(data), length, 1))
        header = Header(interface_id=ord("S"), direction=NO_DATA, timeout=timeout)
        if length or data:
            header.direction = TO_DEVICE if data else FROM_DEVICE
            header.dxfer_len = len(data) or length
            header.dxferp = ctypes.addressof(buffer)
        header.cmd_len, header.cmdp = len(cdb), ctypes.addressof(command)
        header.mx_sb_len, header.sbp = SENSE_BYTES, ctypes.addressof(sense)
        fcntl.ioctl(fd, SG_IO, header)
        moved = b"" if data else buffer.raw[: max(length - header.resid, 0)]
        return Answer(
            header.status, header.host_status, sense.raw[: header.sb_len_wr], header.resid, moved
        )
    finally:
        os.close(fd)


def read10(lba: int, blocks: int) -> bytes:
    return bytes([0x28, 0]) + lba.to_bytes(4, "big") + b"\0" + blocks.to_bytes(2, "big") + b"\0"


def variable(action: int, lba: int, blocks: int) -> bytes:
    """READ(32) and its like (SBC-4 5.19)."""
    head = bytes([0x7F, 0, 0, 0, 0, 0, 0, 0x18]) + action.to_bytes(2, "big") + bytes(2)
    return head + lba.to_bytes(8, "big") + lba.to_bytes(4, "big") + bytes(4) + blocks.to_bytes(4, "big")


def hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def inquiry(page: int | None, length: int = 252) -> bytes:
    return bytes([0x12, page is not None, page or 0, length >> 8, length & 255, 0])


# Name, CDB, bytes from the device.
GROUPS: dict[str, list[tuple[str, bytes, int]]] = {
    "identity": [
        ("INQUIRY", inquiry(None), 252),
        ("INQUIRY, 36 bytes of 96", inquiry(None, 36), 96),
        *[(f"VPD {page:02x}h", inquiry(page), 252) for page in (0, 0x80, 0x83, 0x86, 0x89, 0xB0, 0xB1, 0xB2)],
        ("VPD that is not there", inquiry(0xDD), 252),
        ("READ CAPACITY(10)", hexadecimal("25 00000000 0000000000"), 8),
        ("READ CAPACITY(16)", hexadecimal("9e10 0000000000000000 00000020 0000"), 32),
        ("REPORT LUNS", hexadecimal("a0 00 00 000000 00000100 0000"), 256),
        ("REQUEST SENSE", hexadecimal("03 00 00 00 60 00"), 96),
        ("RSOC", hexadecimal("a30c 00 00 0000 00002000 0000"), 8192),
        ("RSTMF", hexadecimal("a30d 00 00 0000 00000010 0000"), 16),
    ],
    "pages": [
        ("MODE SENSE(6), all", hexadecimal("1a 00 3f 00 fc 00"), 252),
        ("MODE SENSE(10), all with subpages", hexadecimal("5a 00 3f ff 00000001 00 00"), 256),
        ("MODE SENSE(10), changeable", hexadecimal("5a 00 7f 00 00000001 00 00"), 256),
        *[(f"LOG SENSE {page:02x}h", bytes([0x4D, 0, 0x40 | page, 0, 0, 0, 0, 1, 0, 0]), 256) for page in (0, 0x0D, 0x2F)],
        ("LOG SENSE that is not there", hexadecimal("4d 00 7e 00 000000 0100 00"), 256),
        ("PR IN, keys", hexadecimal("5e 00 0000000000 0100 00"), 256),
        ("PR IN, capabilities", hexadecimal("5e 02 0000000000 0100 00"), 256),
        ("GET LBA STATUS", hexadecimal("9e12 0000000000000000 00000020 0000"), 32),
    ],
    "refusals": [
        ("vendor specific", hexadecimal("c1 02030405060708 00 00"), 0),
        ("reserved opcode", hexadecimal("1f 00 00 00 00 00"), 0),
        ("READ(10) past the end", read10(0xFFFFFFF0, 8), 8 * BLOCK),
        ("invalid field", hexadecimal("1a 00 3b 00 fc 00"), 252),
    ],
    "data": [
        ("READ(10)", read10(8, 16), 16 * BLOCK),
        ("READ(10), less asked for than expected", read10(8, 2), 16 * BLOCK),
        ("READ(6)", hexadecimal("08 000008 04 00"), 4 * BLOCK),
        ("READ(16)", hexadecimal("88 00 0000000000000008 00000010 0000"), 16 * BLOCK),
        ("READ(10), 512 KiB", read10(0, 1024), 1024 * BLOCK),
    ],
    "large": [("READ(10), 2 MiB", read10(0, 4096), 4096 * BLOCK), ("READ(10), 4 MiB", read10(0, 8192), 8192 * BLOCK)],
    "long-cdb": [("READ(32)", variable(9, 8, 16), 16 * BLOCK)],
    "medium-error": [("READ(10)", read10(0x1234, 8), 8 * BLOCK)],
    "recovered": [("READ(10)", read10(8, 16), 16 * BLOCK)],
}


def same(direct: str, remote: str, group: str) -> int:
    different = 0
    for name, cdb, length in GROUPS[group]:
        here, there = send(direct, cdb, length), send(remote, cdb, length)
        print(f"{name}: status {there.status:02x}h, {there.key}, {len(there.data)} bytes")
        if here != there:
            different += 1
            print(f"  DIFFERENT\n  direct {here}"[:600] + f"\n  remote {there}"[:600])
    return 1 if different else 0


def expect(options: argparse.Namespace) -> int:
    cdb = hexadecimal(options.cdb)
    data = (b"pass" * (options.length // 4)) if options.write else b""
    try:
        answer = send(options.device, cdb, 0 if data else options.length, data, options.timeout)
    except OSError as error:
        print(f"errno {errno.errorcode[error.errno or 0]}")
        return 0 if options.give_up else 1
    print(f"status {answer.status:02x}h, host {answer.host:02x}h, sense {answer.key}, residual {answer.residual}")
    if options.give_up and answer.host:
        return 0
    return 0 if answer.key == options.sense else 1


def main() -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    both = commands.add_parser("same")
    for name in ("direct", "remote", "group"):
        both.add_argument(name)
    one = commands.add_parser("expect")
    for name in ("device", "sense", "cdb"):
        one.add_argument(name)
    one.add_argument("--length", type=int, default=0)
    one.add_argument("--write", action="store_true")
    one.add_argument("--timeout", type=int, default=60000)
    one.add_argument("--give-up", action="store_true")
    options = parser.parse_args()
    if options.command == "same":
        return same(options.direct, options.remote, options.group)
    return expect(options)


if __name__ == "__main__":
    sys.exit(main())
