# SPDX-License-Identifier: GPL-2.0-or-later
"""A tape library made by tgt-setup-library, over iSCSI: inventory, load, unload, and what a restart leaves."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from typing import Iterator

import pytest

from lib import scsi
from lib.daemon import BUILD, Daemon
from lib.iscsi import Connection

NAME = "iqn.2001-04.org.example:library"
DRIVE, CHANGER = 1, 3  # LUNs
SLOT, FIRST_DRIVE = 1024, 256
FULL, EMPTY, PREVENTED = "5/3b0d", "5/3b0e", "5/5302"


def run(daemon: Daemon, *command: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TGT_IPC_SOCKET": str(daemon.dir / "socket")}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def setup_library(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    return run(daemon, str(BUILD / "tgt-setup-library"), "-n", NAME, "-d", str(daemon.dir / "library"), *words)


def admin(daemon: Daemon, *words: str, conf: str) -> list[str]:
    """The commands that tgt-admin has sent."""
    file = daemon.dir / "targets.conf"
    file.write_text(conf)
    done = run(daemon, str(BUILD / "tgt-admin"), "-v", "-c", str(file), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.split("\n") if line.startswith("tgtadm ")]


@pytest.fixture
def library() -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="tgt-") as state:
        with Daemon(options=("--state-dir", f"{state}/state")) as daemon:
            yield daemon


def login(daemon: Daemon) -> Connection:
    connection = Connection("127.0.0.1", daemon.port)
    connection.login(NAME)
    for lun in (DRIVE, CHANGER):
        connection.command(scsi.request_sense(), lun=lun, read=252)
    return connection


def answers(connection: Connection, cdb: bytes, lun: int = CHANGER, **data: object) -> str:
    """GOOD or the sense; unit attentions are passed over."""
    for _ in range(8):
        result = connection.command(cdb, lun=lun, **data)  # type: ignore[arg-type]
        if not (result.sense and result.sense.key == scsi.UNIT_ATTENTION):
            break
    return "good" if result.status == scsi.GOOD else str(result.sense)


def move(source: int, destination: int) -> bytes:
    return struct.pack(">BxHHHHBB", 0xA5, 1, source, destination, 0, 0, 0)


def tags(connection: Connection) -> dict[int, str]:
    """Barcodes by address, of READ ELEMENT STATUS with all elements."""
    cdb = struct.pack(">BBHHB", 0xB8, 0x10, 0, 0xFFFF, 0) + struct.pack(">I", 0xFFFF)[1:] + bytes(2)
    for _ in range(8):
        result = connection.command(cdb, lun=CHANGER, read=0xFFFF)
        if result.status == scsi.GOOD:
            break
    data, out, at = result.data, {}, 8
    while at < len(data):
        length, size = struct.unpack_from(">H", data, at + 2)[0], int.from_bytes(data[at + 5 : at + 8], "big")
        for element in range(at + 8, at + 8 + size, length):
            if data[element + 2] & 1:
                address = struct.unpack_from(">H", data, element)[0]
                out[address] = data[element + 12 : element + 44].decode().strip()
        at += 8 + size
    return out


def write6(data: bytes) -> bytes:
    return bytes([0x0A, 0]) + struct.pack(">I", len(data))[1:] + b"\0"


def read6(length: int) -> bytes:
    return bytes([0x08, 0]) + struct.pack(">I", length)[1:] + b"\0"


REWIND = bytes([0x01, 0, 0, 0, 0, 0])
PREVENT, ALLOW = bytes([0x1E, 0, 0, 0, 1, 0]), bytes([0x1E, 0, 0, 0, 0, 0])


def test_a_library_from_one_command_survives_a_crash(library: Daemon) -> None:
    done = setup_library(library, "--drives", "2", "--slots", "4", "--media", "LTO-8", "--tapes", "3")
    assert done.returncode == 0, done.stderr
    block = b"what was written" * 64
    with login(library) as host:
        assert tags(host) == {SLOT + i: f"A0000{i + 1}L8" for i in range(3)}
        assert answers(host, move(SLOT, FIRST_DRIVE)) == "good"
        assert answers(host, move(SLOT + 1, FIRST_DRIVE)) == FULL
        assert answers(host, move(SLOT + 3, SLOT)) == EMPTY
        assert answers(host, write6(block), lun=DRIVE, write=block) == "good"
        assert answers(host, bytes([0x10, 0, 0, 0, 1, 0]), lun=DRIVE) == "good"
    library.kill()
    library.start()
    with login(library) as host:
        assert tags(host) == {FIRST_DRIVE: "A00001L8", SLOT + 1: "A00002L8", SLOT + 2: "A00003L8"}
        assert answers(host, REWIND, lun=DRIVE) == "good"
        assert host.command(read6(len(block)), lun=DRIVE, read=len(block)).data == block
        assert answers(host, PREVENT, lun=DRIVE) == "good"
        assert answers(host, move(FIRST_DRIVE, SLOT)) == PREVENTED
        assert answers(host, ALLOW, lun=DRIVE) == "good"
        assert answers(host, move(FIRST_DRIVE, SLOT + 3)) == "good"
        assert tags(host)[SLOT + 3] == "A00001L8"
        assert answers(host, scsi.TEST_UNIT_READY, lun=DRIVE) == "2/3a00"


def test_what_fails_is_undone(library: Daemon) -> None:
    done = setup_library(library, "--slots", "2", "--personality", "none-such")
    assert done.returncode == 1
    assert "none-such" in done.stderr
    assert not (library.dir / "library").exists()
    assert NAME not in library.adm("-m", "target", "-o", "show")


def test_a_dry_run_does_nothing(library: Daemon) -> None:
    done = setup_library(library, "--slots", "2", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "barcode=A00002L8" in done.stdout
    assert not (library.dir / "library").exists()
    assert NAME not in library.adm("-m", "target", "-o", "show")


def test_a_block_of_the_configuration_says_the_same_library() -> None:
    with Daemon() as daemon:
        done = setup_library(daemon, "--drives", "2", "--slots", "3", "--tapes", "2", "--config")
        assert done.returncode == 0, done.stderr
        conf = done.stdout
        assert "<library " in conf
        assert admin(daemon, "--update", "ALL", conf=conf) == []
        with login(daemon) as host:
            assert answers(host, move(SLOT, FIRST_DRIVE)) == "good"
            assert admin(daemon, "--update", "ALL", conf=conf) == []
        daemon.kill()
        daemon.start()
        assert admin(daemon, "-e", conf=conf)
        with login(daemon) as host:
            assert tags(host) == {FIRST_DRIVE: "A00001L8", SLOT + 1: "A00002L8"}
            assert answers(host, scsi.TEST_UNIT_READY, lun=DRIVE) == "good"
            assert admin(daemon, "--update", "ALL", conf=conf) == []
            more = conf.replace("slots 3", "slots 5")
            assert [line.split("--params")[1] for line in admin(daemon, "--update", "ALL", conf=more)] == [
                " 'arms=1,slots=5,ports=4,drives=2'"
            ]
            assert answers(host, move(FIRST_DRIVE, SLOT + 4)) == "good"
        dump = run(daemon, str(BUILD / "tgt-admin"), "--dump").stdout
        assert "slots 5" in dump
        assert admin(daemon, "--update", "ALL", conf=dump) == []


def test_elements_begin_where_the_personality_has_them(library: Daemon) -> None:
    done = setup_library(library, "--slots", "2", "--personality", "stk-l700", "--config")
    assert done.returncode == 0, done.stderr
    with login(library) as host:
        assert tags(host) == {1000: "A00001L8", 1001: "A00002L8"}
    assert admin(library, "--update", "ALL", conf=done.stdout) == []
    lines = done.stdout.replace("personality stk-l700", "personality stk-l700\n\tdrive-personality ibm-td8")
    assert len(admin(library, "--update", "ALL", conf=lines)) == 2
    assert admin(library, "--update", "ALL", conf=lines) == []
    plain = done.stdout.replace("personality stk-l700", "")
    assert len(admin(library, "--update", "ALL", conf=plain)) == 3
    assert admin(library, "--update", "ALL", conf=plain) == []


def test_a_drive_is_online_while_its_cartridge_is_loaded(library: Daemon) -> None:
    assert setup_library(library, "--slots", "1").returncode == 0

    def online() -> str:
        shown = library.adm("-m", "target", "-o", "show")
        return shown.split("LUN: 1\n")[1].split("Online: ")[1].split("\n")[0]

    unload, load = bytes([0x1B, 0, 0, 0, 0, 0]), bytes([0x1B, 0, 0, 0, 1, 0])
    with login(library) as host:
        assert online() == "No"
        assert answers(host, move(SLOT, FIRST_DRIVE)) == "good"
        assert online() == "Yes"
        assert answers(host, unload, lun=DRIVE) == "good"
        assert online() == "No"
        assert answers(host, load, lun=DRIVE) == "good"
        assert online() == "Yes"
