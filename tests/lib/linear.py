# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what several clients saw of one register can have happened one operation after the other.

A history is linearizable when every operation can be given a moment between its begin and its end so that, in the
order of these moments, each did what a register does: a write sets the value, a read tells it, a compare and write
sets it only when it is the expected one, and tells which.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """An operation that has ended. kind: read (value), write (value), swap or miss (expected, value)."""

    begin: float
    end: float
    kind: str
    value: int
    expected: int = 0

    def apply(self, state: int) -> int | None:
        """The value afterwards, or None when it cannot have been so in this state."""
        if self.kind == "write":
            return self.value
        if self.kind == "read":
            return state if state == self.value else None
        if self.kind == "swap":
            return self.value if state == self.expected else None
        return state if state != self.expected else None  # miss


Config = tuple[int, frozenset[int]]  # the value, and which of the running operations have had their moment


def first_contradiction(history: list[Done], start: int) -> Done | None:
    """The operation whose outcome no order explains, or None: the history is linearizable."""
    events = sorted(
        [(op.begin, 0, i) for i, op in enumerate(history)]
        + [(op.end, 1, i) for i, op in enumerate(history)]
    )
    running: set[int] = set()
    configs: set[Config] = {(start, frozenset())}
    for _, ends, i in events:
        if not ends:
            running.add(i)
            continue
        configs = _with(history, configs, running, i)
        if not configs:
            return history[i]
        running.discard(i)
        configs = {(value, had - {i}) for value, had in configs}
    return None


def _with(history: list[Done], configs: set[Config], running: set[int], i: int) -> set[Config]:
    """Every way in which the operations that run now go on until `i` has had its moment."""
    found: set[Config] = set()
    seen, todo = set(configs), list(configs)
    while todo:
        value, had = todo.pop()
        if i in had:
            found.add((value, had))
            continue
        for j in running - had:
            after = history[j].apply(value)
            if after is None:
                continue
            following = (after, had | {j})
            if following not in seen:
                seen.add(following)
                todo.append(following)
    return found
