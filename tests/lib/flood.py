# SPDX-License-Identifier: GPL-2.0-or-later
"""A program of its own that opens connections and says nothing on them, until it is ended.

    python3 flood.py HOST PORT SOURCE OPEN     OPEN: how many it keeps open at once

4000 a second at most: more would use up the port numbers of one address.
"""

from __future__ import annotations

import collections
import resource
import socket
import subprocess
import sys
import time
from types import TracebackType


RATE = 4000.0


def flood(host: str, port: int, source: str, most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most + 64, most + 64))
    kept: collections.deque[socket.socket] = collections.deque()
    begin, count = time.monotonic(), 0
    while True:
        count += 1
        time.sleep(max(0.0, begin + count / RATE - time.monotonic()))
        one = socket.socket()
        one.setblocking(False)
        one.bind((source, 0))
        one.connect_ex((host, port))
        kept.append(one)
        if len(kept) > most:
            kept.popleft().close()


class Flood:
    """The program, from `with` to its end."""

    def __init__(self, port: int, *, source: str = "127.0.0.1", most: int = 800) -> None:
        self._command = [sys.executable, __file__, "127.0.0.1", str(port), source, str(most)]

    def __enter__(self) -> Flood:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.poll() is None, "the flood has ended by itself"
        self._process.kill()
        self._process.wait()


if __name__ == "__main__":
    flood(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
