# SPDX-License-Identifier: GPL-2.0-or-later
"""What the load generators do when things go wrong."""

from __future__ import annotations

import subprocess
import time

import pytest

from lib.daemon import BUILD, Daemon

BEGIN_LIMIT_S = 20.0


@pytest.mark.parametrize("direction", ["read", "write"])
@pytest.mark.parametrize("program", ["lean", "libiscsi_load"])
def test_a_target_that_dies_is_told_and_ends_the_load(program: str, direction: str) -> None:
    with Daemon() as daemon:
        target = daemon.add_target()
        target.add_disk(1, 1 << 20)
        words = ["--rw", direction, "--sessions", "2", "--seconds", "60", target.url(1)]
        load = subprocess.Popen(
            [BUILD / "bench" / program, *words], stderr=subprocess.PIPE, text=True
        )
        limit = time.monotonic() + BEGIN_LIMIT_S
        while daemon.adm("-m", "conn", "-o", "show", "-t", "1").count("Session") < 2:
            assert time.monotonic() < limit, "the load does not log in"
            time.sleep(0.05)
        time.sleep(0.2)
        daemon.kill()
        _, error = load.communicate(timeout=30)
    assert load.returncode == 1
    assert error.startswith(f"{program}: "), error
