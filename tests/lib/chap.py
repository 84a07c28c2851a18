# SPDX-License-Identifier: GPL-2.0-or-later
"""The initiator's side of CHAP (RFC 1994; RFC 7143 section 12.1.3; algorithms by their IANA numbers)."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass

from lib.iscsi import OPERATIONAL, SECURITY, Connection

MD5, SHA1, SHA256, SHA3_256 = 5, 6, 7, 8
HASHES = {MD5: "md5", SHA1: "sha1", SHA256: "sha256", SHA3_256: "sha3_256"}


def response(algorithm: int, identifier: int, secret: str, challenge: bytes) -> bytes:
    return hashlib.new(
        HASHES[algorithm], bytes([identifier]) + secret.encode() + challenge
    ).digest()


def decode(text: str) -> bytes:
    """A binary value in hexadecimal or base64 notation (RFC 7143 section 6.1)."""
    if text[:2] in ("0x", "0X"):
        digits = text[2:]
        return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
    assert text[:2] in ("0b", "0B"), f"not a binary value: {text}"
    return base64.b64decode(text[2:])


@dataclass
class Chap:
    """What the initiator knows and offers. mutual is the secret that the target has to prove."""

    user: str
    secret: str
    algorithms: tuple[int, ...] = (MD5,)
    mutual: str = ""
    base64: bool = False
    reflect: bool = False  # sends the target's own challenge back (RFC 7143 section 9.2.1)

    def encode(self, value: bytes) -> str:
        return "0b" + base64.b64encode(value).decode() if self.base64 else "0x" + value.hex()


@dataclass
class Proof:
    """What was agreed: the algorithm and whether the target proved its secret."""

    algorithm: int
    challenge: bytes
    target_user: str | None = None
    target_proved: bool = False


def login(connection: Connection, target: str | None, chap: Chap) -> Proof:
    """Security stage with CHAP, then the operational stage. Raises LoginRefused."""
    first = connection.names(target) | {"AuthMethod": "CHAP"}
    _, answer = connection.login_step(first, csg=SECURITY, transit=False)
    assert answer["AuthMethod"] == "CHAP", answer
    offer = {"CHAP_A": ",".join(map(str, chap.algorithms))}
    _, answer = connection.login_step(offer, csg=SECURITY, transit=False)
    proof = Proof(int(answer["CHAP_A"]), decode(answer["CHAP_C"]))
    assert proof.algorithm in chap.algorithms, "the target chose what was not offered"
    keys, own = _answer(chap, proof, int(answer["CHAP_I"]))
    _, answer = connection.login_step(keys, csg=SECURITY, nsg=OPERATIONAL)
    if chap.mutual and "CHAP_R" in answer:
        proof.target_user = answer["CHAP_N"]
        proof.target_proved = decode(answer["CHAP_R"]) == response(
            proof.algorithm, 7, chap.mutual, own
        )
    connection.finish_login({"MaxRecvDataSegmentLength": "262144"}, {})
    return proof


def _answer(chap: Chap, proof: Proof, identifier: int) -> tuple[dict[str, str], bytes]:
    """CHAP_N and CHAP_R and, for mutual authentication, our own challenge."""
    proved = response(proof.algorithm, identifier, chap.secret, proof.challenge)
    keys = {"CHAP_N": chap.user, "CHAP_R": chap.encode(proved)}
    own = proof.challenge if chap.reflect else os.urandom(24)
    if chap.mutual or chap.reflect:
        keys |= {"CHAP_I": "7", "CHAP_C": chap.encode(own)}
    return keys, own
