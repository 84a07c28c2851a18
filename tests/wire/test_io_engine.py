# SPDX-License-Identifier: GPL-2.0-or-later
"""tgtd --io-engine: what is used where io_uring is allowed, and where it is not (containers forbid it)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib import scsi
from lib.daemon import TGTD, Daemon, free_port
from lib.iscsi import Connection

# Runs the rest of its arguments without io_uring, as a container does: a seccomp filter answers
# io_uring_setup (425 everywhere) with EPERM.
WITHOUT_URING = """
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050000 | 1), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in code))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
filter = Filter(len(code), ctypes.addressof(program))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
assert libc.prctl(38, 1, None, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.addressof(filter), 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[1], sys.argv[1:])
"""


def without_uring(folder: Path) -> list[str]:
    script = folder / "without_uring.py"
    script.write_text(WITHOUT_URING)
    return [sys.executable, str(script)]


def start_alone(prefix: list[str], engine: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A start that is to fail."""
    command = [*prefix, str(TGTD), "-f", "-C", "0", "--io-engine", engine]
    command += ["--iscsi", f"portal=127.0.0.1:{free_port()}"]
    env = {**os.environ, "TGT_IPC_SOCKET": str(folder / "socket")}
    return subprocess.run(command, capture_output=True, text=True, timeout=20, env=env, check=False)


def engine_of(daemon: Daemon) -> str:
    shown = json.loads(daemon.adm("--json", "-m", "system", "-o", "show"))
    return str(shown["io_engine"])


def write_and_read_cold(daemon: Daemon, store: str) -> None:
    """What was written comes back, from the medium and not from the page cache."""
    target = daemon.add_target()
    path = daemon.dir / f"disk-{target.tid}"
    path.write_bytes(bytes(1 << 20))
    where = ("-m", "logicalunit", "-o", "new", "-t", str(target.tid), "-l", "1", "-y", "4096")
    daemon.adm(*where, "-E", store, "-b", str(path))
    with Connection("127.0.0.1", daemon.port) as session:
        session.login(target.name)
        session.settle()
        data = os.urandom(64 * 4096)
        session.write(8, data, blocksize=4096)
        assert session.command(bytes([0x35]) + bytes(9)).status == scsi.GOOD
        for first, blocks in ((8, 64), (9, 1), (10, 40)):
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            expected = data[(first - 8) * 4096 :][: blocks * 4096]
            assert session.read(first, blocks, blocksize=4096) == expected


def uring_is_allowed() -> bool:
    probe = "import ctypes; raise SystemExit(ctypes.CDLL(None, use_errno=True).syscall(425, 0, 0) "
    probe += "and ctypes.get_errno() in (1, 38))"
    return subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


@pytest.mark.parametrize("store", ["rdwr", "aio"])
@pytest.mark.parametrize("engine", ["auto", "uring", "epoll"])
def test_each_engine_serves_and_is_named(engine: str, store: str) -> None:
    if engine == "uring" and not uring_is_allowed():
        pytest.skip("NOT TESTED: io_uring is forbidden here")
    with Daemon(options=["--io-engine", engine]) as daemon:
        if engine != "auto":
            assert engine_of(daemon) == engine
        elif uring_is_allowed():
            assert engine_of(daemon) == "uring"
        write_and_read_cold(daemon, store)


@pytest.mark.parametrize("store", ["rdwr", "aio"])
def test_auto_goes_on_where_io_uring_is_forbidden(store: str, tmp_path: Path) -> None:
    daemon = Daemon()
    daemon.prefix = without_uring(tmp_path)
    with daemon:
        assert engine_of(daemon) == "epoll"
        write_and_read_cold(daemon, store)
        lines = [line for line in daemon.log_text().splitlines() if "io_uring" in line]
        assert len(lines) == 1 and "seccomp" in lines[0] and "epoll" in lines[0], lines


def test_uring_is_a_start_error_where_it_is_forbidden(tmp_path: Path) -> None:
    ended = start_alone(without_uring(tmp_path), "uring", tmp_path)
    assert ended.returncode == 1
    assert "--io-engine uring" in ended.stderr and "seccomp" in ended.stderr, ended.stderr
    assert "use auto or epoll" in ended.stderr


def test_unknown_engine_is_a_usage_error(tmp_path: Path) -> None:
    ended = start_alone([], "select", tmp_path)
    assert ended.returncode != 0
    assert "'select' invalid: use auto, uring or epoll" in ended.stderr
