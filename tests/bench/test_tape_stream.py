# SPDX-License-Identifier: GPL-2.0-or-later
"""What the load for tapes tells: what it did, and what the drive refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import BUILD, Daemon

PROGRAM = BUILD / "bench/tape_stream"
CARTRIDGE_MIB = 32


@pytest.fixture()
def drive(tmp_path: Path) -> Iterator[str]:
    """The address of a drive with an empty cartridge."""
    cartridge = tmp_path / "cartridge"
    words = ["--op=new", "--device-type=tape", "--type=data", "--barcode=A00001"]
    words += [f"--size={CARTRIDGE_MIB}", f"--file={cartridge}"]
    subprocess.run([BUILD / "tgtimg", *words], check=True, capture_output=True)
    with Daemon() as daemon:
        target = daemon.add_target()
        where = ("-m", "logicalunit", "-o", "new", "-t", str(target.tid), "-l", "1")
        daemon.adm(*where, "-Y", "tape", "-b", str(cartridge))
        yield target.url(1)


def stream(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "--json", *words], capture_output=True, text=True, check=False, timeout=120
    )


def test_every_block_is_written_and_read_back_once(drive: str) -> None:
    run = stream("--rw", "read", "--fill", "--verify", "--block", "64k", "--range", "4M", drive)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert (report["ios"], report["errors"]) == (64, 0)
    assert "server_cpu_us_per_mib" in report


def test_data_that_is_not_what_was_written_is_told(drive: str) -> None:
    size = ("--block", "64k", "--range", "1M")
    assert stream("--rw", "write", "--verify", "--seed", "2", *size, drive).returncode == 0
    run = stream("--rw", "read", "--verify", *size, drive)
    assert run.returncode == 1
    assert json.loads(run.stdout)["first_error"] == "wrong data in block 0"


def test_the_end_of_the_cartridge_is_told(drive: str) -> None:
    run = stream("--rw", "write", "--block", "256k", "--range", f"{2 * CARTRIDGE_MIB}M", drive)
    assert run.returncode == 1
    assert json.loads(run.stdout)["first_error"].startswith("WRITE of block ")


@pytest.mark.parametrize(
    "words",
    [
        ("--range", "1M", "--sessions", "2"),
        ("--range", "1M", "--rw", "70"),
        ("--range", "64M", "--block", "16M"),
        (),
    ],
)
def test_what_no_tape_does_is_refused_before_anything_is_written(words: tuple[str, ...]) -> None:
    run = stream(*words, "iscsi://127.0.0.1:1/iqn.2001-04.org.example:x/1")
    assert run.returncode == 1
    assert run.stderr.startswith("tape_stream: ")
    assert "connect" not in run.stderr
