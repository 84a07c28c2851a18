# SPDX-License-Identifier: GPL-2.0-or-later
"""Other people's initiators: libiscsi's tools, qemu-img and qemu-io."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from lib.daemon import Daemon, Target

MIB = 1 << 20
DISK_BYTES = 64 * MIB
USER, SECRET = "alice", "alice-secret-1"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running
        running.check_alive()


@pytest.fixture
def target(daemon: Daemon) -> Iterator[Target]:
    made = daemon.add_target()
    made.add_disk(1, DISK_BYTES, thin_provisioning=1)
    yield made
    daemon.check_alive()
    made.delete()


@pytest.fixture
def guarded(daemon: Daemon, target: Target) -> Iterator[Target]:
    """The target, open to USER only."""
    daemon.adm("-m", "account", "-o", "new", "--user", USER, "--password", SECRET)
    daemon.adm("-m", "account", "-o", "bind", "--tid", str(target.tid), "--user", USER)
    yield target
    daemon.adm("-m", "account", "-o", "delete", "--user", USER)


def run(*command: str, status: int | None = 0, timeout: float = 60) -> str:
    """Runs a client; its exit status has to be `status` unless that is None. Returns all it printed."""
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    output = done.stdout + done.stderr
    if status is not None:
        assert done.returncode == status, f"{' '.join(command)}: exit {done.returncode}\n{output}"
    return output


def qemu_io(url: str, *commands: str, status: int = 0) -> str:
    steps = [word for command in commands for word in ("-c", command)]
    return run("qemu-io", "-f", "raw", *steps, url, status=status)


def test_iscsi_ls_lists_targets_and_luns(target: Target) -> None:
    """Discovery, then REPORT LUNS and READ CAPACITY of each LUN."""
    output = run("iscsi-ls", "-s", f"iscsi://{target.portal}", status=None)
    assert f"Target:{target.name} Portal:{target.portal},1" in output
    assert re.search(r"Lun:1 +Type:DIRECT_ACCESS", output), output


def test_iscsi_inq_shows_standard_data(target: Target) -> None:
    """INQUIRY: a disk made by IET, VIRTUAL-DISK."""
    output = run("iscsi-inq", target.url(1))
    assert "Peripheral Device Type:DIRECT_ACCESS" in output
    assert "Vendor:IET" in output
    assert "Product:VIRTUAL-DISK" in output


@pytest.mark.parametrize(
    "page, shows",
    [
        (0x00, "Page:0xb2 LOGICAL_BLOCK_PROVISIONING"),
        (0x80, "Unit Serial Number:["),
        (0x83, "Designator Type:("),
        (0xB0, "maximum unmap lba count:"),
        (0xB1, "Medium Rotation Rate:"),
        (0xB2, "lbpu:1"),
    ],
    ids=lambda value: f"{value:02x}" if isinstance(value, int) else "",
)
def test_iscsi_inq_shows_vital_product_data(target: Target, page: int, shows: str) -> None:
    """SPC-4 7.8 and SBC-3 6.6: the pages of a disk with thin provisioning."""
    assert shows in run("iscsi-inq", "-e", "1", "-c", str(page), target.url(1))


def test_iscsi_readcapacity16(target: Target) -> None:
    """READ CAPACITY(16): last LBA and block length."""
    output = run("iscsi-readcapacity16", target.url(1))
    assert re.search(rf"Total size:{DISK_BYTES}\b", output), output


def test_iscsi_swp_reads_the_software_write_protect_bit(target: Target) -> None:
    """MODE SENSE and MODE SELECT of the control mode page."""
    assert "SWP:0" in run("iscsi-swp", target.url(1)).replace(" ", "")


def test_iscsi_perf_reads(target: Target) -> None:
    """A short load with many commands in flight."""
    output = run("iscsi-perf", "-t", "2", "-m", "32", "-b", "8", target.url(1), status=None)
    assert re.search(r"iops (average|current) *[1-9]", output.replace("_", " ")), output


def test_qemu_img_converts_to_and_from_the_target(target: Target, tmp_path: Path) -> None:
    """Whole images there and back, bit by bit."""
    source, copy = tmp_path / "source", tmp_path / "copy"
    noise = random.Random(7)
    with source.open("wb") as file:
        for piece in range(0, DISK_BYTES, 8 * MIB):
            file.seek(piece)
            file.write(noise.randbytes(3 * MIB))
        file.truncate(DISK_BYTES)
    run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", str(source), target.url(1))
    run("qemu-img", "convert", "-f", "raw", "-O", "raw", target.url(1), str(copy))
    run("cmp", str(source), str(copy))
    run("qemu-img", "compare", "-f", "raw", "-F", "raw", str(source), target.url(1))


def test_qemu_img_writes_reach_the_file(target: Target, tmp_path: Path) -> None:
    """What the initiator wrote and flushed is in the backing file."""
    qemu_io(target.url(1), "write -P 0x5a 4M 1M", "flush")
    stored = (target.daemon.dir / f"disk-{target.tid}-1").read_bytes()
    assert stored[4 * MIB : 5 * MIB] == b"\x5a" * MIB
    assert not any(stored[5 * MIB : 6 * MIB])


def test_qemu_img_info_names_the_size(target: Target) -> None:
    assert f"({DISK_BYTES} bytes)" in run("qemu-img", "info", "-f", "raw", target.url(1))


def test_qemu_io_verifies_patterns(target: Target) -> None:
    """Writes and reads of many sizes and alignments; qemu-io compares every byte."""
    steps = []
    for number, (offset, length) in enumerate(
        [(0, 512), (512, 4096), (8192, 65536), (MIB, 3 * MIB), (32 * MIB - 512, MIB)]
    ):
        steps += [
            f"write -P {number + 1} {offset} {length}",
            f"read -P {number + 1} {offset} {length}",
        ]
    qemu_io(target.url(1), *steps, "flush")


def test_qemu_io_notices_a_wrong_pattern(target: Target) -> None:
    """The proof of the proof: a read that differs fails."""
    output = qemu_io(target.url(1), "write -P 1 0 4096", "read -P 2 0 4096", status=1)
    assert "Pattern verification failed" in output


def test_qemu_io_discards_and_writes_zeroes(target: Target) -> None:
    """UNMAP and WRITE SAME from qemu."""
    qemu_io(
        target.url(1),
        "write -P 0xff 0 4M",
        "discard 1M 1M",
        "write -z 2M 1M",
        "read -P 0xff 0 1M",
        "read -P 0 2M 1M",
    )


def test_qemu_io_with_many_requests_in_flight(target: Target) -> None:
    """Asynchronous writes, then a flush, then every byte compared."""
    writes = [f"aio_write -P {n % 250 + 1} {n * 65536} 65536" for n in range(64)]
    reads = [f"read -P {n % 250 + 1} {n * 65536} 65536" for n in range(64)]
    qemu_io(target.url(1), *writes, "aio_flush", *reads)


def test_chap_user_logs_in(guarded: Target) -> None:
    """CHAP in libiscsi's notation: iscsi://user%secret@..."""
    qemu_io(guarded.url(1, user=f"{USER}%{SECRET}@"), "write -P 3 0 64k", "read -P 3 0 64k")
    assert "VIRTUAL-DISK" in run("iscsi-inq", guarded.url(1, user=f"{USER}%{SECRET}@"))


@pytest.mark.parametrize(
    "user",
    ["", f"{USER}%wrong-secret-99@", "mallory%alice-secret-1@"],
    ids=["none", "secret", "user"],
)
def test_without_the_right_chap_user_nothing_opens(guarded: Target, user: str) -> None:
    qemu_io(guarded.url(1, user=user), "read 0 512", status=1)


def test_lun_that_does_not_exist_does_not_open(target: Target) -> None:
    qemu_io(target.url(9), "read 0 512", status=1)


def test_read_only_disk_refuses_writes(target: Target) -> None:
    """A LUN with readonly=1 opens for reading; a write fails and changes nothing."""
    target.add_disk(2, MIB, readonly=1)
    run("qemu-io", "-r", "-f", "raw", "-c", "read -P 0 0 64k", target.url(2))
    qemu_io(target.url(2), "write -P 9 0 64k", status=1)


def test_disk_with_4096_byte_blocks(target: Target) -> None:
    """Block size 4096, also through requests that qemu has to align."""
    target.add_disk(2, 8 * MIB, blocksize=4096)
    qemu_io(target.url(2), "write -P 4 4096 8192", "read -P 4 4096 8192", "read -P 0 0 4096")
