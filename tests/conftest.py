# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes `lib` importable for every test and bounds each test's time: a test that hangs is a failure."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True

TEST_LIMIT_S = 120


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    """Ends a test that takes longer than TEST_LIMIT_S."""

    def expired(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took longer than {TEST_LIMIT_S} s")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.alarm(TEST_LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
