# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as JUnit XML, the one format in which every suite hands its counts to scripts/test."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass
class Case:
    """One test: its name, how it ended and, unless it passed, why."""

    name: str
    outcome: str
    why: str = ""
    seconds: float = 0.0


@dataclass
class Report:
    """The cases of one suite."""

    name: str
    cases: list[Case] = field(default_factory=list)

    def add(self, name: str, outcome: str, why: str = "", seconds: float = 0.0) -> None:
        self.cases.append(Case(name, outcome, why, seconds))

    def count(self, outcome: str) -> int:
        return sum(case.outcome == outcome for case in self.cases)

    def named(self, outcome: str) -> list[Case]:
        return [case for case in self.cases if case.outcome == outcome]

    @property
    def totals(self) -> str:
        return ", ".join(
            f"{self.count(outcome)} {outcome}" for outcome in (PASSED, FAILED, SKIPPED)
        )

    def write(self, path: Path) -> None:
        suite = xml.Element("testsuite", name=self.name, tests=str(len(self.cases)))
        for case in self.cases:
            one = xml.SubElement(suite, "testcase", name=case.name, time=f"{case.seconds:.3f}")
            if case.outcome == FAILED:
                xml.SubElement(one, "failure").text = case.why
            elif case.outcome == SKIPPED:
                xml.SubElement(one, "skipped", message=case.why)
        path.parent.mkdir(parents=True, exist_ok=True)
        xml.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)

    @classmethod
    def read(cls, name: str, path: Path) -> Report:
        """Reads what pytest, GoogleTest or `write` has written."""
        report = cls(name)
        for one in xml.parse(path).getroot().iter("testcase"):
            prefix = one.get("classname", "")
            label = f"{prefix}.{one.get('name', '')}" if prefix else one.get("name", "")
            outcome, why = _outcome(one)
            report.add(label, outcome, why, float(one.get("time", "0")))
        return report


def _outcome(case: xml.Element) -> tuple[str, str]:
    for tag in ("failure", "error"):
        found = case.find(tag)
        if found is not None:
            return FAILED, (found.text or found.get("message") or "").strip()
    found = case.find("skipped")
    if found is not None or case.get("status") == "notrun":
        return SKIPPED, "" if found is None else found.get("message", "")
    return PASSED, ""
