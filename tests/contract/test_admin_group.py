# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may manage: root, and the members of `tgtd --admin-group`; others are told what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import TGTADM, TGTD, Daemon

TGTS_TGTADM = Path("/usr/sbin/tgtadm")
USER, GROUP, MEMBERS = 54321, 54322, 54323  # nobody has these numbers
NOT_CONNECTED = "tgtadm: failed to send request hdr to tgt daemon, Transport endpoint is not connected\n"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon(options=["--admin-group", str(MEMBERS)]) as daemon:
        daemon.dir.chmod(0o755)
        program = daemon.dir / "tgtadm"  # where another user can reach it
        shutil.copy(TGTADM, program)
        program.chmod(0o755)
        yield daemon


def show(daemon: Daemon, groups: str, program: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What `--op show` gives a user with these groups."""
    return subprocess.run(
        ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", groups]
        + [str(program or daemon.dir / "tgtadm"), "-m", "target", "-o", "show"],
        env={**os.environ, "TGT_IPC_SOCKET": str(daemon.dir / "socket")},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("program", [None, TGTS_TGTADM], ids=["ours", "tgt's"])
def test_members_of_the_group_manage(daemon: Daemon, program: Path | None) -> None:
    target = daemon.add_target()
    run = show(daemon, f"--groups={MEMBERS}", program)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"Target 1: {target.name}\n")


def test_others_are_told_whom_to_ask(daemon: Daemon) -> None:
    run = show(daemon, "--clear-groups")
    reason = f"tgtadm: reason: you may not manage this daemon ({daemon.dir}/socket.0): be root, or in group {MEMBERS}\n"
    assert (run.returncode, run.stdout, run.stderr) == (107, "", NOT_CONNECTED + reason)


def test_others_see_of_it_what_they_see_of_tgt(daemon: Daemon) -> None:
    run = show(daemon, "--clear-groups", TGTS_TGTADM)
    assert (run.returncode, run.stdout, run.stderr) == (107, "", NOT_CONNECTED)


def test_the_peers_groups_count_and_not_only_the_sockets_mode(daemon: Daemon) -> None:
    """Whoever gets past the file's mode and is no member is not served: the socket is closed without an answer."""
    daemon.add_target()
    (daemon.dir / "socket.0").chmod(0o666)
    for program in (None, TGTS_TGTADM):
        assert show(daemon, "--clear-groups", program).stdout == ""
    assert "a management connection of another user was closed" in daemon.log_text()


def test_without_the_option_it_is_root_alone() -> None:
    with Daemon() as daemon:
        socket_file = (daemon.dir / "socket.0").stat()
        assert socket_file.st_mode & 0o777 == 0o600


def test_a_group_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    run = subprocess.run(
        [TGTD, "-f", "--admin-group", "no such group"],
        env={**os.environ, "TGT_IPC_SOCKET": str(tmp_path / "socket")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 1
    assert "there is no group 'no such group'" in run.stderr
