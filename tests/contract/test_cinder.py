# SPDX-License-Identifier: GPL-2.0-or-later
"""A replay of what OpenStack Cinder's tgt driver writes, runs and reads: one file for each volume, tgt-admin on it.

With our tgt-admin, and with the Perl one that a machine may still have.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import BUILD, TGTADM, Daemon
from lib.iscsi import Connection, LoginRefused

PREFIX = "iqn.2010-10.org.openstack:"
MIB = 1 << 20
TGT_ADMINS = {"ours": BUILD / "tgt-admin", "perl": Path("/usr/sbin/tgt-admin")}


class Failed(Exception):
    """A program ended with another status than 0."""

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr)
        self.stderr = stderr


class Driver:
    """The driver's steps on one volume service."""

    def __init__(self, daemon: Daemon, tgt_admin: Path) -> None:
        self._daemon = daemon
        self.volumes = daemon.dir / "volumes"
        self.volumes.mkdir()
        conf = daemon.dir / "targets.conf"
        conf.write_text(f"default-driver iscsi\ninclude {self.volumes}/*\n")
        tools = daemon.dir / "tools"
        tools.mkdir()
        (tools / "tgtadm").symlink_to(TGTADM)
        (tools / "tgt-admin").write_text(f'#!/bin/sh\nexec {tgt_admin} -c {conf} "$@"\n')
        (tools / "tgt-admin").chmod(0o755)
        self._env = {
            **os.environ,
            "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin",
            "TGT_IPC_SOCKET": str(daemon.dir / "socket"),
        }

    def execute(self, *command: str) -> str:
        run = subprocess.run(
            command, env=self._env, capture_output=True, text=True, timeout=60, check=False
        )
        if run.returncode:
            raise Failed(run.stderr)
        return run.stdout

    def tid_of(self, iqn: str) -> str | None:
        for line in self.execute("tgt-admin", "--show").split("\n"):
            if iqn in line:
                return line.split()[1][:-1]
        return None

    def has_lun_1(self, iqn: str, tid: str) -> bool:
        capture, lines = False, []
        for line in self.execute("tgt-admin", "--show").split("\n"):
            if iqn in line and f"Target {tid}" in line:
                capture = True
            if capture:
                lines.append(line)
            if iqn not in line and "Target " in line:
                capture = False
        return "        LUN: 1" in lines

    def export(self, volume: str, path: Path, chap: tuple[str, str] | None = None) -> str:
        iqn = PREFIX + volume
        user = f"incominguser {chap[0]} {chap[1]}" if chap else ""
        (self.volumes / volume).write_text(
            f"""
                <target {iqn}>
                    backing-store {path}
                    driver iscsi
                    {user}
                    write-cache on
                </target>
            """
        )
        self.execute("tgt-admin", "--update", iqn)
        tid = self.tid_of(iqn)
        assert tid is not None
        return tid

    def remove(self, volume: str) -> None:
        iqn = PREFIX + volume
        self.execute("tgt-admin", "--force", "--delete", iqn)
        if self.tid_of(iqn):
            self.execute("tgt-admin", "--delete", iqn)
        (self.volumes / volume).unlink()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running
        running.check_alive()


@pytest.fixture(params=TGT_ADMINS)
def driver(request: pytest.FixtureRequest, daemon: Daemon) -> Driver:
    return Driver(daemon, TGT_ADMINS[request.param])


def volume_file(daemon: Daemon, name: str) -> Path:
    file = daemon.dir / name
    file.write_bytes(bytes(4 * MIB))
    return file


def logs_in(daemon: Daemon, volume: str) -> bool:
    with Connection("127.0.0.1", daemon.port) as session:
        try:
            session.login(PREFIX + volume)
        except LoginRefused:
            return False
        return True


def test_a_volume_is_exported_and_removed(daemon: Daemon, driver: Driver) -> None:
    tid = driver.export("volume-1", volume_file(daemon, "one"))
    assert driver.has_lun_1(PREFIX + "volume-1", tid)
    assert logs_in(daemon, "volume-1")
    driver.remove("volume-1")
    assert driver.tid_of(PREFIX + "volume-1") is None


def test_another_volume_leaves_the_sessions_of_the_first_alone(
    daemon: Daemon, driver: Driver
) -> None:
    driver.export("volume-1", volume_file(daemon, "one"))
    with Connection("127.0.0.1", daemon.port) as session:
        session.login(PREFIX + "volume-1")
        session.settle()
        driver.export("volume-2", volume_file(daemon, "two"))
        driver.remove("volume-2")
        assert session.read(0, 1) == bytes(512)


def test_a_volume_with_chap_lets_nobody_in_without(daemon: Daemon, driver: Driver) -> None:
    driver.export("volume-1", volume_file(daemon, "one"), chap=("cinderuser", "cindersecret1"))
    assert not logs_in(daemon, "volume-1")
    text = driver.execute("tgt-admin", "--show")
    assert re.search(r"Account information:\n +cinderuser\n", text)


def test_a_volume_in_use_is_removed_by_force(daemon: Daemon, driver: Driver) -> None:
    driver.export("volume-1", volume_file(daemon, "one"))
    with Connection("127.0.0.1", daemon.port) as session:
        session.login(PREFIX + "volume-1")
        driver.remove("volume-1")
        session.expect_closed()


def test_a_volume_exported_again_is_the_same_target(daemon: Daemon, driver: Driver) -> None:
    file = volume_file(daemon, "one")
    first = driver.export("volume-1", file)
    assert driver.export("volume-1", file) == first


def test_a_lost_lun_is_made_again_with_tgtadm(daemon: Daemon, driver: Driver) -> None:
    file = volume_file(daemon, "one")
    tid = driver.export("volume-1", file)
    driver.execute(
        *("tgtadm", "--lld", "iscsi", "--op", "delete", "--mode", "logicalunit"),
        *("--tid", tid, "--lun", "1"),
    )
    assert not driver.has_lun_1(PREFIX + "volume-1", tid)
    driver.execute(
        *("tgtadm", "--lld", "iscsi", "--op", "new", "--mode", "logicalunit"),
        *("--tid", tid, "--lun", "1", "-b", str(file)),
    )
    assert driver.has_lun_1(PREFIX + "volume-1", tid)


def test_what_the_driver_looks_for_in_errors_is_there(daemon: Daemon, driver: Driver) -> None:
    driver.export("volume-1", volume_file(daemon, "one"))
    for words, text in (
        (
            ("--op", "new", "--mode", "target", "--tid", "1", "-T", PREFIX + "volume-1"),
            "target already exists",
        ),
        (("--op", "delete", "--mode", "target", "--tid", "9"), "can't find the target"),
        (
            ("--op", "unbind", "--mode", "target", "--tid", "1", "-I", "10.0.0.1"),
            "access control rule does not exist",
        ),
    ):
        with pytest.raises(Failed) as failed:
            driver.execute("tgtadm", "--lld", "iscsi", *words)
        assert text in failed.value.stderr
