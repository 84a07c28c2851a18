# SPDX-License-Identifier: GPL-2.0-or-later
"""Holes that tgt 1.0.97 has, one test each: they must not come back. Meant to run on sanitizer builds, too."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from lib import scsi
from lib.daemon import TGTD, Daemon, Target, free_port
from lib.iscsi import Closed, Connection
from lib.pdu import Op
from lib.scsi import Sense
from lib.wire import Connect, MakeTarget, open_session, refusal

OUT_OF_RANGE = Sense(scsi.ILLEGAL_REQUEST, 0x2100)
MODES, OPERATIONS = range(8), range(9)  # numbers of tgt's binary requests


def hexadecimal(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


# --- Data-Out outside the command's buffer -----------------------------------------------------


@pytest.mark.parametrize("offset", [4096, 4095, 0x7FFFF000, 0x80000000, 0xFFFFF000, 0xFFFFFFFF])
@pytest.mark.parametrize("solicited", [True, False])
def test_data_out_cannot_write_outside_the_buffer(
    connect: Connect, make_target: MakeTarget, offset: int, solicited: bool
) -> None:
    """RFC 7143 11.7.5: an offset behind the end, and one that wraps around."""
    target = make_target(InitialR2T="No")
    keys = {"ImmediateData": "No", "InitialR2T": "Yes" if solicited else "No"}
    session = open_session(connect, target, keys)
    data = b"\xee" * 4096
    first = session.first_pdus(scsi.write10(0, 8), data)
    session.send(first[0])
    pdus = session.answer_r2t(session.expect(Op.R2T), data) if solicited else first[1:]
    pdus[0].set("buffer_offset", offset)
    session.send(*pdus)
    refusal(session)
    assert not any(open_session(connect, target).read(0, 64))


@pytest.mark.parametrize("extra", [4, 512, 61440])
def test_data_out_cannot_be_longer_than_the_buffer(
    connect: Connect, make_target: MakeTarget, extra: int
) -> None:
    """RFC 7143 11.8.4: more than the R2T asked for."""
    target = make_target()
    session = open_session(connect, target, {"ImmediateData": "No"})
    session.send(session.first_pdus(scsi.write10(0, 8), bytes(4096))[0])
    r2t = session.expect(Op.R2T)
    data = b"\xee" * (4096 + extra)
    session.send(session.data_out(r2t.itt, data, offset=0, ttt=r2t.get("ttt")))
    refusal(session)
    assert not any(open_session(connect, target).read(0, 256))


# --- memory of others in Data-In ---------------------------------------------------------------

GET_LBA_STATUS = struct.pack(">BBQIxx", 0x9E, 0x12, 1 << 40, 4096)
READ_CAPACITY_16 = struct.pack(">BBQIxx", 0x9E, 0x10, 0, 4096)


@pytest.mark.parametrize(
    ("cdb", "lun"),
    [
        (GET_LBA_STATUS, 1),
        (GET_LBA_STATUS, 77),
        (READ_CAPACITY_16, 77),
        (READ_CAPACITY_16[:2] + b"\x01" + READ_CAPACITY_16[3:], 1),  # a reserved bit
        (struct.pack(">BBQIxx", 0x9E, 0x1F, 0, 4096), 1),  # no such service action
        (scsi.inquiry(4096, page=0x7E), 1),
        (struct.pack(">BBBBxxxHx", 0x5A, 0, 0x3E, 0, 4096), 1),  # MODE SENSE, no such page
        (struct.pack(">BBxxxxxHx", 0x5E, 0x1F, 4096), 1),  # PERSISTENT RESERVE IN
        (struct.pack(">BBQIxx", 0x88, 0, 1 << 40, 8), 1),  # READ(16) behind the end
    ],
    ids=hexadecimal,
)
@pytest.mark.parametrize("expected", [24, 512, 4096])
def test_failed_command_sends_no_data(
    session: Connection, cdb: bytes, lun: int, expected: int
) -> None:
    """The allocation length may be larger than what the initiator expects; CHECK CONDITION comes alone."""
    result = session.command(cdb, lun=lun, edtl=expected)
    assert result.status == scsi.CHECK_CONDITION
    assert [pdu.opcode for pdu in result.pdus] == [Op.SCSI_RESPONSE]


@pytest.mark.parametrize("expected", [1, 8, 16, 24, 31])
@pytest.mark.parametrize(
    "cdb", [READ_CAPACITY_16, scsi.inquiry(4096), scsi.report_luns(4096)], ids=hexadecimal
)
def test_data_cut_by_the_expected_length_is_the_beginning_of_the_answer(
    session: Connection, cdb: bytes, expected: int
) -> None:
    """Nothing but the answer's own bytes goes out."""
    whole = session.command(cdb, edtl=4096).data
    assert session.command(cdb, edtl=expected).data == whole[:expected]


# --- LBAs that wrap ----------------------------------------------------------------------------


@pytest.mark.parametrize("lba", [1 << 63, (1 << 63) + 1, (1 << 64) - 1, (1 << 55) - 1, 1 << 55])
@pytest.mark.parametrize(
    "head",
    [b"\x9e\x12", b"\x88\x00", b"\x8f\x00", b"\x90\x00", b"\x91\x00"],
    ids=["GET LBA STATUS", "READ", "VERIFY", "PRE-FETCH", "SYNCHRONIZE CACHE"],
)
def test_lba_that_wraps_in_bytes_is_out_of_range(session: Connection, head: bytes, lba: int) -> None:
    """SBC-4 4.5: 2^63 blocks of 512 bytes are 0 bytes in 64 bits."""
    edtl = 512 if head[0] in (0x9E, 0x88) else 0
    result = session.command(head + struct.pack(">QIxx", lba, 1), edtl=edtl)
    assert (result.status, result.sense) == (scsi.CHECK_CONDITION, OUT_OF_RANGE)


