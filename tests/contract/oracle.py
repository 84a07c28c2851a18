# SPDX-License-Identifier: GPL-2.0-or-later
"""A script of tgtadm's command lines, and what becomes of it with any pair of tgtadm and tgtd.

The file is sections that begin with `[name]`; each runs against a daemon of its own. A line is

    -m target -o show        arguments of tgtadm, in shell notation; {dir}, {portal}, {port2} are filled in
    ? -m target -o delete    the same, not compared: puts both daemons into the same state again
    @login NAME TID [USER:PASSWORD]   and the other things of `ACTIONS`, which are no commands
    ~ REASON PAIRS CODE [TEXT]        what is different with these pairs, on purpose: see `Difference`
    | LINE                            ... and a line of its standard output
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

from lib.daemon import SANITIZER_ENV, TGTADM, TGTD, Daemon, free_port
from lib.iscsi import Connection

TGTS_TGTADM = Path("/usr/sbin/tgtadm")
TGTS_TGTD = Path("/usr/sbin/tgtd")
TGTS_TGTIMG = Path("/usr/sbin/tgtimg")
START_LIMIT_S = 20.0
SETTLE_LIMIT_S = 10.0
REASON_LINE = re.compile(r"^tgtadm: reason: .*\n", re.MULTILINE)


# What one of the daemons offers and the other does not, as `--mode system --op show` lists it.
LINES_APART = {
    "    iser: error": "RDMA is not in this build",
    "    loop: ready": "tgt has no such driver",
    "    loop: error": "... and where the kernel has no tgt_core",
    "    sheepdog": "not in this build",
    "    smc (bsoflags sync:direct)": "here it is always in step with the disk, ...",
    "    smc": "... and has no flags",
    "    mmc (bsoflags sync:direct)": "not in this build",
    "    cd/dvd": "not in this build",
    "    osd": "tgt cannot store objects either",
    "    fault (bsoflags sync:direct)": "tgt has no such store",
}
# tgt counts neither Data-In PDUs nor responses (quirk of section 3.7), and the keys of a login are not those of tgt.
CONNECTION_ROW = re.compile(
    r"^([ \d]{2}\d) ([ \d]{2}\d) ([ \d]{12}\d) ([ \d]{12}\d) ([ \d]{11}\d) ([ \d]{10}\d) ([ \d]{7}\d) ([ \d]{7}\d)$",
    re.MULTILINE,
)


# Why something is not as with tgt 1.0.85. Numbers in brackets are those of the list of its quirks.
REASONS = {
    "name": "a target has a name, and a comma in it does not cut it (tgt: `iqn.x:2,3` is `iqn.x:2`)",
    "number": "a number that is none, or out of range, is refused and not read as another one",
    "mode-page": "a mode page that cannot exist, or half of one, is refused",
    "comma": "a comma that would cut a value is refused (1: values cannot contain one)",
    "block-size": "block sizes are those that initiators can use, 512 to 4096; tgt takes 512 for what it does not like",
    "empty": "a file without any block is no disk",
    "lun-limit": "a LUN above 16383 can never be reached (18)",
    "no-medium": "a unit without a medium is not online",
    "controller": "LUN 0 has no medium",
    "one-medium": "two LUNs on one file are one logical unit, so they cannot differ in block size",
    "rule": "an address that can never match is refused; tgt keeps it silently (10)",
    "both": "bind with an address and a name makes two rules (4)",
    "secret": "an account has a name and a password (14)",
    "take-back": "a redirection can be taken back: by an empty callback, and an empty reason",
    "port": "a port is a number; tgt opens any that is free",
    "every-address": "an empty portal does not mean every address (19)",
    "bus": "a bus without an id is no host adapter",
    "unit-name": "a parameter of a LUN may come as --name and --value: then its value may have commas",
    "iser": "RDMA is not in this build",
    "stopped": "a target made while its driver is stopped is not lost from the list",
    "crash": "this ends the daemon of tgt (1)",
}
# What tgt changed after the oracle's 1.0.85, as far as its users can see it; none of it shows in the script.
SINCE_1_0_85 = {
    "1.0.93": "CHAP challenges are random (CVE-2024-45751; Debian's 1.0.85 has it as well)",
    "1.0.95": "with RDMA, too, any one rule, address or name, lets an initiator in (as over TCP since 1.0.83)",
}


def tgts_daemon() -> Daemon:
    """Debian's tgt, for what our tgtadm configures."""
    daemon = Daemon()
    daemon.program, daemon.ours = TGTS_TGTD, False
    return daemon


