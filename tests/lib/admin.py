# SPDX-License-Identifier: GPL-2.0-or-later
"""The admin socket's own language: JSON-RPC, one request or array on a line."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Iterable

BATCH = 1000  # requests in one array; the daemon takes 4096


class AdminError(AssertionError):
    """A request was refused."""


class Admin:
    """A connection to the admin socket in a daemon's folder. `with Admin(daemon.dir) as admin: ...`."""

    def __init__(self, folder: Path, timeout: float = 60.0) -> None:
        path = next(path for path in folder.glob("socket*") if path.is_socket())
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def call(self, method: str, **params: object) -> Any:
        return self.batch([(method, params)])[0]

    def batch(self, requests: Iterable[tuple[str, dict[str, object]]]) -> list[Any]:
        """Many requests, in arrays; their results."""
        waiting = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(requests)
        ]
        results = []
        for begin in range(0, len(waiting), BATCH):
            self._socket.sendall(json.dumps(waiting[begin : begin + BATCH]).encode() + b"\n")
            for answer in json.loads(self._lines.readline()):
                if "error" in answer:
                    raise AdminError(f"{waiting[answer['id']]}: {answer['error']}")
                results.append(answer["result"])
        return results
