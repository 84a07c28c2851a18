# SPDX-License-Identifier: GPL-2.0-or-later
"""tgt-admin beside Debian's, which is a Perl script that runs tgtadm: the same files and options against the same
daemon, and each of the two with the other's daemon."""

from __future__ import annotations

import difflib
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import BUILD, TGTADM, Daemon
from lib.iscsi import Connection, LoginRefused

OURS = BUILD / "tgt-admin"
PERLS = Path("/usr/sbin/tgt-admin")
TGTS_TGTD = Path("/usr/sbin/tgtd")
TGTS_TGTADM = Path("/usr/sbin/tgtadm")
MIB = 1 << 20

# Why something is not as with the Perl one of tgt 1.0.85. Numbers are those of the list of tgt's quirks.
REASONS = {
    "1.0.97": "tgt 1.0.97 does so, 1.0.85 did not",
    "twice": "two LUNs on one medium in one run: the Perl one sees it only when it does not pretend",
    "process": "who uses a medium is said",
    "directive": "a directive that tgt does not have",
    "target-level": "what is for logical units may stand in the target, too",
    "discovery": "an account that is bound to discovery is not bound again, which would fail",
    "diff": "--update changes what differs, instead of making the target anew",
    "command": "what fails first without a daemon is asking for its state; nothing of that is taken for success",
    "option": "an option that does not exist is refused instead of being ignored",
}


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


