# SPDX-License-Identifier: GPL-2.0-or-later
"""Many administrators at once: nothing is lost, nothing is torn, and every listing is of one moment."""

from __future__ import annotations

import re
import struct
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lib.admin import Admin
from lib.daemon import IQN, Daemon

MAKERS, WATCHERS = 12, 4
ROUNDS, LUNS = 6, 12
TARGET = re.compile(r"^Target (\d+): (\S+)\n((?:    .*\n)*)", re.MULTILINE)
HEADER = struct.Struct("=II64sIiQQIIIIII")  # tgt's request


def show_as_old_clients(path: Path) -> str:
    """`--mode target --op show` in tgt's own dialect."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(HEADER.pack(1, 2, b"", HEADER.size, -1, 0, 2**64 - 1, 0, 0, 0, 0, 0, 0))
        data = b""
        while piece := client.recv(1 << 20):
            data += piece
    code, size = struct.unpack_from("=II", data)
    assert (code, size) == (0, len(data)), "the answer is cut"
    return data[8:].rstrip(b"\0").decode()


def check(text: str) -> dict[int, list[int]]:
    """The LUNs of every target; fails where a listing is not whole, or not of one moment."""
    targets: dict[int, list[int]] = {}
    rest = text
    for found in TARGET.finditer(text):
        tid, name, body = int(found[1]), found[2], found[3]
        rest = rest.replace(found[0], "", 1)
        assert name == f"{IQN}t{tid}"
        sections = re.findall(r"^    (\S.*):$", body, re.MULTILINE)
        assert sections == [
            "System information",
            "I_T nexus information",
            "LUN information",
            "Account information",
            "ACL information",
        ]
        luns = [int(lun) for lun in re.findall(r"^        LUN: (\d+)$", body, re.MULTILINE)]
        # They are made from 1 and deleted from the last, so a hole was never there.
        assert luns == list(range(len(luns))), f"target {tid} has {luns}"
        assert body.count("Backing store flags:") == len(luns)
        targets[tid] = luns
    assert rest == "", f"what belongs to no target: {rest[:200]!r}"
    assert list(targets) == sorted(targets)
    return targets


def make_and_delete(folder: Path, tid: int) -> None:
    """Targets of its own, LUN by LUN, and each listing has what was made and not what was deleted."""
    with Admin(folder) as admin:
        for _ in range(ROUNDS):
            admin.call("target.new", tid=tid, targetname=f"{IQN}t{tid}")
            for lun in range(1, LUNS + 1):
                admin.call("logicalunit.new", tid=tid, lun=lun, bstype="null", **{"backing-store": "1g"})
            admin.call("logicalunit.update", tid=tid, lun=LUNS, params=[["scsi_sn", f"sn-{tid}"]])
            text = admin.call("target.show", format="text")["text"]
            assert check(text)[tid] == list(range(LUNS + 1))
            assert f"            SCSI SN: sn-{tid}\n" in text
            for lun in range(LUNS, 0, -1):
                admin.call("logicalunit.delete", tid=tid, lun=lun)
            assert check(admin.call("target.show", format="text")["text"])[tid] == [0]
            admin.call("target.delete", tid=tid)
            assert tid not in check(admin.call("target.show", format="text")["text"])


def watch(folder: Path, number: int, stop: threading.Event) -> int:
    """Lists until it is told to stop, in one of both dialects."""
    path, shows = folder / "socket.0", 0
    with Admin(folder) as admin:
        while not stop.is_set():
            old = number % 2 == 0
            check(show_as_old_clients(path) if old else admin.call("target.show", format="text")["text"])
            shows += 1
    return shows


def test_nothing_is_lost_and_every_listing_is_of_one_moment() -> None:
    stop = threading.Event()
    with Daemon() as daemon, ThreadPoolExecutor(MAKERS + WATCHERS) as pool:
        watchers = [pool.submit(watch, daemon.dir, number, stop) for number in range(WATCHERS)]
        makers = [pool.submit(make_and_delete, daemon.dir, tid) for tid in range(1, MAKERS + 1)]
        try:
            for maker in makers:
                maker.result()
        finally:
            stop.set()
        assert all(watcher.result() > 0 for watcher in watchers)
        assert daemon.adm("-m", "target", "-o", "show") == ""


def test_the_text_is_that_of_the_objects() -> None:
    """What the daemon renders, an old client gets, and our tgtadm prints is the same, with everything that can be in it."""
    with Daemon() as daemon:
        target = daemon.add_target(nop_interval=5)
        target.add_disk(1, 1 << 20, readonly=1, removable=1, thin_provisioning=1)
        target.add_disk(2, 3 << 30, blocksize=4096)
        daemon.add_target(7, acl=None)
        with Admin(daemon.dir) as admin:
            admin.call("account.new", user="alice", password="alicesecret12")
            admin.call("account.bind", user="alice", tid=1)
            admin.call("account.bind", user="alice", tid=1, outgoing=True)
            text = admin.call("target.show", format="text")["text"]
            shown = admin.call("target.show")["targets"]
        assert text == daemon.adm("-m", "target", "-o", "show")
        assert text == show_as_old_clients(daemon.dir / "socket.0")
        assert check(text) == {entry["tid"]: [lun["lun"] for lun in entry["luns"]] for entry in shown}
        for line in ("Nop interval: 5", "Readonly: Yes", "Thin-provisioning: Yes", "alice (outgoing)"):
            assert f" {line}\n" in text
