# SPDX-License-Identifier: GPL-2.0-or-later
"""bash completion: the functions of dist/bash-completion/tgt are called as bash calls them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import BUILD, SANITIZER_ENV, TREE, Daemon

FILE = TREE / "dist/bash-completion/tgt"
CALL = """
source "$1"; COMP_LINE=$2 COMP_POINT=${#2} command=${2%% *}
function=$(complete -p "$command" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function "$command"
printf '%s\\n' "${COMPREPLY[@]}"
"""
IQN = "iqn.2001-04.org.example:"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as one:
        one.add_target(7)
        one.add_target(12, acl="10.0.0.0/8")
        one.add_disk(7, 1, 1 << 20)
        for user in ("alice", "$(reboot)", "*", "a;b"):  # the shell would do things with all but one
            one.adm("-m", "account", "-o", "new", "-u", user, "-p", "secret")
        yield one


def complete(line: str, daemon: Daemon | None = None) -> set[str]:
    env = {**os.environ, **SANITIZER_ENV, "PATH": f"{BUILD}:{os.environ['PATH']}"}
    env["TGT_IPC_SOCKET"] = str(daemon.dir / "socket") if daemon else "/nonexistent"
    done = subprocess.run(
        ["bash", "--norc", "-c", CALL, "bash", FILE, line],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


@pytest.mark.parametrize(
    "line,words",
    [
        ("tgtadm --mode tar", {"target"}),
        ("tgtadm --mode=log", {"logicalunit"}),
        ("tgtadm -m lu --op ", {"new", "delete", "update", "stat"}),
        ("tgtadm --mode system --op update --name log", {"log-level"}),
        ("tgtadm -m sys -o update -n log-level -v iscsi=d", {"debug"}),
        ("tgtadm -m lu -o update -P readonly=1,mode", {"1,mode_page="}),
        ("tgtadm --device-type c", {"cd", "changer"}),
        ("tgtadm -m host -o m", {"monitor"}),
        ("tgtadm --lld loop -m host -o new -P q", {"queues="}),
        ("tgtd --io-engine u", {"uring"}),
        ("tgtd --iscsi portal=1.2.3.4,nop_i", {"1.2.3.4,nop_interval="}),
        ("tgtimg -Y disk -t ", {"disk"}),
        ("tgtimg --device-type=cd --type=", {"dvd+r"}),
        ("tgtimg --thin", {"--thin-provisioning"}),
        ("tgtimg -m lto-", set()),
        ("tgtimg --media LTO-8", {"LTO-8"}),
        ("tgt-admin --delete A", {"ALL"}),
        ("tgt-setup-lun -b x -", {"-n", "-d", "-b", "-B", "-t", "-C", "-h", "--help", "--version"}),
    ],
)
def test_without_a_daemon(line: str, words: set[str]) -> None:
    assert complete(line) == words


@pytest.mark.parametrize(
    "line,words",
    [
        ("tgtadm --mode target --op delete --tid ", {"7", "12"}),
        ("tgtadm -m lu -o new -t 7 -l ", {"2"}),
        ("tgtadm -m lu -o delete -t 7 -l ", {"0", "1"}),
        ("tgtadm -m lu -o new -E rd", {"rdwr"}),
        ("tgtadm -m target -o unbind -t 12 -I ", {"10.0.0.0/8"}),
        ("tgtadm -m target -o update -t 7 -n MaxQ", {"MaxQueueCmd"}),
        ("tgtadm -m account -o delete -u ", {"alice"}),
        ("tgtadm -L i", {"iscsi"}),
        ("tgtadm -C 9 -m target -o delete -t ", set()),
        (f"tgt-admin --update {IQN}", {"t7", "t12"}),  # bash's own word begins behind the colon
        ("tgt-admin --offline tid=", {"7", "12"}),
        ("tgt-setup-lun -n iqn", {f"{IQN}t7", f"{IQN}t12"}),
        ("tgt-setup-lun -b nu", {"null"}),
        ("tgt-setup-library -m LTO-8", {"LTO-8"}),
        ("tgt-setup-library --personality ibm-35", {"ibm-3584", "ibm-3573"}),
        ("tgt-setup-library --dr", {"--drives", "--drive-personality", "--dry-run"}),
    ],
)
def test_what_the_daemon_knows(daemon: Daemon, line: str, words: set[str]) -> None:
    assert complete(line, daemon) == words


def test_nothing_of_the_line_is_run(daemon: Daemon, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    assert complete(f"tgtadm -m lu -o delete -t /etouch${{IFS}}{ran};# -l ", daemon) == set()
    assert not ran.exists()


def test_an_operation_is_offered_only_what_it_takes() -> None:
    offered = complete("tgtadm --mode account --op bind --")
    assert {"--tid", "--user", "--outgoing", "--control-port"} <= offered
    assert not offered & {"--lun", "--password", "--backing-store"}


def test_files_are_offered(tmp_path: Path) -> None:
    (tmp_path / "a disk").touch()
    assert complete(f"tgtadm -m lu -o new -b {tmp_path}/a") == {f"{tmp_path}/a disk"}
    assert complete(f"tgtimg --file={tmp_path}/a") == {f"{tmp_path}/a disk"}


def test_tgtadm_offers_every_option() -> None:
    table = (TREE / "usr/tgtadm/options.cc").read_text()
    names = set(re.findall(r'^    \{"([a-z-]+)", ', table, re.MULTILINE))
    assert complete("tgtadm --") == {f"--{name}" for name in names}


@pytest.mark.parametrize("program", ["tgtd", "tgtimg", "tgt-admin"])
def test_every_option_of_the_help_is_offered(program: str) -> None:
    shown = subprocess.run([BUILD / program, "--help"], capture_output=True, text=True, check=True)
    names = set(re.findall(r"^ *(?:-\w, )?(--[a-z_-]+)", shown.stdout, re.MULTILINE))
    assert complete(f"{program} --") == names


def test_every_operation_has_its_options() -> None:
    """The table of the completion has the verbs of the program's rules, with the same options."""
    rules = (TREE / "usr/tgtadm/rules.cc").read_text()
    options = (TREE / "usr/tgtadm/options.cc").read_text()
    letters: dict[str, set[str]] = {}
    for name, rule in re.findall(r'\{"([a-z-]+)", \S+, \S+ \'(\w)\'', options):
        letters.setdefault(rule, set()).add(f"--{name}")
    for mode, op, allowed in re.findall(r'\{Mode::(\w+), Op::([a-z]+)_?, "(\w*)"', rules):
        want = set().union(*(letters[letter] for letter in allowed)) if allowed else set()
        always = complete("tgtadm --mode system --op show --")
        offered = complete(f"tgtadm --mode {mode} --op {op} --") - always
        given = want - always - {"--mode", "--op"}
        # What an operation allows without use for it, as tgt does, is not offered.
        useless = {"--bsoflags", "--blocksize"} if (mode, op) != ("logicalunit", "new") else set()
        assert offered == given - useless, (mode, op)
