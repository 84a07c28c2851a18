# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the suites of lib.suites, several at a time, and ends with one line of totals. scripts/test starts it."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.report import FAILED, PASSED, SKIPPED, Report  # noqa: E402
from lib.suites import CPUS, RESULTS, SUITES, Finished, Log, Suite  # noqa: E402

SHOWN_LINES = 12


class Schedule:
    """Hands suites to the lanes: in order, when the builds they need are there, one build at a time."""

    def __init__(self, suites: list[Suite]) -> None:
        self._waiting = list(suites)
        self._done: dict[str, bool] = {}
        self._building = False
        self._changed = threading.Condition()

    def take(self) -> Suite | None:
        """The next suite that can start; waits for one; None when nothing is left."""
        with self._changed:
            while self._waiting:
                ready = next((suite for suite in self._waiting if self._can_start(suite)), None)
                if ready:
                    self._waiting.remove(ready)
                    self._building |= ready.build
                    return ready
                self._changed.wait()
            return None

    def broken_need(self, suite: Suite) -> str | None:
        """The build that this suite needs and that failed."""
        return next((need for need in suite.needs if not self._done.get(need, False)), None)

    def finish(self, suite: Suite, good: bool) -> None:
        with self._changed:
            self._done[suite.name] = good
            if suite.build:
                self._building = False
            self._changed.notify_all()

    def _can_start(self, suite: Suite) -> bool:
        return all(need in self._done for need in suite.needs) and not (
            suite.build and self._building
        )


class Runner:
    """The lanes and what they have finished."""

    def __init__(self, suites: list[Suite]) -> None:
        self._schedule = Schedule(suites)
        self._print = threading.Lock()
        self.finished: list[Finished] = []

    def run(self) -> None:
        lanes = [threading.Thread(target=self._lane, daemon=True) for _ in range(max(2, CPUS))]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def _lane(self) -> None:
        while suite := self._schedule.take():
            begin = time.monotonic()
            report = self._run(suite)
            self._schedule.finish(suite, not report.count(FAILED))
            done = Finished(suite, report, (time.monotonic() - begin) / 60)
            with self._print:
                self.finished.append(done)
                show(done)

    def _run(self, suite: Suite) -> Report:
        report = Report(suite.name)
        broken = self._schedule.broken_need(suite)
        if broken:
            report.add(suite.name, FAILED, f"not run: {broken} failed")
            return report
        try:
            return suite.run(Log(suite.name))
        except Exception as error:  # a broken suite is a failed one, and the others go on
            report.add(suite.name, FAILED, f"{type(error).__name__}: {error}")
            return report


def show(done: Finished) -> None:
    """One line per suite, then its failures."""
    print(f"{done.suite.name}: {done.report.totals} in {done.minutes:.1f} min", flush=True)
    for case in done.report.named(FAILED):
        print(f"    FAILED {case.name}")
        for line in case.why.splitlines()[-SHOWN_LINES:]:
            print(f"        {line}")
    sys.stdout.flush()


def summary(finished: list[Finished], minutes: float) -> int:
    """Where the time went, why something was skipped, and the last line. Returns the exit status."""
    print("\nminutes per suite:")
    for done in sorted(finished, key=lambda one: -one.minutes):
        print(f"    {done.minutes:5.1f}  {done.suite.name}")
    print(f"    {minutes:5.1f}  altogether, on {CPUS} cores; logs are in {RESULTS}")
    skips = [
        (count, done.suite.name, why) for done in finished for why, count in done.skips.items()
    ]
    if skips:
        print("skipped:")
    for count, name, why in skips:
        print(f"    {count:4}  {name}: {why}")
    totals = Report("all", [case for done in finished for case in done.report.cases])
    passed, failed, skipped = (totals.count(outcome) for outcome in (PASSED, FAILED, SKIPPED))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0


def choose(only: list[str], quick: bool) -> list[Suite]:
    """The suites asked for, with the builds that they need."""
    known = {suite.name: suite for suite in SUITES}
    unknown = [name for name in only if name not in known]
    if unknown:
        sys.exit(f"test: no suite is called {', '.join(unknown)}; --list shows them")
    names = set(only) or {suite.name for suite in SUITES if suite.quick or not quick}
    names |= {need for name in names for need in known[name].needs}
    return [suite for suite in SUITES if suite.name in names]


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/test")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", action="append", default=[], metavar="SUITE")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    suites = choose(options.only, options.quick)
    if options.list:
        print("\n".join(f"{suite.name:14}{suite.about}" for suite in suites))
        return 0
    begin = time.monotonic()
    runner = Runner(suites)
    runner.run()
    return summary(runner.finished, (time.monotonic() - begin) / 60)


if __name__ == "__main__":
    sys.exit(main())
