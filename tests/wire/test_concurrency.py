# SPDX-License-Identifier: GPL-2.0-or-later
"""Many sessions at once, spread over the workers, while the administrator changes things."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from lib import scsi
from lib.daemon import Daemon, Target
from lib.iscsi import Closed, Connection, LoginRefused, Silence
from lib.wire import MakeTarget

SESSIONS = 8
ROUNDS = 40
REGION_BLOCKS = 512


def session_on(daemon: Daemon, target: Target) -> Connection:
    session = Connection("127.0.0.1", daemon.port)
    session.login(target.name)
    session.settle()
    return session


def read_and_write(daemon: Daemon, target: Target, number: int) -> None:
    """Writes random pieces of a region of its own and compares the whole region each time."""
    noise = random.Random(number)
    region = bytearray(REGION_BLOCKS * 512)
    base = number * REGION_BLOCKS
    with session_on(daemon, target) as session:
        session.write(base, bytes(region))
        for _ in range(ROUNDS):
            lba, blocks = noise.randrange(REGION_BLOCKS - 64), noise.randrange(1, 64)
            data = noise.randbytes(blocks * 512)
            session.write(base + lba, data)
            region[lba * 512 : (lba + blocks) * 512] = data
            assert session.read(base, REGION_BLOCKS) == region
        session.logout()


def test_sessions_on_one_lun_do_not_mix_their_data(daemon: Daemon, make_target: MakeTarget) -> None:
    """One LUN, several sessions on several workers: every byte is compared."""
    target = make_target()
    with ThreadPoolExecutor(SESSIONS) as pool:
        for done in [pool.submit(read_and_write, daemon, target, n) for n in range(SESSIONS)]:
            done.result()


def test_io_goes_on_while_targets_come_and_go(daemon: Daemon, make_target: MakeTarget) -> None:
    """Administration never disturbs the sessions of another target."""
    target = make_target()
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(read_and_write, daemon, target, n) for n in range(4)]
        while not all(done.done() for done in work):
            passing = daemon.add_target()
            passing.add_disk(1, 1 << 20)
            with session_on(daemon, passing) as session:
                session.write(0, b"x" * 512)
            daemon.adm("-m", "target", "-o", "show")
            passing.delete()
        for done in work:
            done.result()


def test_logins_and_disconnects_at_random(daemon: Daemon, make_target: MakeTarget) -> None:
    """Sessions that come, reinstate each other and go without a word; then the target works as before."""
    target = make_target()

    def come_and_go(number: int) -> None:
        noise = random.Random(number)
        isid = bytes([0x80, 0, 0, 0, 0, number % 3])  # few names: many reinstatements
        for _ in range(30):
            with Connection("127.0.0.1", daemon.port, isid=isid) as session:
                try:
                    session.login(target.name)
                    for _ in range(noise.randrange(5)):
                        session.send(session.scsi(scsi.read10(0, 64), edtl=32768))
                    if noise.random() < 0.5:
                        session.recv(1.0)
                except (Closed, Silence, LoginRefused):
                    pass

    with ThreadPoolExecutor(SESSIONS) as pool:
        for done in [pool.submit(come_and_go, n) for n in range(SESSIONS)]:
            done.result()
    read_and_write(daemon, target, 0)


def test_resets_under_load(daemon: Daemon, make_target: MakeTarget) -> None:
    """LUN RESET while others read and write: each of their commands ends or the reset tells them why not."""
    target = make_target()
    stop = threading.Event()

    def load(number: int) -> int:
        done = 0
        with session_on(daemon, target) as session:
            while not stop.is_set():
                data = bytes([number + 1]) * 4096
                request = session.first_pdus(scsi.write10(number * 8, 8), data)
                session.send(*request)
                try:
                    if session.finish(request[0].itt, data).status == scsi.GOOD:
                        done += 1
                except Silence:  # aborted: SAM-5 7.7 gives no response to the other nexuses (TAS=0)
                    continue
        return done

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(load, n) for n in range(4)]
        with session_on(daemon, target) as session:
            for _ in range(10):
                assert session.task_management(5) == 0
                session.settle()
        stop.set()
        counts = [done.result() for done in work]
    assert len(counts) == 4
    with session_on(daemon, target) as session:
        session.write(0, b"r" * 512)
        assert session.read(0, 1) == b"r" * 512
