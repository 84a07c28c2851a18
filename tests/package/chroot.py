# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian system in a folder with processes, a host name and a network of its own: nothing of the host is touched."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Callable, TypeVar

T = TypeVar("T")
COMMAND_LIMIT_S = 100
CLONE_NEWNET = 0x40000000
# The first process of the system: keeps the namespaces alive and buries the dead. It is ready when
# it is inside: whoever enters before is outside, too.
FIRST = """
mount -t proc proc proc && mount -t tmpfs tmpfs run && mount -t tmpfs -o mode=755 tmpfs dev || exit 1
for node in null zero full random urandom tty; do touch dev/$node && mount --bind /dev/$node dev/$node || exit 1; done
mkdir -p run/lock dev/shm && ln -s /proc/self/fd dev/fd && ip link set lo up || exit 1
exec chroot . /bin/bash -c 'echo ready; trap : TERM; while :; do sleep 1000 & wait; done'
"""


class CommandError(AssertionError):
    """A command in the system ended with another status than expected."""


class Chroot:
    """Made from an archive; gone with the object, and every process in it."""

    def __init__(self, archive: Path) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="tgt-root-"))
        subprocess.run(["tar", "-xf", archive, "-C", self.root], check=True)
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        # There is no init; services are started by their scripts all the same.
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 104\n")
        policy.chmod(0o755)
        namespaces = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork"]
        self._first = subprocess.Popen(
            [*namespaces, "--kill-child", "/bin/sh", "-c", FIRST],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._first.stdout and self._first.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children")
        self._pid = int(children.read_text())

    def __enter__(self) -> Chroot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._first.kill()
        self._first.wait()
        shutil.rmtree(self.root)

    def run(self, *command: str, status: int | None = 0) -> str:
        """Standard output and error of a command; another exit status than `status` raises."""
        enter = ["nsenter", "-t", str(self._pid), "--all", "--root", "--wd"]
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C.UTF-8",
        }
        # Into a file: what stays behind in the background keeps a pipe open.
        with tempfile.TemporaryFile() as out:
            run = subprocess.run(
                [*enter, *command],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_LIMIT_S,
                check=False,
            )
            out.seek(0)
            text = out.read().decode(errors="replace")
        print(f"# {' '.join(command)}\n{text}", end="")
        if status is not None and run.returncode != status:
            raise CommandError(f"{' '.join(command)}: status {run.returncode}\n{text}")
        return text

    def in_network(self, call: Callable[[], T]) -> T:
        """What the call gives, made by a thread in the system's network: sockets stay there."""
        result: list[T] = []

        def enter() -> None:
            libc = ctypes.CDLL(None, use_errno=True)
            fd = os.open(f"/proc/{self._pid}/ns/net", os.O_RDONLY)
            try:
                assert libc.setns(fd, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            finally:
                os.close(fd)
            result.append(call())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert result, "the call failed"
        return result[0]