@dataclass(frozen=True)
class Pair:
    """A tgtadm with a tgtd. The letter names it in the script."""

    letter: str
    tgtadm: Path
    tgtd: Path

    @property
    def our_tgtd(self) -> bool:
        return self.tgtd == TGTD

    @property
    def our_tgtadm(self) -> bool:
        return self.tgtadm == TGTADM


ONLY_OURS = "only ours"  # the section that runs with our daemon alone; what it expects is written there

PAIRS = {
    "a": Pair("a", TGTS_TGTADM, TGTS_TGTD),
    "b": Pair("b", TGTADM, TGTD),
    "c": Pair("c", TGTS_TGTADM, TGTD),
    "d": Pair("d", TGTADM, TGTS_TGTD),
}


@dataclass(frozen=True)
class Outcome:
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}{self.err}"


@dataclass
class Difference:
    """Another outcome than tgt's, on purpose: for these pairs, with a reason out of `REASONS`."""

    reason: str
    pairs: str
    outcome: Outcome


@dataclass
class Line:
    """One line of the script."""

    number: int
    text: str
    differences: list[Difference] = field(default_factory=list)

    def expected(self, pair: Pair, tgts: Outcome) -> tuple[Outcome, str]:
        """What this pair has to print where tgt's own print `tgts`; and the reason, if it is not the same."""
        for difference in self.differences:
            if pair.letter in difference.pairs:
                return difference.outcome, difference.reason
        return tgts, ""


def read_script(path: Path) -> dict[str, list[Line]]:
    """Sections by their names."""
    sections: dict[str, list[Line]] = {}
    lines: list[Line] = []
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        text = raw.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            lines = sections.setdefault(text.strip("[]"), [])
        elif text.startswith("~"):
            lines[-1].differences.append(read_difference(text[1:]))
        elif text.startswith("|"):
            last = lines[-1].differences[-1].outcome
            with_line = Outcome(last.code, f"{last.out}{raw[2:]}\n", last.err)
            lines[-1].differences[-1].outcome = with_line
        else:
            lines.append(Line(number, text))
    return sections


def read_difference(text: str) -> Difference:
    reason, pairs, code, *words = text.split(None, 3)
    err = "".join(f"{line}\n" for line in " ".join(words).split("\\n") if line)
    return Difference(reason, pairs, Outcome(int(code), "", err))


