# SPDX-License-Identifier: GPL-2.0-or-later
"""A lean raw-PDU iSCSI initiator.

It keeps the sequence numbers, tags and negotiated keys that a well-behaved initiator keeps, and leaves every byte
open to the test: any PDU can be built by hand (lib.pdu), changed and sent, and `command` has a hook for each
Data-Out sequence.
"""

from __future__ import annotations

import itertools
import random
import socket
import time
from dataclasses import dataclass, field
from typing import Callable

from lib import scsi
from lib.crc32c import digest
from lib.pdu import FINAL, IMMEDIATE, NO_TAG, Op, Pdu, decode_text, encode_text, pad
from lib.scsi import Sense

TIMEOUT_S = 10.0
INITIATOR = "iqn.2001-04.org.example:initiator"
READ, WRITE = 0x40, 0x20
SIMPLE, ORDERED, HEAD_OF_QUEUE, ACA = 1, 2, 3, 4
OPERATIONAL, SECURITY, FULL_FEATURE = 1, 0, 3
DEFAULTS = {
    "HeaderDigest": "None",
    "DataDigest": "None",
    "InitialR2T": "Yes",
    "ImmediateData": "Yes",
    "MaxBurstLength": "262144",
    "FirstBurstLength": "65536",
    "MaxOutstandingR2T": "1",
}

Keys = dict[str, str] | list[tuple[str, str]]
DataOut = Callable[[Pdu, bytes], list[Pdu]]


class Closed(Exception):
    """The target has closed (or reset) the connection."""


class Silence(Exception):
    """Nothing came from the target in time."""


class LoginRefused(Exception):
    """The login response carried a status other than success."""

    def __init__(self, status: int) -> None:
        super().__init__(f"login status {status:#06x}")
        self.status = status


@dataclass
class Result:
    """How a SCSI command ended, with everything that came on the way."""

    status: int
    data: bytes
    sense: Sense | None
    response: Pdu
    pdus: list[Pdu] = field(default_factory=list)

    @property
    def residual(self) -> int:
        """Positive for underflow, negative for overflow."""
        count = self.response.get("residual")
        return -count if self.response.flags & 4 else count if self.response.flags & 2 else 0

    @property
    def r2ts(self) -> list[Pdu]:
        return [pdu for pdu in self.pdus if pdu.opcode == Op.R2T]


