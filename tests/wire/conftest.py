# SPDX-License-Identifier: GPL-2.0-or-later
"""One daemon for all scripted-PDU tests. It is looked at after every test: the one that broke it fails."""

from __future__ import annotations

from typing import Iterator

import pytest

from lib.daemon import Daemon, DaemonError, Target
from lib.iscsi import Connection
from lib.wire import Connect, MakeTarget, open_session

DISK_BYTES = 8 << 20


class Shared:
    """The daemon of the whole run, replaced after a test that killed it."""

    def __init__(self) -> None:
        self._daemon: Daemon | None = None

    def get(self) -> Daemon:
        if self._daemon is None:
            self._daemon = Daemon().__enter__()
            self.default = self._daemon.add_target()
            self.default.add_disk(1, DISK_BYTES)
        return self._daemon

    def check(self) -> None:
        if self._daemon is None:
            return
        try:
            self._daemon.check_alive()
        except DaemonError:
            self.drop()
            raise

    def drop(self) -> None:
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.__exit__(None, None, None)


@pytest.fixture(scope="session")
def shared() -> Iterator[Shared]:
    holder = Shared()
    yield holder
    holder.drop()


@pytest.fixture
def daemon(shared: Shared) -> Iterator[Daemon]:
    yield shared.get()
    shared.check()


@pytest.fixture
def target(daemon: Daemon, shared: Shared) -> Target:
    """A target with default parameters, every initiator admitted, one disk at LUN 1."""
    return shared.default


@pytest.fixture
def make_target(daemon: Daemon) -> Iterator[MakeTarget]:
    """Makes a target of its own for the test: make_target(MaxBurstLength=4096, ...)."""
    made: list[Target] = []

    def make(*, disk: bool = True, acl: str | None = "ALL", **params: object) -> Target:
        new = daemon.add_target(None, acl=acl, **params)
        made.append(new)
        if disk:
            new.add_disk(1, DISK_BYTES)
        return new

    yield make
    for old in made:
        if daemon.running:
            old.delete()


@pytest.fixture
def fault_target(daemon: Daemon, make_target: MakeTarget) -> Target:
    """A target with a disk of 1 MiB that fails when it is told to."""
    target = make_target(disk=False)
    path = daemon.dir / f"fault-{target.tid}"
    path.write_bytes(bytes(1 << 20))
    words = ("-t", str(target.tid), "-l", "1", "-b", str(path), "--bstype", "fault")
    daemon.adm("-m", "logicalunit", "-o", "new", *words)
    return target


@pytest.fixture
def connect(daemon: Daemon) -> Iterator[Connect]:
    """Opens TCP connections to the daemon; all are closed at the end of the test."""
    opened: list[Connection] = []

    def make(**options: object) -> Connection:
        host = str(options.pop("host", "127.0.0.1"))
        connection = Connection(host, daemon.port, **options)  # type: ignore[arg-type]
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def session(connect: Connect, target: Target) -> Connection:
    """A session on the default target, past its unit attentions."""
    return open_session(connect, target)