class Stage:
    """One pair with its daemon and its folder. `with Stage(pair) as stage: ...`."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.dir = Path(tempfile.mkdtemp(prefix="tgt-"))
        self.port = free_port()
        self.other_port = free_port()
        self.sessions: dict[str, tuple[Connection, str]] = {}
        self._env = {**os.environ, **SANITIZER_ENV, "LC_ALL": "C"}
        self._env["TGT_IPC_SOCKET"] = str(self.dir / "socket")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Stage:
        files = {"disk": 100 << 20, "odd": 1000, "empty": 0}
        files |= {f"f{number}": 1 << 20 for number in range(1, 41)}
        for name, size in files.items():
            with (self.dir / name).open("wb") as file:
                file.truncate(size)
        with (self.dir / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self.pair.tgtd, "-f", "--iscsi", f"portal=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
            )
        limit = time.monotonic() + START_LIMIT_S
        while self._tgtadm("-m system -o show").code != 0:
            assert self._process.poll() is None and time.monotonic() < limit, self.log()
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        for connection, _tid in self.sessions.values():
            connection.close()
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self) -> str:
        return (self.dir / "log").read_text(errors="replace")[-4000:]

    def perform(self, line: Line) -> Outcome | None:
        """Runs a command line, or does what an action says; the outcome of a command."""
        if line.text.startswith("@"):
            name, *words = shlex.split(line.text[1:])
            getattr(self, "do_" + name)(*words)
            return None
        if line.text.startswith("?"):
            self._tgtadm(line.text[1:])
            return None
        return self._tgtadm(line.text)

    def _tgtadm(self, text: str) -> Outcome:
        arguments = [word.replace("{dir}", str(self.dir)) for word in shlex.split(text)]
        arguments = [word.replace("{portal}", f"127.0.0.1:{self.port}") for word in arguments]
        arguments = [word.replace("{port2}", str(self.other_port)) for word in arguments]
        run = subprocess.run(
            ["tgtadm", *arguments],
            executable=self.pair.tgtadm,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._env,
            cwd=self.dir,
            timeout=30,
            check=False,
        )
        return Outcome(run.returncode, self._plain(run.stdout), self._plain(run.stderr))

    def _plain(self, output: bytes) -> str:
        text = output.decode(errors="replace").replace(str(self.dir), "{dir}")
        # As whole numbers: SCSI IDs have digits, too.
        text = re.sub(rf"(?<!\d){self.other_port}(?!\d)", "{port2}", text)
        return re.sub(rf"(?<!\d){self.port}(?!\d)", "{port}", text)

    # --- actions ---------------------------------------------------------------------------

    def do_login(self, name: str, tid: str, initiator: str = "iqn.2001-04.org.example:one") -> None:
        """A session with a target that the script has made as iqn.x:<tid>."""
        connection = Connection("127.0.0.1", self.port, name=initiator, isid=name.encode().ljust(6)[:6])
        connection.login(f"iqn.x:{tid}")
        self.sessions[name] = (connection, tid)

    def do_read(self, name: str, blocks: str) -> None:
        connection = self.sessions[name][0]
        connection.settle()
        for lba in range(int(blocks)):
            connection.read(lba, 1)

    def do_write(self, name: str, blocks: str) -> None:
        connection = self.sessions[name][0]
        for lba in range(int(blocks)):
            connection.write(lba, bytes(512))

    def do_logout(self, name: str) -> None:
        connection, tid = self.sessions.pop(name)
        connection.logout()
        connection.close()
        self._until_gone(tid, connection.tsih)

    def do_gone(self, name: str) -> None:
        """The daemon has closed this session."""
        connection, tid = self.sessions.pop(name)
        connection.expect_closed()
        connection.close()
        self._until_gone(tid, connection.tsih)

    def _until_gone(self, tid: str, tsih: int) -> None:
        limit = time.monotonic() + SETTLE_LIMIT_S
        while f"Session: {tsih}\n" in self._tgtadm(f"-m conn -o show -t {tid}").out:
            assert time.monotonic() < limit, f"session {tsih} of target {tid} stays"
            time.sleep(0.01)


def perform(pair: Pair, lines: list[Line]) -> list[Outcome | None]:
    """What every line of a section gives; None for actions."""
    with Stage(pair) as stage:
        outcomes = []
        for line in lines:
            try:
                outcomes.append(stage.perform(line))
            except BaseException as error:
                raise AssertionError(f"{pair.letter}: line {line.number}: {line.text}: {error}\n{stage.log()}") from error
        return outcomes


def comparable(output: str) -> str:
    """Without what is not the same on purpose wherever it appears."""
    lines = [line for line in output.splitlines(keepends=True) if line.rstrip("\n") not in LINES_APART]
    return CONNECTION_ROW.sub(r"\1 \2 \3 ------------- \5 ----------- \7 --------", "".join(lines))


def difference_of(expected: Outcome, got: Outcome) -> str:
    """What is not equal, with the lines around."""
    lines = difflib.unified_diff(
        str(expected).splitlines(), str(got).splitlines(), "expected", "got", n=1, lineterm=""
    )
    return "\n".join(f"    {line}" for line in lines)


def compare(
    lines: list[Line], tgts: list[Outcome | None], pair: Pair, got: list[Outcome | None]
) -> Iterator[str]:
    """Every difference that is not meant to be, and every one that was meant to be and is not there."""
    for line, theirs, ours in zip(lines, tgts, got):
        if theirs is None or ours is None:
            continue
        expected, reason = line.expected(pair, theirs)
        seen = Outcome(ours.code, comparable(ours.out), REASON_LINE.sub("", ours.err))
        expected = Outcome(expected.code, comparable(expected.out), expected.err)
        where = f"line {line.number} ({pair.letter}): tgtadm {line.text}"
        if seen != expected:
            yield f"{where}\n{difference_of(expected, ours)}"
        elif reason and seen == theirs:
            yield f"{where}: no difference any more ({reason})"
