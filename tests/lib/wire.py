# SPDX-License-Identifier: GPL-2.0-or-later
"""What most scripted-PDU tests do: open a session, see how something was refused, see that others are served."""

from __future__ import annotations

from typing import Callable

from lib.daemon import Target
from lib.iscsi import Closed, Connection, Silence
from lib.pdu import Op, Pdu
from lib.scsi import CHECK_CONDITION, Sense

Connect = Callable[..., Connection]
MakeTarget = Callable[..., Target]


def open_session(
    connect: Connect, target: Target, keys: dict[str, str] | None = None, **options: object
) -> Connection:
    """Logs in to LUN 1 and takes the unit attentions away."""
    connection = connect(**options)
    connection.login(target.name, keys)
    connection.settle()
    return connection


def refusal(connection: Connection, task: int | None = None, timeout: float = 5.0) -> str:
    """How the target refused: `reject XX`, `closed` or `check K/CODE`. Fails when it did not.

    RFC 7143 leaves a target at ErrorRecoveryLevel 0 the choice between Reject and session failure for most
    protocol errors (sections 7.1.4.2, 7.8, 7.9); what it may not do is to carry the request out or to stay silent.
    """
    while True:
        try:
            pdu = connection.recv_task(timeout)
        except Closed:
            return "closed"
        except Silence:
            raise AssertionError("the target neither refused nor closed") from None
        if pdu.opcode == Op.REJECT:
            return f"reject {pdu.bhs[2]:02x}"
        if pdu.opcode == Op.ASYNC or pdu.opcode == Op.R2T or (task is not None and pdu.itt != task):
            continue
        return _check_condition(pdu)


def _check_condition(pdu: Pdu) -> str:
    assert pdu.opcode == Op.SCSI_RESPONSE, f"not refused: {pdu!r}"
    if pdu.bhs[2]:
        return f"failure {pdu.bhs[2]:02x}"
    assert pdu.bhs[3] == CHECK_CONDITION, f"not refused: {pdu!r}"
    return f"check {Sense.parse(pdu.data[2:])}"


def still_serves(connect: Connect, target: Target) -> None:
    """A fresh session works: what the test did hurt nobody else."""
    with connect() as fresh:
        fresh.login(target.name)
        fresh.settle()
        fresh.logout()
