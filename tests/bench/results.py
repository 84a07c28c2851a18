# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs as they were measured, and what they say: medians, ratios, goals."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Iterator

from cases import GOALS, LIMITS, Goal


@dataclass(frozen=True)
class Spread:
    """A figure over the rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        middle = figure(self.median)
        if len(self.values) == 1:
            return middle
        return f"{middle} ({figure(min(self.values))}-{figure(max(self.values))})"


def figure(value: float) -> str:
    """Three digits that count, and no exponent."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
    )


@dataclass
class Results:
    """All runs: (case, peer) -> one dictionary per round, as the load generators print them."""

    runs: dict[tuple[str, str], list[dict]] = field(default_factory=lambda: defaultdict(list))

    def add(self, case: str, peer: str, run: dict) -> None:
        self.runs[case, peer].append(run)

    def spread(self, case: str, peer: str, metric: str) -> Spread | None:
        values = tuple(run[metric] for run in self.runs.get((case, peer), ()) if metric in run)
        return Spread(values) if values else None

    def cases(self) -> list[str]:
        return list(dict.fromkeys(case for case, _ in self.runs))

    def errors(self, smoke: bool = False) -> Iterator[str]:
        """Everything that went wrong in a run. A smoke run is too short to ask for I/Os in the measured time."""
        done = "completed" if smoke else "ios"
        for (case, peer), runs in self.runs.items():
            for run in runs:
                if run.get("errors"):
                    yield f"{peer}, {case}: {run['errors']} errors: {run['first_error']}"
                elif run.get(done) == 0:
                    yield f"{peer}, {case}: not one I/O was done"

    # --- in files ----------------------------------------------------------------------------

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [[case, peer, runs] for (case, peer), runs in self.runs.items()]
        path.write_text(json.dumps(rows, indent=1))

    @classmethod
    def read(cls, path: Path) -> Results:
        results = cls()
        for case, peer, runs in json.loads(path.read_text()):
            results.runs[case, peer] = runs
        return results


@dataclass(frozen=True)
class Verdict:
    """What became of a goal; reached is None when something for it was not measured."""

    what: str
    measured: str
    wanted: str
    reached: bool | None


def judge(goal: Goal, results: Results) -> Verdict:
    ours = results.spread(goal.case, "ours", goal.metric)
    base_peer, base_case = goal.base
    base = results.spread(base_case, base_peer, goal.metric)
    wanted = f"{'at least' if goal.least else 'at most'} {goal.limit:.3g}x"
    if ours is None or base is None or base.median == 0:
        return Verdict(goal.what, "not measured", wanted, None)
    ratio = ours.median / base.median
    measured = f"{figure(ours.median)} / {figure(base.median)} = {ratio:.2f}x"
    reached = ratio >= goal.limit if goal.least else ratio <= goal.limit
    return Verdict(goal.what, measured, wanted, reached)


def verdicts(results: Results) -> list[Verdict]:
    found = [judge(goal, results) for goal in GOALS]
    for limit in LIMITS:
        ours = results.spread(limit.case, "ours", limit.metric)
        wanted = f"below {limit.limit:g} {limit.unit}"
        if ours is None:
            found.append(Verdict(limit.what, "not measured", wanted, None))
            continue
        measured = f"{figure(ours.median)} {limit.unit}"
        found.append(Verdict(limit.what, measured, wanted, ours.median < limit.limit))
    return found
