# SPDX-License-Identifier: GPL-2.0-or-later
"""Far more is asked for than `tgtd --memory` allows: commands wait, by MaxCmdSN, and nothing else happens to them."""

from __future__ import annotations

import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import Daemon, Target
from lib.iscsi import Connection
from lib.pdu import Op, Pdu

MIB = 1 << 20
BUDGET = 64 * MIB
BASE = 16 * MIB  # of a daemon with these sessions that does nothing
SESSIONS, COMMANDS, BLOCK = 16, 24, 512


@pytest.fixture(scope="module")
def frugal() -> Iterator[tuple[Daemon, Target]]:
    with Daemon(options=["--memory", f"{BUDGET >> 20}M"]) as daemon:
        target = daemon.add_target(MaxRecvDataSegmentLength=262144)
        target.add_disk(1, SESSIONS * COMMANDS * MIB)
        yield daemon, target


def piece(number: int) -> bytes:
    """A mebibyte that is like no other."""
    return struct.pack(">Q", number) * (MIB // 8)


class Client:
    """A session that has all of its commands under way at once, each for a mebibyte of its own."""

    def __init__(self, daemon: Daemon, target: Target, number: int) -> None:
        self.number = number
        self.session = Connection("127.0.0.1", daemon.port)
        self.session.login(target.name)
        self.session.settle()

    def place(self, command: int) -> int:
        return self.number * COMMANDS + command

    def begin(self, command: int, write: bool) -> int:
        """Sends one command; its tag."""
        lba = self.place(command) * (MIB // BLOCK)
        if write:
            cdb = scsi.write10(lba, MIB // BLOCK)
            first = self.session.first_pdus(cdb, piece(self.place(command)))
        else:
            first = [self.session.scsi(scsi.read10(lba, MIB // BLOCK), edtl=MIB)]
        self.session.send(*first)
        return first[0].itt

    def transfer(self, write: bool) -> None:
        """As many at once as the window admits (RFC 7143 4.2.2.1)."""
        session, waiting, begun = self.session, {}, 0
        while begun < COMMANDS or waiting:
            while begun < COMMANDS and session.cmd_sn <= session.max_cmd_sn:
                waiting[self.begin(begun, write)] = piece(self.place(begun))
                begun += 1
            self.take(session.recv_task(60.0), waiting)

    def take(self, pdu: Pdu, waiting: dict[int, bytes]) -> None:
        wanted = waiting[pdu.itt]
        if pdu.opcode == Op.R2T:
            self.session.send(*self.session.answer_r2t(pdu, wanted))
            return
        if pdu.opcode == Op.DATA_IN:
            at = pdu.get("buffer_offset")
            assert pdu.data == wanted[at : at + len(pdu.data)]
        if pdu.opcode == Op.SCSI_RESPONSE or pdu.flags & 1:
            assert pdu.bhs[3] == scsi.GOOD, f"status {pdu.bhs[3]:#x}"
            del waiting[pdu.itt]


def high_water(daemon: Daemon) -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{daemon.pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def test_what_exceeds_the_memory_waits_and_nothing_is_refused(
    frugal: tuple[Daemon, Target],
) -> None:
    """Six times the memory in flight, written and read back."""
    daemon, target = frugal
    clients = [Client(daemon, target, number) for number in range(SESSIONS)]
    with ThreadPoolExecutor(SESSIONS) as threads:
        for write in (True, False):
            for done in [threads.submit(client.transfer, write) for client in clients]:
                done.result()
    for client in clients:
        client.session.logout()
        client.session.close()
    assert " waited " not in daemon.log_text()
    if "san.so" not in Path(f"/proc/{daemon.pid}/maps").read_text():  # sanitizers keep freed memory
        assert high_water(daemon) <= BUDGET + BASE