def test_write_whose_lba_wraps_reaches_nothing(connect: Connect, make_target: MakeTarget) -> None:
    """WRITE(16) and WRITE SAME(16) at 2^63."""
    session = open_session(connect, make_target())
    for head in (b"\x8a\x00", b"\x93\x00"):
        result = session.command(head + struct.pack(">QIxx", 1 << 63, 1), write=b"\xee" * 512)
        assert (result.status, result.sense) == (scsi.CHECK_CONDITION, OUT_OF_RANGE)
    assert not any(session.read(0, 8))


# --- what VPD B0h promises ---------------------------------------------------------------------


def test_block_limits_are_true_and_fit_an_int(connect: Connect, make_target: MakeTarget) -> None:
    """SBC-4 6.6.4: initiators keep these limits as signed 32-bit numbers; a command with a limit is carried out."""
    target = make_target(disk=False)
    target.add_disk(1, 8 << 20, thin_provisioning=1)
    session = open_session(connect, target)
    page = session.command(scsi.inquiry(255, page=0xB0), edtl=255).data
    transfer, _, _, unmap_blocks, unmap_ranges = struct.unpack_from(">IIIII", page, 8)
    assert 0 < unmap_blocks < 1 << 31 and 0 < unmap_ranges < 1 << 31
    assert transfer < 1 << 31
    if page[5]:  # MAXIMUM COMPARE AND WRITE LENGTH
        swap = b"\x89" + bytes(12) + b"\x01" + bytes(2)
        assert session.command(swap, write=bytes(1024)).status == scsi.GOOD


# --- portals -----------------------------------------------------------------------------------


def listening(pid: int) -> set[tuple[str, int]]:
    """What the process listens on over TCP: (address, port), addresses as the kernel writes them."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(link))
        except FileNotFoundError:
            pass
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


def test_portal_that_cannot_be_opened_opens_no_other(tmp_path: Path) -> None:
    """A taken address never becomes `all addresses, port 3260`: with no other portal the daemon does not start,
    with another it listens there alone."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"portal=127.0.0.1:{other.getsockname()[1]}"
        environment = {**os.environ, "TGT_IPC_SOCKET": str(tmp_path / "socket")}
        for bad in (taken, f"portal=192.0.2.1:{free_port()}"):  # busy, and not an address of this host
            run = subprocess.run(
                [TGTD, "-f", "-C", "0", "--iscsi", bad],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=20,
                check=False,
            )
            assert run.returncode == 1, run.stderr
        with Daemon(options=["--iscsi", taken]) as daemon:
            assert listening(daemon.pid) == {("0100007F", daemon.port)}


# --- administration without its arguments ------------------------------------------------------


def admin_socket(daemon: Daemon) -> socket.socket:
    path = next(p for p in daemon.dir.glob("socket*") if p.is_socket())
    admin = socket.socket(socket.AF_UNIX)
    admin.settimeout(10)
    admin.connect(str(path))
    return admin


def test_account_delete_without_user_is_refused(daemon: Daemon) -> None:
    """tgt's daemon dies of it."""
    with pytest.raises(AssertionError):
        daemon.adm("-m", "account", "-o", "delete")
    daemon.check_alive()


@pytest.mark.parametrize("params", [{}, [], None, {"user": None}, {"tid": 4711}, {"tid": "x"}])
def test_requests_without_their_arguments_are_refused(daemon: Daemon, params: object) -> None:
    """Every verb, as JSON: an answer comes, and the daemon stays."""
    modes = ("target", "logicalunit", "portal", "session", "connection", "account", "nonsense")
    operations = ("new", "delete", "bind", "unbind", "update", "stat", "nonsense")
    with admin_socket(daemon) as admin:
        stream = admin.makefile("rwb")
        for number, mode in enumerate(modes):
            for operation in operations:
                request = {"jsonrpc": "2.0", "id": number, "method": f"{mode}.{operation}"}
                stream.write(json.dumps(request | {"params": params}).encode() + b"\n")
                stream.flush()
                answer = json.loads(stream.readline())
                assert answer["id"] == number
    daemon.check_alive()


def test_binary_requests_without_text_are_refused(daemon: Daemon, target: Target) -> None:
    """Every mode and operation of tgt's binary dialect, without the text that some need."""
    for mode in MODES:
        for operation in OPERATIONS:
            if (mode, operation) == (0, 1):  # system delete
                continue
            header = struct.pack("=II64sIiQQ", mode, operation, b"iscsi", 0, 4711, 0, 1)
            with admin_socket(daemon) as admin:
                admin.sendall(header.ljust(120, b"\0"))
                admin.shutdown(socket.SHUT_WR)
                try:
                    admin.recv(1 << 16)
                except ConnectionResetError:
                    pass
    daemon.check_alive()
    with Connection("127.0.0.1", daemon.port) as fresh:
        try:
            fresh.login(target.name)
        except Closed:
            pytest.fail("no target is served any more")
