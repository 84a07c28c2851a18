#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs libiscsi's test suite (iscsi-test-cu), one process per test, in several environments.

An environment is one way to set up the logical unit. A test that an environment cannot show (media removal on a disk
that is not removable ...) is left to the environment that can. What is known to fail or to be skipped stands in the
file `expected` beside this one; everything else that does not pass is a failure, and so is a line there that is no
longer true.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, DaemonError  # noqa: E402
from lib.report import FAILED, PASSED, SKIPPED, Report  # noqa: E402

TOOL = "iscsi-test-cu"
LIMIT_S = 60
TOTALS = re.compile(
    r"^\s*tests\s+\d+\s+\d+\s+(\d+)\s+(\d+)", re.MULTILINE
)  # CUnit's line: passed, failed
DISK_BYTES = 100 << 20
REMOVABLE = ["*.PreventAllow.*", "*.StartStopUnit.*", "*.NoMedia.*", "*.TestUnitReady.*"]
READONLY = ["*.ReadOnly.*"]
TWO_PATHS = ["*.MultipathIO.*"]


@dataclass(frozen=True)
class Environment:
    """A logical unit and the tests that it is for: patterns wanted, patterns left to other environments."""

    name: str
    wanted: list[str] = field(default_factory=lambda: ["*"])
    unwanted: list[str] = field(default_factory=list)
    blocksize: int = 512
    params: dict[str, int] = field(default_factory=dict)
    two_paths: bool = False

    def runs(self, test: str) -> bool:
        return _matches(test, self.wanted) and not _matches(test, self.unwanted)

    def urls(self, daemon: Daemon) -> list[str]:
        """Sets the target up and returns its address; twice makes the tool open a second session as its second path."""
        target = daemon.add_target()
        target.add_disk(1, DISK_BYTES, blocksize=self.blocksize, path=None, **self.params)
        return [target.url(1)] * (2 if self.two_paths else 1)


# Takes the next logical block for the next physical one; others need several logical blocks per physical block.
ONE_TO_ONE = ["*.GetLBAStatus.UnmapSingle"]
ELSEWHERE = REMOVABLE[:1] + ["*.StartStopUnit.Simple"] + READONLY + TWO_PATHS
ENVIRONMENTS = [
    Environment("thin", unwanted=ELSEWHERE + ONE_TO_ONE, params={"thin_provisioning": 1}),
    Environment("thin-1:1", ONE_TO_ONE, params={"thin_provisioning": 1, "lbppbe": 0}),
    Environment("thick", unwanted=ELSEWHERE),
    Environment("4096", unwanted=ELSEWHERE, blocksize=4096, params={"thin_provisioning": 1}),
    Environment("removable", REMOVABLE, params={"thin_provisioning": 1, "removable": 1}),
    Environment("readonly", READONLY, params={"thin_provisioning": 1, "readonly": 1}),
    Environment("twopath", TWO_PATHS, two_paths=True, params={"thin_provisioning": 1}),
]


@dataclass(frozen=True)
class Known:
    """A line of `expected`: environment and test as patterns, outcome, reason."""

    environment: str
    test: str
    outcome: str
    why: str

    def covers(self, environment: str, test: str) -> bool:
        return fnmatch.fnmatchcase(environment, self.environment) and fnmatch.fnmatchcase(
            test, self.test
        )


def _matches(test: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(test, pattern) for pattern in patterns)


def read_expected(path: Path) -> list[Known]:
    """Lines `environment test fail|skip reason`; # begins a comment."""
    known = []
    for line in path.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text:
            environment, test, outcome, why = text.split(None, 3)
            known.append(Known(environment, test, {"fail": FAILED, "skip": SKIPPED}[outcome], why))
    return known


def list_tests() -> list[str]:
    """The leaf tests of the families SCSI and iSCSI, which together are the family ALL."""
    out = subprocess.run([TOOL, "--list"], capture_output=True, text=True, check=False).stdout
    names = [line.strip() for line in out.splitlines()]
    return [
        name for name in names if name.count(".") == 2 and name.split(".")[0] in ("SCSI", "iSCSI")
    ]


# A test whose check of a variable holds only once another test of its suite has run before it in the same process (the
# check stands before anything is sent): the whole suite runs, and its outcome is the test's.
WITH_ITS_SUITE = {"iSCSI.iSCSITMF.LUNResetSimpleAsync": "iSCSI.iSCSITMF"}


