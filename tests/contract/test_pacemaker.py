# SPDX-License-Identifier: GPL-2.0-or-later
"""Pacemaker's agents ocf:heartbeat:iSCSITarget and iSCSILogicalUnit (implementation tgt) drive the daemon."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import TGTADM, Daemon
from lib.iscsi import Connection

AGENTS = Path("/usr/lib/ocf/resource.d/heartbeat")
IQN = "iqn.2001-04.org.example:cluster"
TID, LUN = 7, 3
MIB = 1 << 20
# The agent interface's exit codes.
SUCCESS, ERR_GENERIC, ERR_CONFIGURED, NOT_RUNNING = 0, 1, 6, 7


class Agent:
    """One resource: an agent and its parameters, run as the cluster manager would run it."""

    def __init__(self, daemon: Daemon, name: str, **parameters: object) -> None:
        tools = daemon.dir / "tools"
        tools.mkdir(exist_ok=True)
        if not (tools / "tgtadm").exists():
            (tools / "tgtadm").symlink_to(TGTADM)
        self._path = AGENTS / name
        self._env = {
            **os.environ,
            "LC_ALL": "C",
            "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin",
            "TGT_IPC_SOCKET": str(daemon.dir / "socket"),
            "OCF_ROOT": "/usr/lib/ocf",
            "OCF_RESOURCE_INSTANCE": f"test-{name}",
            "OCF_RESKEY_CRM_meta_timeout": "20000",
            "HA_RSCTMP": str(daemon.dir),
            "HA_logfile": "/dev/null",
            "HA_debuglog": "/dev/null",
            "OCF_RESKEY_implementation": "tgt",
            **{f"OCF_RESKEY_{key}": str(value) for key, value in parameters.items()},
        }

    def __call__(self, action: str, status: int = SUCCESS) -> str:
        run = subprocess.run(
            [self._path, action],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = run.stdout + run.stderr
        assert run.returncode == status, f"{self._path.name} {action}: {run.returncode}\n{said}"
        return said


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running
        running.check_alive()


@pytest.fixture
def disk(daemon: Daemon) -> Path:
    file = daemon.dir / "cluster.img"
    with file.open("wb") as new:
        new.truncate(16 * MIB)
    return file


def target(daemon: Daemon, **more: object) -> Agent:
    # Without allowed_initiators this agent makes no rule, and then nobody may log in.
    return Agent(
        daemon, "iSCSITarget", **{"iqn": IQN, "tid": TID, "allowed_initiators": "ALL", **more}
    )


def unit(daemon: Daemon, disk: Path, **more: object) -> Agent:
    return Agent(daemon, "iSCSILogicalUnit", target_iqn=IQN, lun=LUN, path=disk, **more)


def shown(daemon: Daemon) -> str:
    return daemon.adm("--lld", "iscsi", "--op", "show", "--mode", "target")


def test_a_target_starts_is_seen_and_stops(daemon: Daemon) -> None:
    agent = target(daemon)
    agent("validate-all")
    agent("monitor", NOT_RUNNING)
    agent("start")
    agent("monitor")
    assert f"Target {TID}: {IQN}" in shown(daemon)
    assert re.search(r"ACL information:\n +ALL\n", shown(daemon))
    agent("start")  # once more changes nothing
    agent("stop")
    agent("monitor", NOT_RUNNING)
    agent("stop")
    assert shown(daemon) == ""


def test_parameters_initiators_and_an_account_reach_the_target(daemon: Daemon) -> None:
    agent = target(
        daemon,
        additional_parameters="MaxBurstLength=65536 HeaderDigest=CRC32C",
        allowed_initiators="127.0.0.1 10.1.0.0/16",
        incoming_username="alice",
        incoming_password="alice-secret-1",
    )
    agent("start")
    parameters = daemon.adm("--op", "show", "--mode", "target", "--tid", str(TID))
    assert "MaxBurstLength=65536\n" in parameters
    assert "HeaderDigest=CRC32C\n" in parameters
    text = shown(daemon)
    assert "Account information:\n        alice\n" in text
    assert "ACL information:\n        127.0.0.1\n        10.1.0.0/16\n" in text
    agent("stop")
    assert daemon.adm("--op", "show", "--mode", "account") == ""


def test_a_parameter_that_tgt_refuses_is_an_error_of_the_start(daemon: Daemon) -> None:
    target(daemon, additional_parameters="MaxBurstLength=17")("start", ERR_GENERIC)


def test_stopping_a_target_ends_the_sessions_that_use_it(daemon: Daemon) -> None:
    agent = target(daemon)
    agent("start")
    with Connection("127.0.0.1", daemon.port) as session:
        session.login(IQN)
        assert "I_T nexus:" in shown(daemon)
        agent("stop")
        assert session.expect_closed() is not None
    assert shown(daemon) == ""


def test_a_logical_unit_starts_is_seen_and_stops(daemon: Daemon, disk: Path) -> None:
    target(daemon)("start")
    agent = unit(daemon, disk)
    agent("validate-all")
    agent("monitor", NOT_RUNNING)
    agent("start")
    agent("monitor")
    assert f"LUN: {LUN}\n" in shown(daemon)
    agent("stop")
    agent("monitor", NOT_RUNNING)
    assert f"LUN: {LUN}\n" not in shown(daemon)


def test_identity_store_and_flags_reach_the_logical_unit(daemon: Daemon, disk: Path) -> None:
    target(daemon)("start")
    unit(
        daemon,
        disk,
        scsi_id="cluster-disk-1",
        scsi_sn="sn-0001",
        vendor_id="ACME",
        product_id="Cluster",
        tgt_bstype="aio",
        tgt_bsoflags="direct",  # the agent drops it for aio
        tgt_device_type="disk",
    )("start")
    text = shown(daemon)
    assert "SCSI ID: cluster-disk-1\n" in text
    assert "SCSI SN: sn-0001\n" in text
    assert "Backing store type: aio\n" in text
    assert f"Backing store path: {disk}\n" in text


def test_a_logical_unit_without_its_target_or_its_file_is_not_running(
    daemon: Daemon, disk: Path
) -> None:
    unit(daemon, disk)("monitor", NOT_RUNNING)
    target(daemon)("start")
    unit(daemon, daemon.dir / "missing")("monitor", NOT_RUNNING)


def test_lun_0_is_refused_by_the_agent(daemon: Daemon, disk: Path) -> None:
    Agent(daemon, "iSCSILogicalUnit", target_iqn=IQN, lun=0, path=disk)(
        "validate-all", ERR_CONFIGURED
    )


def test_a_logical_unit_in_use_can_be_stopped(daemon: Daemon, disk: Path) -> None:
    target(daemon)("start")
    agent = unit(daemon, disk)
    agent("start")
    with Connection("127.0.0.1", daemon.port) as session:
        session.login(IQN)
        agent("stop")
    assert f"LUN: {LUN}\n" not in shown(daemon)
