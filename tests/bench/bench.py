# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures this tree's tgtd against tgt and istgt. scripts/bench starts it; doc/performance.md is what it writes."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Iterator, Sequence

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import document  # noqa: E402
from cases import BUSY_POLL, GROUPS, PEERS, QUICK, VERIFY, Case, Group  # noqa: E402
from peers import (
    CachedEchoPeer,
    EchoPeer,
    IstgtPeer,
    OurPeer,
    Peer,
    PeerError,
    TgtPeer,
    output_of,
    resident,
)  # noqa: E402
from results import Results, figure  # noqa: E402

TREE = HERE.parents[1]
BUILD = Path(os.environ.get("TGT_BUILD", TREE / "build"))
QUICK_BYTES, WHOLE_BYTES = 64 << 20, 1 << 30
SPARE_MIB = 256  # of a cartridge: headers, and the zone in which early warnings come
LOAD_LIMIT_S = 120
MANY_SESSIONS = 100  # then it is shown how evenly they were served


class Bench:
    """Owns the folder with the served file and the peers; runs groups and collects their figures."""

    def __init__(self, options: argparse.Namespace, work: Path) -> None:
        self.options = options
        self.file = work / "disk"
        self.cartridge = work / "cartridge"
        self.size = QUICK_BYTES if options.quick else WHOLE_BYTES
        self.results = Results()
        self.ours = OurPeer(work, BUILD)
        peers: list[Peer] = [self.ours, TgtPeer(work), IstgtPeer(work)]
        peers += [EchoPeer(work, BUILD), CachedEchoPeer(work, BUILD)]
        self.peers = {peer.name: peer for peer in peers if peer.name in options.peers}

    def run(self, groups: Sequence[Group]) -> None:
        for number in range(1, self.options.rounds + 1):
            for group in groups:
                self.run_group(group, number)
                self.results.write(runs_file(self.options))

    def run_group(self, group: Group, number: int) -> None:
        if BUSY_POLL in group.options and not self.ours.has_option(BUSY_POLL):
            return
        for name in group.peers:
            if name not in self.peers:
                continue
            peer = self.peers[name]
            with self.serving(peer, group):
                for case in group.cases:
                    address = peer.address(case.store)
                    if address is None:
                        continue
                    run = self.measure(case, peer, address)
                    self.results.add(case.name, name, run)
                    print(
                        f"{number}/{self.options.rounds} {name:9} {case.name}: {brief(run)}",
                        flush=True,
                    )

    @contextmanager
    def serving(self, peer: Peer, group: Group) -> Iterator[None]:
        """A fresh daemon on a fresh file, for one group."""
        self.write_file(self.size >> 10 if group.needs_file else 1024, group.piece_kib)
        options = group.options if peer is self.ours else ()
        try:
            peer.start(self.file, options, group.luns)
            if group.needs_tape:
                self.cartridge.unlink(missing_ok=True)
                peer.add_tape(self.cartridge, (self.size >> 20) + SPARE_MIB)
            yield
        finally:
            peer.stop()

    def write_file(self, kibibytes: int, piece: int) -> None:
        """How the pages got into the cache matters, so it is the same every time; and nothing is left to write back."""
        self.file.unlink(missing_ok=True)
        words = ["if=/dev/zero", f"of={self.file}", f"bs={piece}k", f"count={kibibytes // piece}"]
        subprocess.run(["dd", *words, "conv=fsync"], check=True, capture_output=True)
        if not self.options.quick:
            os.sync()

    # --- one case ------------------------------------------------------------------------------

    def measure(self, case: Case, peer: Peer, address: str) -> dict:
        if case.kind == "memory":
            return {"rss_mib": resident(peer.pid) / (1 << 20)}
        if case.kind == "luns":
            return self.ours.make_many_luns()
        program = "echo" if isinstance(peer, EchoPeer) else case.load
        seconds = self.options.seconds
        words = ["--json", "--server-pid", str(peer.pid), "--label", case.name]
        if case.kind == "tape":
            words += ["--range", str(self.size)]
        else:
            words += ["--seconds", str(seconds), "--warm-up", str(min(0.5, seconds / 2))]
        if case.kind == "idle":
            words += ["--idle"]
        run = subprocess.run(
            [BUILD / "bench" / program, *case.words, *words, address],
            capture_output=True,
            text=True,
            check=False,
            timeout=LOAD_LIMIT_S + seconds,
        )
        if not run.stdout.startswith("{"):
            return {"errors": 1, "first_error": f"{program}: {run.stderr.strip()}"}
        return digest(json.loads(run.stdout))


