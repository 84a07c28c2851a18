# SPDX-License-Identifier: GPL-2.0-or-later
"""CRC32C (Castagnoli), the digest of RFC 7143 section 13.1, by table."""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(_entry(i) for i in range(256))


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def digest(data: bytes) -> bytes:
    """The four bytes as they go on the wire."""
    return crc32c(data).to_bytes(4, "little")
