# SPDX-License-Identifier: GPL-2.0-or-later
"""iSCSI PDUs as bytes that a test may damage as it likes (RFC 7143 section 11)."""

from __future__ import annotations

import struct
from enum import IntEnum


class Op(IntEnum):
    """Opcodes of RFC 7143 section 11.2.1.2."""

    NOP_OUT = 0x00
    SCSI_COMMAND = 0x01
    TASK_MANAGEMENT = 0x02
    LOGIN = 0x03
    TEXT = 0x04
    DATA_OUT = 0x05
    LOGOUT = 0x06
    SNACK = 0x10
    NOP_IN = 0x20
    SCSI_RESPONSE = 0x21
    TASK_MANAGEMENT_RESPONSE = 0x22
    LOGIN_RESPONSE = 0x23
    TEXT_RESPONSE = 0x24
    DATA_IN = 0x25
    LOGOUT_RESPONSE = 0x26
    R2T = 0x31
    ASYNC = 0x32
    REJECT = 0x3F


IMMEDIATE = 0x40
FINAL = 0x80
NO_TAG = 0xFFFFFFFF

# 32-bit words of the basic header segment; one offset has different names in different PDUs.
WORDS = {
    "itt": 16,
    "ttt": 20,
    "edtl": 20,
    "ref_tag": 20,
    "cmd_sn": 24,
    "stat_sn": 24,
    "exp_stat_sn": 28,
    "exp_cmd_sn": 28,
    "max_cmd_sn": 32,
    "ref_cmd_sn": 32,
    "data_sn": 36,
    "r2t_sn": 36,
    "exp_data_sn": 36,
    "buffer_offset": 40,
    "bidi_residual": 40,
    "beg_run": 40,
    "desired_length": 44,
    "residual": 44,
    "run_length": 44,
}


def pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def lun_bytes(lun: int) -> bytes:
    """A LUN below 256 in the peripheral format of SAM-5 4.7.7.2, a larger one in the flat format."""
    return bytes([0, lun]) + bytes(6) if lun < 256 else struct.pack(">H6x", 0x4000 | lun)


class Pdu:
    """48 bytes of basic header, additional headers and data; `words` are the names of WORDS."""

    def __init__(
        self,
        opcode: int,
        *,
        flags: int = FINAL,
        lun: int = 0,
        data: bytes = b"",
        ahs: bytes = b"",
        **words: int,
    ) -> None:
        self.bhs = bytearray(48)
        self.bhs[0] = opcode
        self.bhs[1] = flags
        self.bhs[8:16] = lun_bytes(lun)
        self.ahs = ahs
        self.data = data
        self.bhs[4] = len(pad(ahs)) // 4 & 0xFF
        self.bhs[5:8] = len(data).to_bytes(3, "big")
        for name, value in words.items():
            self.set(name, value)

    @classmethod
    def parse(cls, bhs: bytes, ahs: bytes, data: bytes) -> Pdu:
        pdu = cls(0)
        pdu.bhs, pdu.ahs, pdu.data = bytearray(bhs), ahs, data
        return pdu

    def set(self, name: str, value: int) -> None:
        struct.pack_into(">I", self.bhs, WORDS[name], value & 0xFFFFFFFF)

    def get(self, name: str) -> int:
        value: int = struct.unpack_from(">I", self.bhs, WORDS[name])[0]
        return value

    @property
    def opcode(self) -> int:
        return self.bhs[0] & 0x3F

    @property
    def immediate(self) -> bool:
        return bool(self.bhs[0] & IMMEDIATE)

    @property
    def flags(self) -> int:
        return self.bhs[1]

    @property
    def final(self) -> bool:
        return bool(self.bhs[1] & FINAL)

    @property
    def itt(self) -> int:
        return self.get("itt")

    @property
    def ahs_length(self) -> int:
        return self.bhs[4] * 4

    @property
    def data_length(self) -> int:
        return int.from_bytes(self.bhs[5:8], "big")

    @property
    def login_status(self) -> int:
        """Status class and detail of a login response as one number, 0x0203 for instance."""
        return self.bhs[36] << 8 | self.bhs[37]

    def __repr__(self) -> str:
        try:
            name = Op(self.opcode).name
        except ValueError:
            name = f"opcode {self.opcode:#x}"
        return f"<{name} {self.bhs.hex(' ', 4)} data={self.data[:64]!r}>"


def encode_text(keys: dict[str, str] | list[tuple[str, str]]) -> bytes:
    """key=value pairs, each ended by NUL (RFC 7143 section 6.1)."""
    pairs = keys.items() if isinstance(keys, dict) else keys
    return b"".join(f"{key}={value}".encode() + b"\0" for key, value in pairs)


def decode_text(data: bytes) -> list[tuple[str, str]]:
    pairs = []
    for item in data.split(b"\0"):
        if item:
            key, _, value = item.decode().partition("=")
            pairs.append((key, value))
    return pairs