def digest(run: dict) -> dict:
    """Adds what is made of the figures of many sessions."""
    if run.get("sessions", 0) >= MANY_SESSIONS and run.get("session_ios_least"):
        run["session_ratio"] = run["session_ios_most"] / run["session_ios_least"]
    if "rss_after" in run:
        run["kib_per_session"] = (run["rss_after"] - run["rss_before"]) / 1024 / run["sessions"]
        run["load_percent"] = 100 * run["server_cpu_s"] / run["seconds"]
    return run


def brief(run: dict) -> str:
    if run.get("errors"):
        return f"{run['errors']} ERRORS: {run['first_error']}"
    if "iops" in run:
        return (
            f"{figure(run['iops'])} IOPS, p50 {figure(run['p50_us'])} us, "
            f"server {figure(run['server_cpu_us'])} us/IO, client {figure(run['own_cpu_us'])} us/IO"
        )
    shown = ("rss_mib", "kib_per_session", "load_percent", "make_s", "show_s", "kib_per_lun")
    shown += ("change_p50_ms", "change_most_ms", "kept_mib")
    return ", ".join(f"{name} {figure(run[name])}" for name in shown if name in run)


# --- the command line ------------------------------------------------------------------------------


def smoke_groups() -> list[Group]:
    kept = [group for group in GROUPS if group.name in QUICK]
    short = [
        replace(group, cases=tuple(case for case in group.cases if case.name in QUICK[group.name]))
        for group in kept
    ]
    return [*short, VERIFY]


def chosen(options: argparse.Namespace) -> list[Group]:
    """The groups asked for; --only takes names of groups and cases."""
    groups = smoke_groups() if options.quick else list(GROUPS)
    if not options.only:
        return groups
    found = []
    for group in groups:
        cases = tuple(
            case for case in group.cases if group.name in options.only or case.name in options.only
        )
        if cases:
            found.append(replace(group, cases=cases))
    known = {
        name for group in GROUPS for name in (group.name, *(case.name for case in group.cases))
    }
    unknown = [name for name in options.only if name not in known]
    if unknown:
        sys.exit(f"bench: nothing is called {', '.join(unknown)}; --list shows what there is")
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    add = parser.add_argument
    add("--list", action="store_true", help="show groups and cases and end")
    add(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="this group or case (repeatable)",
    )
    add("--rounds", type=int, help="how often everything is measured in turn (5)")
    add("--seconds", type=float, help="how long each case is measured (3)")
    add("--peers", default=",".join(PEERS), help=f"some of {','.join(PEERS)}")
    add(
        "--quick",
        action="store_true",
        help="a smoke run: one short round of some cases, no figures kept",
    )
    add("--render", action="store_true", help="write the document from the last run again")
    add(
        "--output",
        type=Path,
        default=TREE / "build/bench-results",
        help="folder for the raw figures",
    )
    add(
        "--dir",
        type=Path,
        default=Path("/var/tmp"),
        help="folder on a disk's file system for the served file",
    )
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.25 if options.quick else 3.0)
    options.peers = options.peers.split(",")
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}")
    return options


def partial(options: argparse.Namespace) -> bool:
    """Something was left out, so the document keeps what it has."""
    return bool(options.quick or options.only or set(options.peers) != set(PEERS))


def runs_file(options: argparse.Namespace) -> Path:
    return options.output / ("partial.json" if partial(options) else "runs.json")


def measured(options: argparse.Namespace) -> Results:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no daemon is left behind
    system = output_of("stat", "-f", "-c", "%T", options.dir).strip()
    if system in ("tmpfs", "ramfs", "overlayfs"):
        print(f"bench: {options.dir} is on {system}, which is not read as a disk is; see --dir")
    work = Path(tempfile.mkdtemp(prefix="tgt-bench.", dir=options.dir))
    bench = Bench(options, work)
    try:
        bench.run(chosen(options))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return bench.results


def show(results: Results, options: argparse.Namespace) -> None:
    print(f"\n{document.tables(results)}\n\n{document.goals(results)}\n")
    if not partial(options):
        peers = [OurPeer(Path(), BUILD), TgtPeer(Path()), IstgtPeer(Path())]
        document.write(results, options, peers, TREE / "doc/performance.md")


def main() -> int:
    options = parse()
    if options.list:
        for group in GROUPS:
            print(f"{group.name:12}{group.about} ({', '.join(group.peers)})")
            for case in group.cases:
                print(f"{'':14}{case.name}: {case.load} {' '.join(case.words)}")
        return 0
    begin = time.monotonic()
    try:
        results = Results.read(runs_file(options)) if options.render else measured(options)
    except (PeerError, FileNotFoundError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    wrong = list(results.errors(options.quick))
    for line in wrong:
        print(f"bench: {line}", file=sys.stderr)
    if not options.quick:
        show(results, options)
    print(
        f"{sum(map(len, results.runs.values()))} runs in {time.monotonic() - begin:.0f} s",
        flush=True,
    )
    return 1 if wrong or not results.runs else 0


if __name__ == "__main__":
    sys.exit(main())