def run_test(test: str, urls: list[str]) -> tuple[str, str]:
    """Outcome and the output that explains it."""
    wanted = WITH_ITS_SUITE.get(test, test)
    command = [TOOL, "--dataloss", "--test", wanted, *urls]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return FAILED, f"still running after {LIMIT_S} s"
    output = run.stdout + run.stderr
    totals = TOTALS.search(output)
    if run.returncode or totals is None or totals.group(1) == "0" or totals.group(2) != "0":
        return FAILED, f"exit {run.returncode}\n{output}"
    return (SKIPPED, _skip_reason(output)) if "[SKIPPED]" in output else (PASSED, "")


def _skip_reason(output: str) -> str:
    lines = [
        line.partition("[SKIPPED]")[2].strip()
        for line in output.splitlines()
        if "[SKIPPED]" in line
    ]
    return "; ".join(dict.fromkeys(lines))


def run_environment(environment: Environment, tests: list[str], known: list[Known]) -> Report:
    """All tests of one environment on a daemon of its own; a test that kills it fails and gets a new one."""
    report = Report(environment.name)
    todo = [test for test in tests if environment.runs(test)]
    while todo:
        try:
            with Daemon() as daemon:
                urls = environment.urls(daemon)
                while todo and daemon.running:
                    test = todo.pop(0)
                    begin = time.monotonic()
                    outcome, why = run_test(test, urls)
                    if not daemon.running:
                        outcome, why = FAILED, f"tgtd died in this test\n{why}"
                    judge(
                        report,
                        environment.name,
                        test,
                        outcome,
                        why,
                        known,
                        time.monotonic() - begin,
                    )
        except DaemonError as error:
            report.add(f"{environment.name}.daemon", FAILED, str(error))
            if not report.cases[:-1]:
                break
    return report


def judge(
    report: Report,
    where: str,
    test: str,
    outcome: str,
    why: str,
    known: list[Known],
    seconds: float,
) -> None:
    """Adds a case: as it ended, or against what `expected` says of it."""
    expected = next((line for line in known if line.covers(where, test)), None)
    name = f"{where}.{test}"
    if expected is None and outcome == SKIPPED:
        report.add(name, FAILED, f"skipped, which nothing in `expected` allows: {why}", seconds)
    elif expected is None or outcome == expected.outcome == SKIPPED:
        report.add(name, outcome, expected.why if expected else why, seconds)
    elif outcome == expected.outcome:
        report.add(name, SKIPPED, f"known to fail: {expected.why}", seconds)
    else:
        report.add(
            name, FAILED, f"{outcome}, but `expected` says {expected.outcome}: {why}", seconds
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--environment", action="append", help="only this one (repeatable)")
    parser.add_argument("--test", default="*", help="only tests that match this pattern")
    parser.add_argument("--expected", type=Path, default=Path(__file__).with_name("expected"))
    parser.add_argument("--junit", type=Path, help="write the results here")
    parser.add_argument("--jobs", type=int, default=2, help="environments at a time")
    parser.add_argument("--list", action="store_true", help="print environments and tests")
    return parser.parse_args()


def print_report(report: Report) -> None:
    for case in report.named(FAILED):
        print(f"failed: {case.name}")
        print("    " + case.why.strip().replace("\n", "\n    ")[-1500:])
    print(f"{report.name}: {report.totals} of {len(report.cases)}", flush=True)


def main() -> int:
    options = arguments()
    tests = [test for test in list_tests() if fnmatch.fnmatchcase(test, options.test)]
    chosen = [e for e in ENVIRONMENTS if not options.environment or e.name in options.environment]
    if not tests or not chosen:
        print(
            f"nothing to run: {TOOL} lists no such test, or there is no such environment",
            file=sys.stderr,
        )
        return 1
    if options.list:
        print("\n".join(f"{e.name} {test}" for e in chosen for test in tests if e.runs(test)))
        return 0
    known = read_expected(options.expected)
    total = Report("libiscsi")
    with ThreadPoolExecutor(options.jobs) as pool:
        for report in pool.map(lambda e: run_environment(e, tests, known), chosen):
            print_report(report)
            total.cases += report.cases
    print(f"libiscsi: {total.totals}")
    if options.junit:
        total.write(options.junit)
    return 1 if total.count(FAILED) else 0


if __name__ == "__main__":
    sys.exit(main())
