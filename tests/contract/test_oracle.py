# SPDX-License-Identifier: GPL-2.0-or-later
"""tgtadm and its socket are what tgt's users know: one script, Debian's tgt 1.0.85 and ours in all four pairs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oracle import ONLY_OURS, PAIRS, REASON_LINE, REASONS, Line, Outcome, compare, perform, read_script

SECTIONS = read_script(Path(__file__).with_name("oracle_commands.txt"))
OURS = [pair for pair in PAIRS.values() if pair.our_tgtd]


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != ONLY_OURS])
def test_outputs_and_exit_codes_are_those_of_tgt(section: str) -> None:
    """Byte for byte, but for the differences that the script gives a reason for."""
    lines = SECTIONS[section]
    with ThreadPoolExecutor(len(PAIRS)) as pool:
        outcomes = dict(zip(PAIRS, pool.map(lambda pair: perform(pair, lines), PAIRS.values())))
    differences = [
        text
        for letter in "bcd"
        for text in compare(lines, outcomes["a"], PAIRS[letter], outcomes[letter])
    ]
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("pair", OURS, ids=lambda pair: pair.letter)
def test_what_ends_the_daemon_of_tgt_does_not_end_ours(pair) -> None:  # type: ignore[no-untyped-def]
    lines = SECTIONS[ONLY_OURS]
    silent = [None if line.text[0] in "@?" else Outcome(0, "", "") for line in lines]
    differences = list(compare(lines, silent, pair, perform(pair, lines)))
    assert not differences, "\n".join(differences)


def test_every_refusal_has_a_reason() -> None:
    """Quirk 10: tgt says `invalid request` and no more; our tgtadm with our daemon says why."""
    without = [
        f"line {line.number}: tgtadm {line.text}: {outcome}"
        for lines in SECTIONS.values()
        for line, outcome in zip(lines, perform(PAIRS["b"], lines))
        if outcome and outcome.code == 22 and refused_by_daemon(outcome) and not has_reason(outcome)
    ]
    assert not without, "\n".join(without)


def refused_by_daemon(outcome: Outcome) -> bool:
    """Not by the client, whose texts name an option."""
    return "tgtadm: invalid request\n" in outcome.err or "can't find" in outcome.err


def has_reason(outcome: Outcome) -> bool:
    return REASON_LINE.search(outcome.err) is not None or "can't find bus" in outcome.err


def test_every_difference_has_a_reason_and_every_reason_a_difference() -> None:
    used = {
        difference.reason
        for lines in SECTIONS.values()
        for line in lines
        for difference in line.differences
    }
    assert used == set(REASONS)


def test_the_script_has_every_mode_and_operation() -> None:
    words = {line_verb(line) for lines in SECTIONS.values() for line in lines}
    modes = ("system", "target", "lu", "portal", "account", "conn", "sess", "lld")
    operations = ("new", "delete", "show", "bind", "unbind", "update", "stat", "start", "stop")
    missing = {(mode, operation) for mode in modes for operation in operations} - words
    assert not missing, sorted(missing)


def line_verb(line: Line) -> tuple[str, str]:
    words = line.text.split()
    if "-m" not in words or "-o" not in words:
        return "", ""
    return words[words.index("-m") + 1], words[words.index("-o") + 1]