class Machine:
    """A daemon, files for it, and both programs."""

    def __init__(self, daemon: Daemon, tgtadm: Path) -> None:
        self.daemon = daemon
        self.dir = daemon.dir
        tools = daemon.dir / "tools"
        tools.mkdir()
        (tools / "tgtadm").symlink_to(tgtadm)
        self._env = {
            **os.environ,
            "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin",
            "TGT_IPC_SOCKET": str(daemon.dir / "socket"),
        }
        for name in "abc":
            with (self.dir / name).open("wb") as file:
                file.truncate(4 * MIB)

    def run(self, program: Path, *args: str, conf: str | None = None) -> Ran:
        if conf is not None:
            file = self.dir / "targets.conf"
            file.write_text(conf.replace("DIR", str(self.dir)))
            args = ("-c", str(file), *args)
        done = subprocess.run(
            [str(program), *args],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def good(self, program: Path, *args: str, conf: str | None = None) -> str:
        ran = self.run(program, *args, conf=conf)
        assert ran.status == 0, f"{program} {args}: exit {ran.status}\n{ran.out}{ran.err}"
        return ran.out

    def commands(self, *args: str, conf: str) -> list[str]:
        """What our program sends."""
        out = self.good(OURS, "-v", *args, conf=conf)
        return [line for line in out.split("\n") if line.startswith("tgtadm ")]

    def show(self) -> str:
        return self.daemon.adm("-m", "target", "-o", "show")

    def clear(self) -> None:
        self.good(OURS, "--delete", "ALL", "--force")
        shown = self.daemon.adm("-m", "account", "-o", "show")
        for user in shown.split("\n")[1:-1]:
            self.daemon.adm("-m", "account", "-o", "delete", "-u", user.strip())


@pytest.fixture(scope="module")
def new_machine() -> Iterator[Machine]:
    with Daemon() as daemon:
        yield Machine(daemon, TGTADM)
        daemon.check_alive()


@pytest.fixture(scope="module")
def old_machine() -> Iterator[Machine]:
    daemon = Daemon()
    daemon.program, daemon.ours = TGTS_TGTD, False
    with daemon:
        yield Machine(daemon, TGTS_TGTADM)


@pytest.fixture(params=["new", "old"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """Empty; with our daemon and with tgt's."""
    one = request.getfixturevalue(f"{request.param}_machine")
    one.clear()
    yield one


@pytest.fixture
def ours(new_machine: Machine) -> Machine:
    new_machine.clear()
    return new_machine


# --- the same words -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A file and options. `only_perls` and `only_ours` are the lines that differ, by their reason."""

    name: str
    conf: str
    args: tuple[str, ...] = ("-p", "-e")
    only_perls: dict[str, list[str]] = field(default_factory=dict)
    only_ours: dict[str, list[str]] = field(default_factory=dict)


ONE = "<target iqn.t:1>\n backing-store DIR/a\n{}\n</target>\n"
UPDATE = "tgtadm -C 0 --lld iscsi --op update --mode logicalunit --tid {} --lun={} --params {}"
IN_USE = [
    "# Device {} is used (already tgtd target?).",
    "# Run lsof {} to see the details.",
    "# Skipping device {} - it is in use.",
    "# You can override it with --force or allow-in-use yes config option.",
    "# Note - do so only if you know what youre doing, you may damage your data.",
]

CASES = [
    Case("nothing", ""),
    Case("one target", ONE.format("")),
    Case("a default driver", "default-driver iscsi\n" + ONE.format("")),
    Case("a control port", "control-port 0\n" + ONE.format("")),
    Case("a target without units", "<target iqn.t:1>\n</target>\n"),
    Case(
        "parameters of the target",
        ONE.format("MaxRecvDataSegmentLength 8192\nHeaderDigest None\nstate offline\nInitialR2T No"),
    ),
    Case(
        "accounts and rules",
        ONE.format(
            "incominguser u1 p1\nincominguser u2 p2\noutgoinguser o1 p3\noutgoinguser o2 p4\n"
            "initiator-address 10.0.0.1\ninitiator-address 10.0.0.0/8\ninitiator-name iqn.x"
        ),
    ),
    Case("names without addresses", ONE.format("initiator-name iqn.x\ninitiator-name iqn.y")),
    Case(
        "one account of two targets",
        "<target iqn.t:2>\nincominguser u p\n</target>\n<target iqn.t:1>\nincominguser u p\n</target>\n",
    ),
    Case(
        "discovery and iSNS",
        "incomingdiscoveryuser disc secret\noutgoingdiscoveryuser odisc secret\niSNSServerIP 127.0.0.1\n"
        "iSNSServerPort 3209\niSNSAccessControl Off\niSNS Off\n" + ONE.format(""),
    ),
    Case(
        "numbers of targets and units",
        "<target iqn.t:1>\ncontroller_tid 9\n<backing-store DIR/a>\nlun 5\n</backing-store>\n"
        "<backing-store DIR/b>\n</backing-store>\n<backing-store DIR/c>\nlun 1\n</backing-store>\n</target>\n"
        "<target iqn.t:0>\n</target>\n",
    ),
    Case("units in lines", ONE.format(" backing-store DIR/c\n backing-store DIR/b\n write-cache on")),
    Case("what does not exist", ONE.format(" backing-store DIR/none\n")),
    Case("a store with addresses", "<target iqn.t:1>\n backing-store pool/image\n bs-type rbd\n</target>\n"),
    Case(
        "parameters of units",
        ONE.format(
            "write-cache off\nmode_page 10:0:10:2\nvendor_id My Company\nproduct_id P\nproduct_rev 1.0\n"
            "scsi_id abc\nscsi_sn def\nremovable 1\nreadonly 1\nonline 1\nsense_format 1\nlbppbe 3\nla_lba 1\n"
            "optimal_xfer_gran 2\noptimal_xfer_len 3\nparams thin_provisioning=1\ndevice-type disk\n"
            "bs-type rdwr\nbsoflags sync\nbsopts foo"
        ),
    ),
    Case(
        "a block with parameters",
        "<target iqn.t:1>\n<backing-store DIR/a>\nblock-size 4096\nvendor_id X\nparams removable=1\n"
        "</backing-store>\nvendor_id Y\n<backing-store DIR/b>\n</backing-store>\n</target>\n",
    ),
    Case("two blocks of one target", ONE.format("vendor_id X") + "<target iqn.t:1>\nbacking-store DIR/b\n</target>\n"),
    Case("another driver", "default-driver iser\n" + ONE.format("")),
    Case("allowed in use", ONE.format("allow-in-use yes")),
    Case(
        "block size in the target",
        ONE.format("block-size 1024"),
        only_perls={"target-level": ["tgtadm -C 0 --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b DIR/a"]},
        only_ours={
            "target-level": [
                "tgtadm -C 0 --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b DIR/a     --blocksize 1024"
            ]
        },
    ),
    Case(
        "a unit without medium",
        "<target iqn.t:1>\n<backing-store NONE:x>\ndevice-type cd\n</backing-store>\n</target>\n",
        only_perls={
            "1.0.97": [
                "# Skipping device: NONE:x",
                "# NONE:x does not exist - please check the configuration file",
            ]
        },
        only_ours={
            "1.0.97": [
                "tgtadm -C 0 --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 --device-type cd",
                "# Write cache is enabled (default) for lun 1.",
            ]
        },
    ),
    Case(
        "numbers in parameters",
        ONE.format("params a=${tid},b=${lun}"),
        only_perls={"1.0.97": [UPDATE.format(1, 1, "a=${tid},b=${lun}")]},
        only_ours={"1.0.97": [UPDATE.format(1, 1, "a=1,b=1")]},
    ),
    Case(
        "one medium twice",
        ONE.format("") + "<target iqn.t:2>\nbacking-store DIR/a\n</target>\n",
        only_perls={
            "twice": [
                "tgtadm -C 0 --lld iscsi --op new --mode logicalunit --tid 2 --lun 1 -b DIR/a",
                "# Write cache is enabled (default) for lun 1.",
            ]
        },
        only_ours={
            "twice": [line.format("DIR/a") for line in IN_USE] + ["# It is LUN 1 of target 1."]
        },
    ),
    Case("defaults again", "default-driver iscsi\ndefault-driver iser\n" + ONE.format("")),
    Case("deleting all of nothing", "", ("-p", "--delete", "ALL")),
    Case("deleting what is not there", "", ("-p", "--delete", "tid=66")),
    Case("deleting a name that is not there", "", ("-v", "--delete", "iqn.none")),
    Case("updating what is nowhere", ONE.format(""), ("-p", "--update", "iqn.none")),
    Case("updating a number that is not there", ONE.format(""), ("--update", "tid=77")),
    Case("updating a new target", ONE.format(""), ("-p", "--update", "iqn.t:1")),
    Case("updating all, all new", ONE.format(""), ("-p", "--update", "ALL")),
    Case("offline by a name that is not there", "", ("--offline", "iqn.none")),
    Case("ready by a number", "", ("-p", "--ready", "tid=3")),
    Case("ready by a number that is not there", "", ("--ready", "tid=3")),
    Case("offline and ready", "", ("--offline", "ALL", "--ready", "ALL")),
    Case("showing what would be shown", "", ("-p", "-s")),
    Case("showing", "", ("-s", "-v")),
    Case("dumping nothing", "", ("--dump",)),
    Case("no action", "", ("-v",)),
    Case("about delete", "", ("--delete", "help")),
    Case("about offline", "", ("--offline", "help")),
    Case("about ready", "", ("--ready", "help")),
]


def comparable(text: str, folder: Path) -> list[str]:
    """Lines without quotes, whose kind changed in tgt 1.0.97. 1.0.85 sets a unit's parameters in any order."""
    text = text.replace(str(folder), "DIR").replace('"', "").replace("'", "")
    lines = [line.rstrip() for line in text.split("\n")]
    out: list[str] = []
    unordered: list[str] = []
    for line in lines:
        one_of_a_unit = "--op update --mode logicalunit" in line or line.startswith("# Write cache")
        if one_of_a_unit and "mode_page" not in line:
            unordered.append(line)
            continue
        out += sorted(unordered) + [line]
        unordered = []
    return out + sorted(unordered)


def differences(perls: list[str], ours: list[str]) -> tuple[list[str], list[str]]:
    diff = list(difflib.ndiff(perls, ours))
    return [x[2:] for x in diff if x[0] == "-"], [x[2:] for x in diff if x[0] == "+"]


def flat(by_reason: dict[str, list[str]]) -> list[str]:
    assert set(by_reason) <= set(REASONS)
    return sorted(line for lines in by_reason.values() for line in lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_prints_what_the_perl_one_prints(machine: Machine, case: Case) -> None:
    perls = machine.run(PERLS, *case.args, conf=case.conf)
    ours = machine.run(OURS, *case.args, conf=case.conf)
    assert ours.status == perls.status, ours.err
    only_perls, only_ours = differences(
        comparable(perls.out, machine.dir), comparable(ours.out, machine.dir)
    )
    assert (sorted(only_perls), sorted(only_ours)) == (flat(case.only_perls), flat(case.only_ours))


ERRORS = {
    "again": (ONE.format("bs-type rdwr\nbs-type rdwr"), 4),
    "empty": (ONE.format("bs-type"), 3),
    "mixed": (ONE.format("<backing-store DIR/b>\n</backing-store>"), 3),
}


@pytest.mark.parametrize("name", ERRORS)
def test_mistakes_are_refused_before_anything_is_done(ours: Machine, name: str) -> None:
    conf, line = ERRORS[name]
    ran = ours.run(OURS, "-e", conf=conf)
    assert ran.status == 1
    assert ran.out != ""
    assert re.search(rf"tgt-admin: \S+targets\.conf:{line}:\d+: ", ran.err), ran.err
    assert ours.show() == ""


def test_a_file_that_is_not_there(ours: Machine) -> None:
    for program in (PERLS, OURS):
        ran = ours.run(program, "-e", "-c", "/no/such/file")
        assert (ran.status, ran.out, ran.err) == (
            2,
            "",
            "Config file /no/such/file not found. Exiting...\n",
        )


def test_without_a_daemon(ours: Machine) -> None:
    for args in (("-s",), ("--dump",), ("--delete", "ALL"), ("--offline", "ALL")):
        ran = ours.run(OURS, "-C", "99", *args)
        assert ran.status == 107, args
        assert ran.out == "Command:\n\ttgtadm -C 99 --op show --mode target\nexited with code: 107.\n"
    assert ours.run(OURS, "-C", "99", "-e", conf=ONE.format("")).status == 107


def test_a_failure_is_told_with_its_reason(machine: Machine) -> None:
    conf = ONE.format("bs-type nosuch")
    perls = machine.run(PERLS, "-e", conf=conf)
    machine.clear()
    ours = machine.run(OURS, "-e", conf=conf)
    assert ours.status == perls.status == 22
    assert comparable(ours.out, machine.dir) == comparable(perls.out, machine.dir)
    assert ours.err.startswith("tgtadm: invalid request\n")
    if machine.daemon.ours:
        assert "there is no backing store type 'nosuch'" in ours.err
    machine.clear()
    assert machine.run(OURS, "-e", "--ignore-errors", conf=conf).status == 0


def test_an_ignored_failure_lets_nobody_in(ours: Machine) -> None:
    """A target without its account would be open to everybody."""
    conf = ONE.format(f"incominguser bob {300 * 'x'}")
    ran = ours.run(OURS, "-e", "--ignore-errors", conf=conf)
    assert ran.status == 0
    assert "the password of 'bob' must have" in ran.err
    assert "not done, as something before it has failed: tgtadm" in ran.err
    shown = ours.show()
    assert "        LUN: 1\n" in shown
    assert "        ALL\n" not in shown


def test_a_target_that_cannot_be_made_changes_no_other_one(ours: Machine) -> None:
    ours.daemon.adm("-m", "target", "-o", "new", "-t", "5", "-T", "iqn.t:hand")
    before = ours.show()
    conf = "<target iqn.t:1>\ncontroller_tid 5\nbacking-store DIR/a\n</target>\n"
    ran = ours.run(OURS, "-e", "--ignore-errors", "--keep-runtime", conf=conf)
    assert ran.status == 0
    assert "this target already exists" in ran.err
    assert ours.show() == before


def test_passwords_get_into_no_log(ours: Machine) -> None:
    out = ours.good(OURS, "-v", "-e", conf=ONE.format("incominguser bob hush"))
    assert "--user=bob --password=***" in out
    assert "hush" not in out


# --- each with the other's daemon ---------------------------------------------------------------

TWO = """
incomingdiscoveryuser disc discsecret
<target iqn.t:1>
    <backing-store DIR/a>
        lun 5
        block-size 4096
        write-cache off
        vendor_id ACME
        readonly 1
        params thin_provisioning=1
    </backing-store>
    initiator-address 127.0.0.1
    incominguser bob secretsecret1
    outgoinguser me secretsecret2
    MaxRecvDataSegmentLength 16384
</target>
<target iqn.t:2>
    backing-store DIR/b
</target>
"""


def test_both_make_the_same_of_a_file(machine: Machine) -> None:
    machine.good(PERLS, "-e", conf=TWO)
    perls = (machine.show(), machine.daemon.adm("-m", "target", "-o", "show", "-t", "1"))
    assert machine.good(PERLS, "-s") == machine.good(OURS, "-s") == perls[0]
    machine.clear()
    machine.good(OURS, "-e", conf=TWO)
    assert perls == (machine.show(), machine.daemon.adm("-m", "target", "-o", "show", "-t", "1"))


def test_a_second_run_finds_nothing_to_do(ours: Machine) -> None:
    ours.good(OURS, "-e", conf=TWO)
    assert ours.commands("--update", "ALL", conf=TWO) == []
    assert ours.commands("-e", conf=TWO) == []


def test_what_the_perl_one_made_needs_no_update(ours: Machine) -> None:
    ours.good(PERLS, "-e", conf=TWO)
    assert ours.commands("--update", "ALL", conf=TWO) == []


def test_an_old_daemon_is_updated_in_what_it_tells(old_machine: Machine) -> None:
    old_machine.clear()
    old_machine.good(OURS, "-e", conf=TWO)
    sent = old_machine.commands("--update", "ALL", conf=TWO)
    assert [line for line in sent if "--op new" in line or "delete" in line] == []
    changed = TWO.replace("lun 5", "lun 6").replace("initiator-address 127.0.0.1", "")
    old_machine.good(OURS, "--update", "iqn.t:1", conf=changed)
    shown = old_machine.show()
    assert "LUN: 6\n" in shown and "LUN: 5\n" not in shown
    assert "ACL information:\n        ALL\nTarget 2" in shown


def test_the_perl_one_updates_and_deletes_on_our_daemon(ours: Machine) -> None:
    ours.good(PERLS, "-e", conf=TWO)
    # It cannot be given discovery accounts that are there.
    changed = TWO.replace("incomingdiscoveryuser disc discsecret", "").replace("DIR/b", "DIR/c")
    ours.good(PERLS, "--update", "iqn.t:2", conf=changed)
    assert f"Backing store path: {ours.dir}/c" in ours.show()
    ours.good(PERLS, "--offline", "ALL")
    assert ours.show().count("State: offline") == 2
    dump = ours.good(PERLS, "--dump")
    assert f"backing-store {ours.dir}/c" in dump
    ours.good(PERLS, "--delete", "ALL")
    assert ours.show() == ""


# --- what only ours does ------------------------------------------------------------------------


def test_a_dump_is_the_state(ours: Machine) -> None:
    ours.good(OURS, "-e", conf=TWO)
    ours.daemon.adm("-m", "target", "-o", "new", "-t", "70", "-T", "iqn.t:0")
    ours.daemon.adm("-m", "target", "-o", "bind", "-t", "70", "-Q", "iqn.x")
    ours.daemon.adm("-m", "logicalunit", "-o", "new", "-t", "70", "-l", "3")
    ours.daemon.adm("-m", "account", "-o", "new", "-u", "nobody", "-p", "hash#quote\"")
    state = (ours.show(), ours.daemon.adm("-m", "target", "-o", "show", "-t", "1"))
    assert "secret" not in ours.good(OURS, "--dump")
    dump = ours.good(OURS, "--dump", "--secrets")
    ours.clear()
    ours.good(OURS, "-e", conf=dump)
    assert state == (ours.show(), ours.daemon.adm("-m", "target", "-o", "show", "-t", "1"))
    assert ours.good(OURS, "--dump", "--secrets") == dump


def test_a_dump_as_the_perl_one_writes_it(ours: Machine) -> None:
    ours.good(OURS, "-e", conf=ONE.format("incominguser u p\ninitiator-address 10.0.0.1"))
    assert ours.good(OURS, "--dump") == ours.good(PERLS, "--dump")


def test_sessions_of_unchanged_targets_stay(ours: Machine) -> None:
    ours.good(OURS, "-e", conf=TWO)
    with Connection("127.0.0.1", ours.daemon.port) as session:
        session.login("iqn.t:2")
        session.settle()
        changed = TWO.replace("vendor_id ACME", "vendor_id OTHER").replace("lun 5", "lun 6")
        ours.good(OURS, "--update", "ALL", conf=changed)
        assert session.read(0, 1) == bytes(512)
    assert "LUN: 6\n" in ours.show()


def test_a_target_in_use_gets_what_disturbs_nobody(ours: Machine) -> None:
    ours.good(OURS, "-e", conf=TWO)
    with Connection("127.0.0.1", ours.daemon.port) as session:
        session.login("iqn.t:2")
        session.settle()
        more = TWO.replace("DIR/b", "DIR/b\nbacking-store DIR/c\ninitiator-name iqn.x")
        ours.good(OURS, "--update", "ALL", conf=more)
        session.settle()
        assert session.read(0, 1) == bytes(512)
        session.settle(2)
        assert session.read(0, 1, lun=2) == bytes(512)
        less = ours.run(OURS, "--update", "ALL", conf=TWO.replace("DIR/b", "DIR/c"))
        assert less.status == 0
        assert "Target with tid 2 (iqn.t:2) is in use, it won't be updated." in less.err
        session.settle()
        assert session.read(0, 1) == bytes(512)
        ours.good(OURS, "--update", "ALL", "--force", conf=TWO.replace("DIR/b", "DIR/c"))
    assert f"{ours.dir}/b" not in ours.show()


def test_force_closes_all_connections_of_a_target(ours: Machine) -> None:
    ours.good(OURS, "-e", conf=ONE.format("initiator-address 127.0.0.1\ninitiator-name iqn.x"))
    with Connection("127.0.0.1", ours.daemon.port) as one, Connection("127.0.0.1", ours.daemon.port) as two:
        one.login("iqn.t:1")
        two.login("iqn.t:1")
        assert ours.run(OURS, "--delete", "ALL", "-v").out == (
            "# Target with tid 1 (iqn.t:1) is in use, it won't be deleted.\n"
        )
        ours.good(OURS, "--delete", "ALL", "--force")
        one.expect_closed()
        two.expect_closed()
    assert ours.show() == ""


def test_a_new_password_counts_at_once(ours: Machine) -> None:
    ours.good(OURS, "-e", conf=ONE.format("incominguser bob oldsecret123"))
    ours.good(OURS, "--update", "ALL", conf=ONE.format("incominguser bob newsecret123"))
    assert "incominguser bob newsecret123" in ours.good(OURS, "--dump", "--secrets")
    with Connection("127.0.0.1", ours.daemon.port) as session, pytest.raises(LoginRefused):
        session.login("iqn.t:1")


def test_an_update_completes_what_failed_half_way(ours: Machine) -> None:
    conf = ONE.format("<!>").replace("<!>", "bsoflags nonsense")
    assert ours.run(OURS, "-e", conf=conf).status == 22
    assert "ACL information:\n" in ours.show() and "ALL" not in ours.show()
    ours.good(OURS, "--update", "ALL", conf=ONE.format(""))
    assert ours.commands("--update", "ALL", conf=ONE.format("")) == []
    assert f"{ours.dir}/a" in ours.show() and "ALL" in ours.show()


def test_keep_runtime_leaves_what_was_made_by_hand(ours: Machine) -> None:
    ours.daemon.adm("-m", "target", "-o", "new", "-t", "1", "-T", "iqn.by-hand")
    ours.good(OURS, "-e", "--keep-runtime", conf=TWO)
    ours.good(OURS, "--update", "ALL", "--keep-runtime", conf=ONE.format(""))
    assert re.findall(r"Target \d+: (\S+)", ours.show()) == ["iqn.by-hand", "iqn.t:1"]
    ours.good(OURS, "--update", "ALL", conf="")
    assert ours.show() == ""
