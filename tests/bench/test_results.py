# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/bench makes of the figures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import document  # noqa: E402
from cases import GOALS, GROUPS, QUICK, Goal  # noqa: E402
from results import Results, Spread, figure, judge, verdicts  # noqa: E402


def results_of(**figures: list[float]) -> Results:
    """CPU per I/O in the case `c`, by peer."""
    results = Results()
    for peer, values in figures.items():
        for value in values:
            results.add("c", peer, {"server_cpu_us": value, "ios": 1, "errors": 0})
    return results


def goal(limit: float, least: bool = False) -> Goal:
    return Goal("what", "server_cpu_us", "c", ("tgt", "c"), limit, least)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123, "0.12"), (12.34, "12.3"), (123.4, "123"), (1234.5, "1,234"), (0, "0.00")],
)
def test_a_figure_has_the_digits_that_count(value: float, text: str) -> None:
    assert figure(value) == text


def test_a_spread_is_the_median_with_least_and_most() -> None:
    assert str(Spread((3.0, 1.0, 200.0))) == "3.00 (1.00-200)"
    assert str(Spread((3.0,))) == "3.00"


def test_a_goal_compares_medians() -> None:
    results = results_of(ours=[1, 2, 90], tgt=[10, 10, 10])
    assert judge(goal(0.25), results).reached is True
    assert judge(goal(0.19), results).reached is False
    assert judge(goal(0.19, least=True), results).reached is True


def test_a_goal_without_figures_is_neither_reached_nor_missed() -> None:
    assert judge(goal(1), results_of(ours=[1])).reached is None
    assert all(one.reached is None for one in verdicts(Results()))


def test_errors_and_runs_without_an_io_are_told() -> None:
    results = results_of(ours=[1])
    assert not list(results.errors())
    results.add("c", "tgt", {"errors": 2, "first_error": "wrong data"})
    results.add("c", "istgt", {"errors": 0, "ios": 0, "completed": 5})
    assert [line.split(",")[0] for line in results.errors()] == ["tgt", "istgt"]
    assert [line.split(",")[0] for line in results.errors(smoke=True)] == ["tgt"]


def test_runs_survive_a_file(tmp_path: Path) -> None:
    results = results_of(ours=[1, 2], tgt=[3])
    results.write(tmp_path / "runs.json")
    assert Results.read(tmp_path / "runs.json").runs == results.runs


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    text = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n"
    new = document.replace_section(text, "x", "new \\1")
    assert new == "a\n<!-- bench:x -->\nnew \\1\n<!-- /bench:x -->\nb\n"
    with pytest.raises(ValueError, match="0 times"):
        document.replace_section(text, "y", "new")


def test_the_document_of_the_tree_has_every_marker() -> None:
    text = (Path(__file__).resolve().parents[2] / "doc/performance.md").read_text()
    for name in ("machine", "goals", "tables", "lio"):
        document.replace_section(text, name, "new")


def test_goals_and_the_smoke_run_name_cases_that_exist() -> None:
    peers = {case.name: group.peers for group in GROUPS for case in group.cases}
    for one in GOALS:
        assert "ours" in peers[one.case], one.what
        base_peer, base_case = one.base
        assert base_peer in peers[base_case], one.what
    groups = {group.name: {case.name for case in group.cases} for group in GROUPS}
    for name, cases in QUICK.items():
        assert set(cases) <= groups[name]
