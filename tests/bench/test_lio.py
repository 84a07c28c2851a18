# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/vm/bench-lio tells its guest and makes of what the guest says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "vm")]

import lio  # noqa: E402


def said(peer: str, case: str, **changes: object) -> str:
    run = {"machine_cpu_us": 10.0, "own_user_us": 4.0, "iops": 7.0, "completed": 3, "errors": 0}
    return f"run {peer}|{case}|{json.dumps({**run, 'first_error': '', **changes})}\n"


def test_the_targets_take_turns() -> None:
    measured = [text.split("|")[:2] for text in lio.plan(2, 1.0) if text.split("|")[1]]
    assert len(measured) == 2 * len(lio.CASES) * 2
    assert [peer for peer, _ in measured] == ["ours", "lio"] * (len(measured) // 2)
    assert [case for _, case in measured[::2]] == [case for _, case in measured[1::2]]


def test_both_loads_verify_data_on_both_targets_before_anything_is_measured() -> None:
    first = [text.split("|") for text in lio.plan(1, 1.0)][:4]
    assert {(peer, command.split()[0]) for peer, _, command in first} == {
        (peer, f"/run/{load}") for peer in ("ours", "lio") for load in ("lean", "libiscsi_load")
    }
    assert all("--verify" in command for _, _, command in first)


def test_the_rest_is_what_the_load_does_not_need_itself() -> None:
    results = lio.read_runs(said("ours", "") + "noise\n" + said("lio", "c"))
    assert list(results.runs) == [("c", "lio")]
    assert results.runs["c", "lio"][0]["rest_us"] == 6.0


@pytest.mark.parametrize(
    "text",
    [
        said("lio", "c", errors=1, first_error="wrong data"),
        said("lio", "", errors=1, first_error="wrong data"),
        said("lio", "c", completed=0),
        "run lio|c|lean: wrong data\n",
    ],
)
def test_a_failed_load_fails_the_run(text: str) -> None:
    with pytest.raises(lio.GuestError, match="wrong data|not one I/O"):
        lio.read_runs(said("ours", "c") + text)


def test_a_guest_that_ends_early_is_told() -> None:
    text = "".join(said(peer, case.name) for case in lio.CASES for peer in lio.PEERS)
    assert lio.complete(lio.read_runs(text), 1)
    assert not lio.complete(lio.read_runs(text), 2)
    assert not lio.complete(lio.read_runs(said("ours", lio.CASES[0].name)), 1)


def test_a_ratio_compares_medians() -> None:
    text = "".join(said("ours", "c", machine_cpu_us=one) for one in (1, 2, 90)) + said("lio", "c")
    table = lio.ratio_table("title", "machine_cpu_us", lio.read_runs(text))
    assert table.splitlines()[-1] == "| c | 2.00 (1.00-90.0) | 10.0 | 0.20 |"
