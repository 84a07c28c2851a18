# SPDX-License-Identifier: GPL-2.0-or-later
"""tgt-setup-lun against the shell script of Debian's tgt, each with a daemon of its own.

A series of runs goes to both; what they print, their exit statuses and what the daemons show in the end
are the same. The differences are the tests below, each with its reason.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import BUILD, SANITIZER_ENV, TGTADM, Daemon, free_port

ORACLE = "/usr/sbin/tgt-setup-lun"
OURS = str(BUILD / "tgt-setup-lun")
PREFIX = f"iqn.2001-04.com.{socket.gethostname().split('.')[0]}-"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("disks") / "disk"
    with path.open("wb") as new:
        new.truncate(8 << 20)
    return path


@pytest.fixture()
def daemon() -> Iterator[Daemon]:
    with Daemon() as one:
        yield one


def run(program: str, prefix: Path, words: list[str], answer: str = "") -> tuple[int, str, str]:
    """Exit status, standard output, standard error. tgt's script finds our tgtadm as `tgtadm`."""
    folder = prefix.parent / "bin"
    if program == ORACLE and not folder.exists():
        folder.mkdir()
        (folder / "tgtadm").symlink_to(TGTADM)
    env = {**os.environ, **SANITIZER_ENV, "TGT_IPC_SOCKET": str(prefix), "LC_ALL": "C"}
    env["PATH"] = f"{folder}:{env['PATH']}:/usr/sbin"
    done = subprocess.run(
        [program, *words], input=answer, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def ours(daemon: Daemon, line: str, answer: str = "") -> tuple[int, str, str]:
    return run(OURS, daemon.dir / "socket", shlex.split(line), answer)


# Answer to the question, if any, then the command line; {d} is a disk. An empty line: all targets are
# removed, for the script starts four processes for each line of a listing.
SERIES = """
| -n a
| -n b -d {d}.none
| -n a_b -d {d}
| -n e -d {d} -b nosuchstore
| -n i -d {d} -B 3
| -d {d} -b rdwr -n a
| -n a -d {d}
yes| -n a -d {d}
YES| -n a -d {d}

| -n c -d {d} -b rdwr 10.0.0.1 10.0.0.2
yes| -n c -d {d} 10.0.0.1 10.0.0.3
yes| -n c -d {d}.none
yes| -n c -d {d}

| -n f -d x -b null
| -n iqn.2001-04.org.example:g -d {d} -t iscsi
yes| -n iqn.2001-04.org.example:g -d {d}

| -n j -d {d} -B 512 -C 0 -- 10.0.0.1

| -n k -d {d} -b ''
yes| -n k -d {d} ALL

| -n l -d {d} fe80::1 10.0.0.0/8 ALL
"""


def clear(daemon: Daemon) -> str:
    """Removes every target; what was there."""
    shown = daemon.adm("-m", "target", "-o", "show")
    for tid in range(1, shown.count("Target ") + 1):
        daemon.adm("-m", "target", "-o", "delete", "-t", str(tid))
    return shown


def whole_series(program: str, disk: Path) -> list[object]:
    """What each line of the series gave, and what the daemon shows in the end."""
    outcomes: list[object] = []
    with Daemon() as daemon:
        for line in SERIES.strip().splitlines():
            if not line:
                outcomes.append(clear(daemon))
                continue
            answer, words = line.replace("{d}", str(disk)).split("|")
            done = run(program, daemon.dir / "socket", shlex.split(words), answer + "\n")
            outcomes.append((line, *done))
        outcomes.append(clear(daemon))
    return outcomes


def test_the_same_as_tgts_script(disk: Path) -> None:
    for mine, theirs in zip(whole_series(OURS, disk), whole_series(ORACLE, disk), strict=True):
        assert mine == theirs


def test_usage(daemon: Daemon) -> None:
    """-h without a word behind it is usage, too; tgt's script takes a word for it."""
    for line, status in (("", 1), ("-h", 1), ("--help", 0)):
        done = ours(daemon, line)
        assert done[0] == status and done[1].startswith("usage:\n"), line
        assert done[2] == ""


def test_without_a_daemon(tmp_path: Path, disk: Path) -> None:
    """tgt's script asks whether any tgtd runs; this one asks the one that is meant."""
    done = run(OURS, tmp_path / "socket", ["-n", "a", "-d", str(disk)])
    assert done == (1, "tgtd is not running\nExiting...\n", "")


@pytest.mark.parametrize(
    "line,out",
    [
        # tgt's script looks at the name and the driver only when the device is missing.
        ("-d {d}", "Error: target name is mandatory\n"),
        ("-d {d} -n a -t ''", "Error: lld name empty\n"),
        # It hands these on and makes a target for nothing, or ignores them.
        ("-d {d} -n a -B x", "Error: -B argument value 'x' invalid\n"),
        ("-d {d} -n a -C 99999", "Error: -C argument value '99999' out of range\n"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    daemon: Daemon, disk: Path, line: str, out: str
) -> None:
    assert ours(daemon, line.format(d=disk)) == (1, out, "")
    assert daemon.adm("-m", "target", "-o", "show") == ""


def test_an_unknown_option_ends_it(daemon: Daemon, disk: Path) -> None:
    """tgt's script goes on without it."""
    status, out, err = ours(daemon, f"-n a -d {disk} -z")
    assert (status, out) == (1, "") and err.endswith("invalid option -- 'z'\n")
    assert daemon.adm("-m", "target", "-o", "show") == ""


def test_the_store_null_needs_no_device(daemon: Daemon) -> None:
    """The script's check lets it pass, then tgtadm takes the next option for the path."""
    status, _out, err = ours(daemon, "-n a -b null")
    assert (status, err) == (0, "")
    assert "Backing store type: null" in daemon.adm("-m", "target", "-o", "show")


def test_an_initiator_that_cannot_be_admitted_is_a_failure(daemon: Daemon, disk: Path) -> None:
    """The script ends with status 0. The others are admitted in either case."""
    status, out, err = ours(daemon, f"-n a -d {disk} host.example 10.0.0.1 10.0.0.1")
    assert status == 1 and out.endswith(
        "Error: could not assign initiator host.example to the target\n"
    )
    assert err.startswith("tgtadm: invalid request\n") and err.count("invalid request") == 1
    assert daemon.adm("-m", "target", "-o", "show").endswith(
        "ACL information:\n        10.0.0.1\n"
    )


def test_a_target_of_hosts_is_made_without_rules(daemon: Daemon, disk: Path) -> None:
    """The script knows no such driver."""
    status, out, err = ours(daemon, f"-n a -d {disk} -t loop")
    assert (status, err) == (0, "")
    assert out.endswith("tgtadm --lld loop --mode target --op bind --tid 1 --host NUMBER\n")
    assert daemon.adm("-m", "target", "-o", "show").endswith("ACL information:\n")


def test_a_rule_is_compared_as_a_whole(daemon: Daemon, disk: Path) -> None:
    """For the script 10.0.0.0 is there already as a part of 10.0.0.0/24."""
    ours(daemon, f"-n a -d {disk} 10.0.0.0/24")
    assert ours(daemon, f"-n a -d {disk} 10.0.0.0", "yes\n")[0] == 0
    assert daemon.adm("-m", "target", "-o", "show").endswith("10.0.0.0/24\n        10.0.0.0\n")


def test_a_path_with_blanks(daemon: Daemon, disk: Path) -> None:
    """The script splits it."""
    odd = disk.parent / "my disk, 1"
    odd.write_bytes(bytes(1 << 20))
    assert ours(daemon, f"-n a -d '{odd}'")[0] == 0
    assert f"Backing store path: {odd}\n" in daemon.adm("-m", "target", "-o", "show")


def test_more_than_255_targets(daemon: Daemon, disk: Path) -> None:
    """The script hands numbers over as exit statuses of shell functions."""
    for tid in range(1, 301):
        daemon.adm("-m", "target", "-o", "new", "-t", str(tid), "-T", f"iqn.2001-04.org:{tid}")
    assert "tid=301)\n" in ours(daemon, f"-n a -d {disk}")[1]
    assert f"Target 301: {PREFIX}a\n" in daemon.adm("-m", "target", "-o", "show")


def test_many_at_once_take_different_numbers(daemon: Daemon, disk: Path) -> None:
    """The script's runs share one temporary file."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda i: ours(daemon, f"-n t{i} -d {disk}"), range(12)))
    assert {status for status, _, _ in done} == {0}
    shown = daemon.adm("-m", "target", "-o", "show")
    assert shown.count("Target ") == 12 and shown.count("        LUN: 1\n") == 12


def test_tgts_own_daemon(tmp_path: Path, disk: Path) -> None:
    prefix = tmp_path / "socket"
    env = {**os.environ, "TGT_IPC_SOCKET": str(prefix)}
    tgtd = ["/usr/sbin/tgtd", "-f", "-C", "0", "--iscsi", f"portal=127.0.0.1:{free_port()}"]
    with subprocess.Popen(tgtd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as it:
        try:
            while not Path(f"{prefix}.0").exists():
                assert it.poll() is None
                time.sleep(0.02)
            outcomes = []
            for program, name in ((ORACLE, "left"), (OURS, "right")):
                for answer in ("", "yes\n"):
                    words = ["-n", name, "-d", str(disk), "10.0.0.1", "10.0.0.2"]
                    status, out, err = run(program, prefix, words, answer)
                    outcomes.append((status, out.replace(name, ""), err))
            assert outcomes[0][1].replace("tid=1", "tid=2") == outcomes[2][1]
            assert outcomes[1][1].replace("tid=1", "tid=2") == outcomes[3][1]
            assert {(status, err) for status, _, err in outcomes} == {(0, "")}
        finally:
            it.kill()
