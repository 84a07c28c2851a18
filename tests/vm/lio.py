# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/vm/bench-lio measures, what it makes of the guest's lines, and the tables."""

from __future__ import annotations

import json
from typing import Iterator

from cases import LEAN, LIBISCSI, Case
from document import table
from results import Results, figure

TARGET = "iqn.2001-04.org.example:bench"
PEERS = {"ours": "127.0.0.1:3260", "lio": "127.0.0.1:3261"}
SHAPES = (
    ("4k read QD1", "--depth 1"),
    ("4k read QD32", "--depth 32"),
    ("4k write QD32", "--depth 32 --rw write"),
    ("128k seq read QD32", "--depth 32 --block 128k --sequential"),
    ("128k seq write QD32", "--depth 32 --block 128k --sequential --rw write"),
)
CASES = tuple(
    Case(f"{name}{suffix}", load, tuple(words.split()))
    for load, suffix in ((LIBISCSI, ""), (LEAN, ", lean"))
    for name, words in SHAPES
)
PROOF = "--block 4k --range 2M --fill --verify --rw 70 --depth 8 --seconds 0.5 --warm-up 0"
METRICS = (
    ("CPU time of the whole guest per I/O, microseconds", "machine_cpu_us"),
    ("The same less what the load needs outside the kernel", "rest_us"),
    ("I/Os per second in the emulated guest", "iops"),
)


class GuestError(Exception):
    """The guest did not do what it was told to; says what it did."""


def plan(rounds: int, seconds: float) -> Iterator[str]:
    """The lines of the guest's file of loads: first both targets show that they keep data, then they take turns."""
    for load in (LEAN, LIBISCSI):
        for peer in PEERS:
            yield line(peer, Case("", load, tuple(PROOF.split())))
    times = ("--seconds", str(seconds), "--warm-up", f"{seconds / 4:.2f}")
    for _ in range(rounds):
        for case in CASES:
            for peer in PEERS:
                yield line(peer, Case(case.name, case.load, case.words + times))


def line(peer: str, case: Case) -> str:
    address = f"iscsi://{PEERS[peer]}/{TARGET}/1"
    return f"{peer}|{case.name}|/run/{case.load} {' '.join(case.words)} --json {address}"


def read_runs(console: str) -> Results:
    """The figures of the guest's `run PEER|CASE|...` lines; an error of a load is one of the whole run."""
    results = Results()
    for text in console.splitlines():
        if not text.startswith("run "):
            continue
        peer, case, said = text.removeprefix("run ").split("|", 2)
        run = json.loads(said) if said.startswith("{") else {"errors": 1, "first_error": said}
        if run["errors"] or run["completed"] == 0:
            why = run["first_error"] or "not one I/O was done"
            raise GuestError(f"{peer}, {case or 'keeping data'}: {why}")
        if case:
            run["rest_us"] = run["machine_cpu_us"] - run["own_user_us"]
            results.add(case, peer, run)
    return results


def complete(results: Results, rounds: int) -> bool:
    return all(len(results.runs[case.name, peer]) == rounds for case in CASES for peer in PEERS)


def ratio_table(title: str, metric: str, results: Results) -> str:
    rows = []
    for case in results.cases():
        ours, lio = (results.spread(case, peer, metric) for peer in PEERS)
        if ours and lio and lio.median:
            rows.append([case, ours, lio, figure(ours.median / lio.median)])
    return f"### {title}\n\n{table(['', 'ours', 'LIO', 'ours / LIO'], rows)}"


def tables(results: Results) -> str:
    return "\n\n".join(ratio_table(title, metric, results) for title, metric in METRICS)
