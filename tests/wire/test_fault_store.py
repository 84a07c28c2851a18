# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk on the fault store, told by tgtadm to misbehave, as an initiator sees it (doc/fault-store.md)."""

from __future__ import annotations

import json
import time
from typing import Callable

import pytest

from lib import scsi
from lib.daemon import AdmError, Daemon, Target
from lib.iscsi import Connection
from lib.wire import Connect, MakeTarget, open_session

LUN = "1"
SYNCHRONIZE_CACHE = bytes([0x35, *[0] * 9])
OLD, NEW = b"o" * 4096, b"n" * 4096


class Disk:
    """LUN 1 of a target of its own, on a file below a fault store."""

    def __init__(self, daemon: Daemon, target: Target, engine: str) -> None:
        self.daemon = daemon
        self.target = target
        self.file = daemon.dir / f"fault-{target.tid}"
        self.file.write_bytes(bytes(1 << 20))
        self._lun("new", "--bstype", "fault", "-b", str(self.file), "--bsopts", f"engine={engine}")

    def _lun(self, op: str, *args: str) -> None:
        self.daemon.adm(
            "-m", "logicalunit", "-o", op, "-t", str(self.target.tid), "-l", LUN, *args
        )

    def set(self, params: str) -> None:
        self._lun("update", "--params", params)

    def shown(self) -> dict[str, str]:
        shown = json.loads(self.daemon.adm("-m", "target", "-o", "show", "--json"))
        targets = shown if isinstance(shown, list) else shown["targets"]
        target = next(one for one in targets if one["tid"] == self.target.tid)
        lun = next(one for one in target["luns"] if one["lun"] == int(LUN))
        return {one["name"]: one["value"] for one in lun["store"]["parameters"]}

    def wait_for(self, name: str, value: str) -> None:
        limit = time.monotonic() + 10
        while self.shown()[name] != value:
            assert time.monotonic() < limit, f"{name} is {self.shown()[name]}, not {value}"
            time.sleep(0.02)


@pytest.fixture(params=["rdwr", "aio"])
def disk(request: pytest.FixtureRequest, daemon: Daemon, make_target: MakeTarget) -> Disk:
    return Disk(daemon, make_target(disk=False), request.param)


@pytest.fixture
def user(connect: Connect, disk: Disk) -> Connection:
    return open_session(connect, disk.target)


def write(user: Connection, data: bytes, lba: int = 0) -> str:
    result = user.command(scsi.write10(lba, len(data) // 512), write=data)
    return "good" if result.status == scsi.GOOD else str(result.sense)


def read(user: Connection) -> str:
    result = user.command(scsi.read10(0, 8), edtl=4096)
    return "good" if result.status == scsi.GOOD else str(result.sense)


def test_a_disk_without_rules_works(user: Connection) -> None:
    assert write(user, OLD) == "good"
    assert user.read(0, 8) == OLD


@pytest.mark.parametrize(
    ("rule", "act", "sense"),
    [
        ("error:op=read:count=1", read, "3/1100"),
        ("error:op=write:count=1", lambda user: write(user, NEW), "3/0c00"),
        ("error:op=write:errno=ENOSPC:count=1", lambda user: write(user, NEW), "7/2707"),
        ("short:op=read:count=1", read, "3/1100"),
        ("short:op=write:bytes=512:count=1", lambda user: write(user, NEW), "7/2707"),
    ],
)
def test_errors_become_sense_data_until_the_rule_is_used_up(
    disk: Disk, user: Connection, rule: str, act: Callable[[Connection], str], sense: str
) -> None:
    disk.set(f"fault={rule}")
    assert act(user) == sense
    assert disk.shown()["hits"] == "1"
    assert act(user) == "good"


def test_a_short_write_leaves_its_beginning_on_the_medium(disk: Disk, user: Connection) -> None:
    write(user, OLD)
    disk.set("fault=short:op=write:bytes=512")
    assert write(user, NEW) == "7/2707"
    assert disk.file.read_bytes()[:4096] == NEW[:512] + OLD[512:]


def test_a_hung_write_lands_when_it_is_released(disk: Disk, user: Connection) -> None:
    disk.set("fault=hang:op=write:count=1")
    [pdu] = user.first_pdus(scsi.write10(0, 8), NEW)
    user.send(pdu)
    disk.wait_for("hung", "1")
    assert disk.file.read_bytes()[:4096] == bytes(4096)
    user.expect_silence(0.2)
    disk.set("release=all")
    assert user.finish(pdu.itt, NEW).status == scsi.GOOD
    assert disk.file.read_bytes()[:4096] == NEW
    assert disk.shown()["hung"] == "0"


def test_a_power_loss_takes_what_was_not_flushed(disk: Disk, user: Connection) -> None:
    """SBC-3 5.18: SYNCHRONIZE CACHE is the mark behind which nothing is lost."""
    disk.set("cache=on")
    write(user, OLD, 0)
    assert user.command(SYNCHRONIZE_CACHE).status == scsi.GOOD
    write(user, NEW, 0)
    write(user, NEW, 8)
    assert user.read(0, 16) == NEW + NEW
    assert disk.shown()["unflushed"] == "8192"
    disk.set("lose=all")
    assert user.read(0, 16) == OLD + bytes(4096)
    assert disk.file.read_bytes()[:8192] == OLD + bytes(4096)


def test_a_write_with_fua_outlives_the_power_loss(disk: Disk, user: Connection) -> None:
    """SBC-3 4.15: FUA brings the command's own blocks to the medium."""
    disk.set("cache=on")
    write(user, OLD, 8)
    cdb = bytearray(scsi.write10(0, 8))
    cdb[1] = 0x08
    assert user.command(bytes(cdb), write=NEW).status == scsi.GOOD
    disk.set("lose=all")
    assert user.read(0, 16) == NEW + bytes(4096)


def test_a_wrong_rule_is_refused_with_its_reason_and_changes_nothing(disk: Disk) -> None:
    disk.set("fault=delay:ms=1:op=read")
    with pytest.raises(AdmError) as refused:
        disk.set("fault=hang:opp=write")
    assert "'opp'" in refused.value.err and "cancellable" in refused.value.err
    assert disk.shown()["fault"] == "delay:op=read:ms=1"
