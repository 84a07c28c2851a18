# SPDX-License-Identifier: GPL-2.0-or-later
"""PERSISTENT RESERVE IN and OUT (SPC-4 6.15, 6.16) with iSCSI TransportIDs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Sequence

from lib.iscsi import Connection, Result
from lib.scsi import GOOD

REGISTER, RESERVE, RELEASE, CLEAR = 0, 1, 2, 3
PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_IGNORE, REGISTER_AND_MOVE = 4, 5, 6, 7
WRITE_EXCLUSIVE, EXCLUSIVE_ACCESS = 1, 3
WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 5

APTPL, ALL_TG_PT, SPEC_I_PT = 0x01, 0x04, 0x08

RESERVE_6, RELEASE_6 = bytes([0x16, 0, 0, 0, 0, 0]), bytes([0x17, 0, 0, 0, 0, 0])
RESERVE_10, RELEASE_10 = bytes([0x56]) + bytes(9), bytes([0x57]) + bytes(9)


@dataclass(frozen=True, order=True)
class Registration:
    """One full status descriptor."""

    initiator: str
    port: int
    key: int
    holder: bool = False


def initiator_port(session: Connection) -> str:
    """The name of the session's initiator port (RFC 7143 section 4.4.1)."""
    return f"{session.name},i,0x{session.isid.hex()}"


def transport_id(initiator: str) -> bytes:
    """Of a port, or of a device when the name has no ISID (SPC-4 7.6.4.6)."""
    name = initiator.encode() + b"\0"
    name = name.ljust(max(20, len(name) + -len(name) % 4), b"\0")
    return struct.pack(">BxH", 0x45 if ",i,0x" in initiator else 0x05, len(name)) + name


def out(
    session: Connection, action: int, parameters: bytes, *, type: int = 0, lun: int = 1
) -> Result:
    cdb = struct.pack(">BBBxxIx", 0x5F, action, type, len(parameters))
    return session.command(cdb, lun=lun, write=parameters)


def basic(key: int, action_key: int, flags: int = 0) -> bytes:
    return struct.pack(">QQ4xB3x", key, action_key, flags)


def specifying(action_key: int, ids: Sequence[bytes], flags: int = 0) -> bytes:
    """The list of a REGISTER for other initiators."""
    whole = b"".join(ids)
    return basic(0, action_key, SPEC_I_PT | flags) + struct.pack(">I", len(whole)) + whole


def moving(key: int, action_key: int, port: int, id_: bytes, *, unregister: bool = False) -> bytes:
    return struct.pack(">QQxBHI", key, action_key, 2 * unregister, port, len(id_)) + id_


def register(session: Connection, key: int, flags: int = 0) -> None:
    result = out(session, REGISTER, basic(0, key, flags))
    assert result.status == GOOD, f"REGISTER: {result.status:#x} {result.sense}"


def reserve(session: Connection, key: int, type: int) -> None:
    result = out(session, RESERVE, basic(key, 0), type=type)
    assert result.status == GOOD, f"RESERVE: {result.status:#x} {result.sense}"


def read(session: Connection, action: int, *, length: int = 8192) -> bytes:
    """A PERSISTENT RESERVE IN that has to succeed."""
    result = session.command(struct.pack(">BB5xHx", 0x5E, action, length), read=length)
    assert result.status == GOOD, f"PERSISTENT RESERVE IN: {result.status:#x} {result.sense}"
    return result.data


def keys(session: Connection) -> list[int]:
    data = read(session, 0)
    return sorted(key for (key,) in struct.iter_unpack(">Q", data[8:]))


def capabilities(session: Connection) -> bytes:
    return read(session, 2)


def full_status(session: Connection) -> list[Registration]:
    data, at, found = read(session, 3), 8, []
    assert int.from_bytes(data[4:8], "big") == len(data) - 8
    while at < len(data):
        key, flags, port, length = struct.unpack_from(">Q4xBx4xHI", data, at)
        name = data[at + 28 : at + 24 + length].rstrip(b"\0").decode()
        found.append(Registration(name, port, key, bool(flags & 1)))
        at += 24 + length
    return sorted(found)


def field_pointer(result: Result) -> tuple[bool, int, int | None]:
    """(in the CDB, byte, bit) of an INVALID FIELD in fixed format (SPC-4 4.5.2.4.2)."""
    data = result.response.data[2:]
    assert data[0] & 0x7F == 0x70 and data[15] & 0x80, data.hex()
    bit = data[15] & 7 if data[15] & 0x08 else None
    return bool(data[15] & 0x40), int.from_bytes(data[16:18], "big"), bit