class Connection:
    """One TCP connection and, once logged in, one session on it."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        name: str = INITIATOR,
        isid: bytes | None = None,
        source: str | None = None,
    ) -> None:
        self.name = name
        # Qualifier of random type (RFC 7143 section 11.12.5): no two sessions reinstate each other by accident.
        self.isid = isid or bytes([0x80]) + random.randbytes(5)
        self.tsih = 0
        self.cid = 0
        self.cmd_sn = 1
        self.exp_stat_sn = 0
        self.max_cmd_sn = 1
        self.target_max_data = 8192
        self.keys: dict[str, str] = {}
        self.header_digest = False
        self.data_digest = False
        self._tags = itertools.count(0x10)
        self._buffer = b""
        self.socket = socket.create_connection(
            (host, port), TIMEOUT_S, source_address=(source, 0) if source else None
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    # --- bytes and PDUs --------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        """Sends as it is. A target that has already closed shows at the next receive."""
        try:
            self.socket.settimeout(TIMEOUT_S)
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def encode(
        self, pdu: Pdu, *, bad_header_digest: bool = False, bad_data_digest: bool = False
    ) -> bytes:
        """The bytes of a PDU with padding and the digests in force, or with damaged ones."""
        header = bytes(pdu.bhs) + pad(pdu.ahs)
        out = header
        if self.header_digest:
            out += _flip(digest(header), bad_header_digest)
        if pdu.data:
            out += pad(pdu.data)
            if self.data_digest:
                out += _flip(digest(pad(pdu.data)), bad_data_digest)
        return out

    def send(self, *pdus: Pdu) -> None:
        """Sends whole PDUs, in one write so that they arrive together."""
        self.send_bytes(b"".join(self.encode(pdu) for pdu in pdus))

    def recv(self, timeout: float = TIMEOUT_S) -> Pdu:
        """The next PDU. Raises Closed or Silence."""
        limit = time.monotonic() + timeout
        bhs = self._take(48, limit)
        ahs = self._take(bhs[4] * 4, limit)
        if self.header_digest:
            assert self._take(4, limit) == digest(bhs + ahs), "wrong header digest from the target"
        length = int.from_bytes(bhs[5:8], "big")
        data = self._take(length + -length % 4, limit)
        if self.data_digest and length:
            assert self._take(4, limit) == digest(data), "wrong data digest from the target"
        pdu = Pdu.parse(bhs, ahs, data[:length])
        self._note(pdu)
        return pdu

    def expect(self, opcode: int, timeout: float = TIMEOUT_S) -> Pdu:
        """The next PDU, which has to be of this kind; pings from the target are answered on the way."""
        pdu = self.recv_task(timeout)
        assert pdu.opcode == opcode, f"expected {Op(opcode).name}, got {pdu!r}"
        return pdu

    def recv_task(self, timeout: float = TIMEOUT_S) -> Pdu:
        """The next PDU that is not a ping from the target."""
        while True:
            pdu = self.recv(timeout)
            if pdu.opcode != Op.NOP_IN or pdu.get("ttt") == NO_TAG:
                return pdu
            self.answer_ping(pdu)

    def answer_ping(self, ping: Pdu) -> None:
        answer = self.pdu(
            Op.NOP_OUT | IMMEDIATE, itt=NO_TAG, ttt=ping.get("ttt"), cmd_sn=self.cmd_sn
        )
        answer.bhs[8:16] = ping.bhs[8:16]
        self.send(answer)

    def expect_closed(self, timeout: float = TIMEOUT_S) -> list[Pdu]:
        """Everything until the target closes; Silence when it does not."""
        pdus = []
        limit = time.monotonic() + timeout
        while True:
            try:
                pdus.append(self.recv(max(0.01, limit - time.monotonic())))
            except Closed:
                return pdus

    def expect_silence(self, seconds: float = 0.5) -> None:
        """Fails when anything but silence comes."""
        try:
            pdu = self.recv(seconds)
        except Silence:
            return
        raise AssertionError(f"expected nothing, got {pdu!r}")

    def _take(self, count: int, limit: float) -> bytes:
        while len(self._buffer) < count:
            self.socket.settimeout(max(0.001, limit - time.monotonic()))
            try:
                piece = self.socket.recv(1 << 18)
            except TimeoutError:
                raise Silence from None
            except (ConnectionResetError, BrokenPipeError):
                raise Closed from None
            if not piece:
                raise Closed
            self._buffer += piece
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _note(self, pdu: Pdu) -> None:
        """Keeps ExpStatSN and MaxCmdSN as RFC 7143 section 4.2.2 asks of an initiator."""
        carries_status = pdu.opcode != Op.R2T and (pdu.opcode != Op.DATA_IN or pdu.flags & 1)
        if pdu.opcode == Op.NOP_IN and pdu.itt == NO_TAG:
            carries_status = False
        if carries_status:
            self.exp_stat_sn = pdu.get("stat_sn") + 1 & 0xFFFFFFFF
        self.max_cmd_sn = pdu.get("max_cmd_sn")

    # --- building --------------------------------------------------------------------------

    def next_tag(self) -> int:
        return next(self._tags)

    def pdu(
        self,
        opcode: int,
        *,
        flags: int = FINAL,
        lun: int = 0,
        data: bytes = b"",
        ahs: bytes = b"",
        **words: int,
    ) -> Pdu:
        """A request with tag, CmdSN and ExpStatSN filled in; a non-immediate one takes a CmdSN."""
        if opcode & 0x3F != Op.DATA_OUT and "cmd_sn" not in words:
            words["cmd_sn"] = self.cmd_sn
            if not opcode & IMMEDIATE:
                self.cmd_sn = self.cmd_sn + 1 & 0xFFFFFFFF
        words.setdefault("itt", self.next_tag())
        words.setdefault("exp_stat_sn", self.exp_stat_sn)
        return Pdu(opcode, flags=flags, lun=lun, data=data, ahs=ahs, **words)

    def scsi(
        self,
        cdb: bytes,
        *,
        lun: int = 1,
        flags: int | None = None,
        edtl: int = 0,
        data: bytes = b"",
        ahs: bytes = b"",
        write: bool = False,
        attribute: int = SIMPLE,
        immediate: bool = False,
        **words: int,
    ) -> Pdu:
        """A SCSI Command PDU. Without flags: FINAL, and W or R when data is expected."""
        if flags is None:
            flags = FINAL | attribute | (0 if not edtl else WRITE if write else READ)
        opcode = Op.SCSI_COMMAND | (IMMEDIATE if immediate else 0)
        pdu = self.pdu(opcode, flags=flags, lun=lun, edtl=edtl, data=data, ahs=ahs, **words)
        pdu.bhs[32:48] = cdb[:16].ljust(16, b"\0")
        return pdu

    def data_out(
        self,
        itt: int,
        data: bytes,
        *,
        offset: int,
        data_sn: int = 0,
        ttt: int = NO_TAG,
        final: bool = True,
        lun: int = 1,
    ) -> Pdu:
        return self.pdu(
            Op.DATA_OUT,
            flags=FINAL if final else 0,
            lun=lun,
            data=data,
            itt=itt,
            ttt=ttt,
            data_sn=data_sn,
            buffer_offset=offset,
        )

    def sequence(
        self, itt: int, data: bytes, *, offset: int, ttt: int = NO_TAG, lun: int = 1
    ) -> list[Pdu]:
        """Data-Out PDUs for a whole burst, cut to what the target declared that it takes."""
        step = self.target_max_data
        starts = range(0, len(data), step) if data else [0]
        return [
            self.data_out(
                itt,
                data[at : at + step],
                offset=offset + at,
                data_sn=number,
                ttt=ttt,
                final=at + step >= len(data),
                lun=lun,
            )
            for number, at in enumerate(starts)
        ]

    def answer_r2t(self, r2t: Pdu, data: bytes) -> list[Pdu]:
        """The right answer to an R2T of a command that writes `data`."""
        offset, length = r2t.get("buffer_offset"), r2t.get("desired_length")
        pdus = self.sequence(
            r2t.itt, data[offset : offset + length], offset=offset, ttt=r2t.get("ttt")
        )
        for pdu in pdus:
            pdu.bhs[8:16] = r2t.bhs[8:16]
        return pdus

    # --- login and logout ------------------------------------------------------------------

    def login_pdu(
        self,
        text: Keys | bytes,
        *,
        csg: int,
        nsg: int = 0,
        transit: bool = True,
        more: bool = False,
    ) -> Pdu:
        """A Login Request; the caller may change every byte of it before sending."""
        flags = (
            (0x80 if transit else 0) | (0x40 if more else 0) | csg << 2 | (nsg if transit else 0)
        )
        data = text if isinstance(text, bytes) else encode_text(text)
        pdu = Pdu(
            Op.LOGIN | IMMEDIATE,
            flags=flags,
            data=data,
            itt=1,
            cmd_sn=self.cmd_sn,
            exp_stat_sn=self.exp_stat_sn,
        )
        pdu.bhs[8:14] = self.isid
        pdu.bhs[14:16] = self.tsih.to_bytes(2, "big")
        pdu.bhs[20:22] = self.cid.to_bytes(2, "big")
        return pdu

    def login_step(
        self,
        text: Keys | bytes,
        *,
        csg: int,
        nsg: int = 0,
        transit: bool = True,
        more: bool = False,
    ) -> tuple[Pdu, dict[str, str]]:
        """One Login Request and its response. Raises LoginRefused."""
        self.send(self.login_pdu(text, csg=csg, nsg=nsg, transit=transit, more=more))
        response = self.expect(Op.LOGIN_RESPONSE)
        if response.login_status:
            raise LoginRefused(response.login_status)
        answer = dict(decode_text(response.data))
        if response.flags & 0x80 and response.flags & 3 == FULL_FEATURE:
            self.tsih = int.from_bytes(response.bhs[14:16], "big")
        return response, answer

    def names(self, target: str | None) -> dict[str, str]:
        """The keys of the first Login Request; without a target a discovery session."""
        keys = {"InitiatorName": self.name}
        return keys | ({"TargetName": target} if target else {"SessionType": "Discovery"})

    def login(self, target: str | None, keys: Keys | None = None) -> dict[str, str]:
        """A whole login that starts in the operational stage; returns the target's answers."""
        offered = dict(keys or {})
        text = self.names(target) | {"MaxRecvDataSegmentLength": "262144"} | offered
        return self.finish_login(text, offered)

    def finish_login(self, text: Keys | bytes, offered: dict[str, str]) -> dict[str, str]:
        """Operational stage to full feature, with as many empty requests as the target wants."""
        answers: dict[str, str] = {}
        for _ in range(8):
            response, answer = self.login_step(text, csg=OPERATIONAL, nsg=FULL_FEATURE)
            answers |= answer
            if response.flags & 0x80:
                self.enter_full_feature(offered, answers)
                return answers
            text = {key: value for key, value in answer.items() if key in DEFAULTS and key not in offered}
        raise AssertionError("the target never agrees to enter full feature phase")

    def enter_full_feature(self, offered: dict[str, str], answers: dict[str, str]) -> None:
        """Takes over what was negotiated; a key not offered keeps its default."""
        self.keys = DEFAULTS | {key: value for key, value in answers.items() if key in DEFAULTS}
        self.target_max_data = int(answers.get("MaxRecvDataSegmentLength", "8192"))
        self.header_digest = self.keys["HeaderDigest"] == "CRC32C"
        self.data_digest = self.keys["DataDigest"] == "CRC32C"

    def logout_pdu(self, reason: int = 0, cid: int | None = None) -> Pdu:
        pdu = self.pdu(Op.LOGOUT | IMMEDIATE, flags=FINAL | reason)
        pdu.bhs[20:22] = (self.cid if cid is None else cid).to_bytes(2, "big")
        return pdu

    def logout(self) -> None:
        self.send(self.logout_pdu())
        response = self.expect(Op.LOGOUT_RESPONSE)
        assert response.bhs[2] == 0, f"logout response {response.bhs[2]}"

    def text_request(
        self, keys: Keys | bytes, *, flags: int = FINAL, ttt: int = NO_TAG, itt: int | None = None
    ) -> Pdu:
        data = keys if isinstance(keys, bytes) else encode_text(keys)
        tag = self.next_tag() if itt is None else itt
        return self.pdu(Op.TEXT | IMMEDIATE, flags=flags, data=data, ttt=ttt, itt=tag)

    def text(self, keys: Keys) -> list[tuple[str, str]]:
        """A text exchange with all its continuations (RFC 7143 section 11.10)."""
        request = self.text_request(keys)
        data = b""
        while True:
            self.send(request)
            response = self.expect(Op.TEXT_RESPONSE)
            assert response.itt == request.itt
            data += response.data
            if response.final:
                assert response.get("ttt") == NO_TAG
                return decode_text(data)
            request = self.text_request(b"", ttt=response.get("ttt"), itt=request.itt)

    # --- SCSI ------------------------------------------------------------------------------

    def command(
        self,
        cdb: bytes,
        *,
        lun: int = 1,
        read: int = 0,
        write: bytes = b"",
        edtl: int | None = None,
        attribute: int = SIMPLE,
        on_r2t: DataOut | None = None,
    ) -> Result:
        """A command from beginning to end; data goes out as negotiated. on_r2t replaces the answer to an R2T."""
        expected = edtl if edtl is not None else len(write) or read
        if write:
            first = self.first_pdus(cdb, write, lun=lun, edtl=expected, attribute=attribute)
        else:
            first = [self.scsi(cdb, lun=lun, edtl=expected, attribute=attribute)]
        self.send(*first)
        return self.finish(first[0].itt, write, on_r2t=on_r2t)

    def first_pdus(
        self,
        cdb: bytes,
        data: bytes,
        *,
        lun: int = 1,
        edtl: int | None = None,
        attribute: int = SIMPLE,
    ) -> list[Pdu]:
        """The command with the immediate and unsolicited data that the negotiated keys allow."""
        burst = min(int(self.keys["FirstBurstLength"]), len(data))
        now = min(burst, self.target_max_data) if self.keys["ImmediateData"] == "Yes" else 0
        more = self.keys["InitialR2T"] == "No" and burst > now
        flags = WRITE | attribute | (0 if more else FINAL)
        total = len(data) if edtl is None else edtl
        pdus = [self.scsi(cdb, lun=lun, flags=flags, edtl=total, data=data[:now])]
        if more:
            pdus += self.sequence(pdus[0].itt, data[now:burst], offset=now, lun=lun)
        return pdus

    def finish(self, itt: int, write: bytes = b"", *, on_r2t: DataOut | None = None) -> Result:
        """Collects what comes for a task until its status, answering R2Ts from `write`."""
        pieces: dict[int, bytes] = {}
        pdus: list[Pdu] = []
        while True:
            pdu = self.recv_task()
            pdus.append(pdu)
            assert pdu.itt == itt, f"PDU of another task: {pdu!r}"
            if pdu.opcode == Op.DATA_IN:
                pieces[pdu.get("buffer_offset")] = pdu.data
                if not pdu.flags & 1:
                    continue
                return Result(pdu.bhs[3], _join(pieces), None, pdu, pdus)
            if pdu.opcode == Op.R2T:
                self.send(*(on_r2t or self.answer_r2t)(pdu, write))
                continue
            assert pdu.opcode == Op.SCSI_RESPONSE, f"unexpected {pdu!r}"
            assert pdu.bhs[2] == 0, f"iSCSI response {pdu.bhs[2]:#x}"
            length = int.from_bytes(pdu.data[:2], "big") if pdu.data else 0
            sense = Sense.parse(pdu.data[2 : 2 + length])
            return Result(pdu.bhs[3], _join(pieces), sense, pdu, pdus)

    def settle(self, lun: int = 1) -> list[Sense]:
        """TEST UNIT READY until GOOD; the unit attentions that came before it."""
        seen: list[Sense] = []
        for _ in range(10):
            result = self.command(scsi.TEST_UNIT_READY, lun=lun)
            if result.status == scsi.GOOD:
                return seen
            assert result.sense and result.sense.key == scsi.UNIT_ATTENTION, f"{result.sense}"
            seen.append(result.sense)
        raise AssertionError(f"the unit attentions never end: {[str(s) for s in seen]}")

    def read(self, lba: int, blocks: int, *, lun: int = 1, blocksize: int = 512) -> bytes:
        """READ(10) that has to succeed."""
        result = self.command(scsi.read10(lba, blocks), lun=lun, read=blocks * blocksize)
        assert result.status == scsi.GOOD, f"READ: {result.status:#x} {result.sense}"
        return result.data

    def write(self, lba: int, data: bytes, *, lun: int = 1, blocksize: int = 512) -> Result:
        """WRITE(10) that has to succeed."""
        result = self.command(scsi.write10(lba, len(data) // blocksize), lun=lun, write=data)
        assert result.status == scsi.GOOD, f"WRITE: {result.status:#x} {result.sense}"
        return result

    # --- task management -------------------------------------------------------------------

    def task_management_pdu(self, function: int, *, lun: int = 1, task: Pdu | None = None) -> Pdu:
        pdu = self.pdu(
            Op.TASK_MANAGEMENT | IMMEDIATE, flags=FINAL | function, lun=lun, ref_tag=NO_TAG
        )
        if task is not None:
            pdu.set("ref_tag", task.itt)
            pdu.set("ref_cmd_sn", task.get("cmd_sn"))
        return pdu

    def task_management(self, function: int, *, lun: int = 1, task: Pdu | None = None) -> int:
        """Sends the function and returns the response code."""
        request = self.task_management_pdu(function, lun=lun, task=task)
        self.send(request)
        response = self.expect(Op.TASK_MANAGEMENT_RESPONSE)
        assert response.itt == request.itt
        return response.bhs[2]


def _flip(data: bytes, bad: bool) -> bytes:
    return bytes([data[0] ^ 0xFF]) + data[1:] if bad else data


def _join(pieces: dict[int, bytes]) -> bytes:
    """Data-In pieces in order of offset; a hole or an overlap is the target's error."""
    data = b""
    for offset in sorted(pieces):
        assert offset == len(data), f"Data-In offset {offset}, expected {len(data)}"
        data += pieces[offset]
    return data


def bidirectional_ahs(read_length: int) -> bytes:
    """Bidirectional Read Expected Data Transfer Length AHS (RFC 7143 section 11.2.2.4)."""
    return b"\x00\x05\x02\x00" + read_length.to_bytes(4, "big")


def extended_cdb_ahs(rest: bytes) -> bytes:
    """Extended CDB AHS (RFC 7143 section 11.2.2.3): what does not fit into the 16 bytes of the header."""
    return pad((len(rest) + 1).to_bytes(2, "big") + b"\x01\x00" + rest)
