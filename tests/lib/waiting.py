# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for what another process does in its own time."""

from __future__ import annotations

import time
from typing import Callable


def wait_for(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Until the condition holds; fails when it does not within so many seconds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"it did not happen within {limit:g} s"
        time.sleep(0.02)
