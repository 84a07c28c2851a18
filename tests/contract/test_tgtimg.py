# SPDX-License-Identifier: GPL-2.0-or-later
"""tgtimg against the one of Debian's tgt: the same files, texts and exit statuses.

INTENDED lists the differences, each with its reason.
"""

from __future__ import annotations

import os
import re
import resource
import shlex
import shutil
import signal
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lib.crc32c import crc32c
from lib.daemon import BUILD, SANITIZER_ENV

ORACLE = "/usr/sbin/tgtimg"
OURS = str(BUILD / "tgtimg")
TRY = "Try `tgtimg --help' for more information.\n"


@dataclass(frozen=True)
class Result:
    """What one run left behind."""

    status: int
    out: str
    err: str
    files: tuple[tuple[str, int, int, int], ...]  # name, mode, size, blocks


def run(program: str, words: list[str], folder: Path, umask: int = 0o022, **more: object) -> Result:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    done = subprocess.run(
        ["tgtimg", *words],
        executable=program,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
        env={**os.environ, **SANITIZER_ENV, "LC_ALL": "C"},
        **more,  # type: ignore[call-overload]
    )
    files = []
    for path in sorted(folder.rglob("*")):
        stat = path.stat()
        files.append((path.name, stat.st_mode, stat.st_size, stat.st_blocks))
    return Result(done.returncode, done.stdout, done.stderr, tuple(files))


DISK = "-o new -Y disk -t disk"
SAME = f"""

-o
--op
-o foo
-o n
-o ne
-o delete
-o ''
-Y foo
-Y ''
-Y DISK
-Y ssc
-Y changer
-Y d
-Y disk
-o foo -Y foo
-Y foo -o foo
foo
foo bar
--op=new foo
-o new -Y disk -f a -t disk -s 1 foo
-o new
-o show
-o new -Y disk
-o new -Y disk -f a
-o new -Y disk -f a -t tape
-o new -Y disk -f a -t ''
-o new -Y disk -f a -t dis
-o new -Y disk -f a -t disk
-o new -Y disk -s 1 -t disk
-o new -Y disk -f a -t x -s 0
-o new -Y disk -f a -t disk -s 1
-o new -Y disk -f a -t DiSKette -s 3
-o new -Y disk -f a -t disk -s 010
-o new -Y disk -f a -t disk -s 2 --thin-provisioning
-o new -Y disk -f a -t disk -s 4097 --thin
--op new --device-type=disk --file a --type disk --size=1
--o new --dev disk --fi a --ty disk --si 1
-o new -Y disk -f nowhere/a -t disk -s 1
-o new -Y disk -f '' -t disk -s 1
-Y cd -Y disk -o show -o new -f a -f b -t x -t disk -s 1
-o show -Y disk
-o show -Y disk -f a
-o show -Y cd -f a
-o show -Y tape
-o show -Y tape -f a
-o show -f a
-o new -f a
-o new -f a -t foo
-o new -f a -t da
-o new -f a -t data
-o new -f a -t data -s 1
-o new -f a -t CLEANing -b 1
-o new -b 1 -s 10 -t data
-o new -b 1 -f a -s 10
-o new -Y cd
-o new -Y cd -f a
-o new -Y cd -f a -t foo
-o new -Y cd -f a -t DVD
"""


@pytest.mark.parametrize("line", SAME.strip("\n").splitlines() + [""])
def test_same_as_tgt(line: str, tmp_path: Path) -> None:
    words = shlex.split(line)
    theirs = run(ORACLE, words, tmp_path / "files")
    ours = run(OURS, words, tmp_path / "files")
    # getopt's own message is enough: tgt adds one about an option named "(null)".
    kept = theirs.err.replace("tgtimg: unrecognized option '(null)'\n", "")
    assert ours == Result(theirs.status, theirs.out, kept, theirs.files)


@pytest.mark.parametrize("line", ["-z", "--foo", "-o", "--t", "--help=x", "-d", "-ofoo"])
def test_getopts_messages_are_the_same(line: str, tmp_path: Path) -> None:
    test_same_as_tgt(line, tmp_path)


@pytest.mark.parametrize("thin", ["", "--thin-provisioning"])
def test_the_umask_counts(thin: str, tmp_path: Path) -> None:
    words = shlex.split(f"{DISK} -f a -s 1 {thin}")
    assert run(OURS, words, tmp_path / "files", 0) == run(ORACLE, words, tmp_path / "files", 0)


# Command line, exit status, standard error and the files of ours where it differs from tgt.
INTENDED = [
    # tgt says it on standard output.
    (f"{DISK} -f a -s 0", 3, "Capacity must be > 0\n"),
    (f"{DISK} -f a -s ''", 3, "Capacity must be > 0\n"),
    # tgt reads the digits that it finds, and negative sizes wrap around.
    (f"{DISK} -f a -s 1x", 22, "tgtimg: -s argument value '1x' invalid\n" + TRY),
    (f"{DISK} -f a -s 1.5", 22, "tgtimg: -s argument value '1.5' invalid\n" + TRY),
    (f"{DISK} -f a -s 0x10", 22, "tgtimg: -s argument value '0x10' invalid\n" + TRY),
    (f"{DISK} -f a -s -1 --thin", 3, "Capacity must be > 0\n"),
    # tgt keeps the low 32 bits of the number of megabytes.
    (
        f"{DISK} -f a -s 9999999999999 --thin",
        22,
        "tgtimg: -s argument value '9999999999999' out of range\n" + TRY,
    ),
    # These devices are not built yet.
    ("-o new -Y cd -f a -t DVD+RW", 22, "tgtimg: images of cds are not in this build\n"),
    # tgt says "crc error", or that a read has failed with success.
    (
        "-o show -f /dev/null",
        1,
        "tgtimg: /dev/null is no tape image: it begins like none; make one with tgtimg\n",
    ),
    # tgt writes over the end of its memory.
    (
        f"-o new -f a -s 1 -t data -b {'x' * 33}",
        22,
        f"tgtimg: the barcode '{'x' * 33}' is not 1 to 32 printable characters of ASCII\n" + TRY,
    ),
    (
        "-o new -f a -t data -b 1 -m LTO-10",
        22,
        "tgtimg: unknown cartridge 'LTO-10': there are LTO-1, LTO-2, LTO-3, LTO-4, LTO-5, LTO-6, "
        "LTO-7, LTO-8, LTO-9\n",
    ),
    (
        "-o new -f a -t data -b 1 -s 1 -F 1",
        22,
        "tgtimg: unknown format '1' of a tape: there are 2 and 3\n",
    ),
    # tgt writes over it.
    ("-o new -f . -t data -b 1 -s 1", 2, "Failed creating file: File exists\n"),
    ("-o new -f a -t data -b 1 -s -1", 3, "Capacity must be > 0\n"),
]


@pytest.mark.parametrize("line,status,err", INTENDED)
def test_intended_differences(line: str, status: int, err: str, tmp_path: Path) -> None:
    ours = run(OURS, shlex.split(line), tmp_path / "files")
    assert ours == Result(status, "", err, ())


def test_the_short_form_of_thin_provisioning_works(tmp_path: Path) -> None:
    """tgt documents -T and does not know it."""
    ours = run(OURS, shlex.split(f"{DISK} -f a -s 8 -T"), tmp_path / "files")
    assert (ours.status, ours.out) == (0, "Created blank DISK image file : a\n")
    assert ours.files[0][2:] == (8 << 20, 0)


def test_a_size_beyond_32_bits_of_megabytes_is_not_cut(tmp_path: Path) -> None:
    """tgt makes 2 MB of 4294967298."""
    words = shlex.split(f"{DISK} -f a -s 4294967298 -T")
    ours = run(OURS, words, tmp_path / "files")
    assert ours.status == 6 and ours.err == "Failed to set file size: File too large\n"
    assert ours.files == ()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_exists_is_left_alone(kind: str, tmp_path: Path) -> None:
    """tgt cuts an existing file to nothing."""
    disk = tmp_path / "disk"
    other = tmp_path / "other"
    other.write_text("precious")
    if kind == "file":
        disk.write_text("precious")
    elif kind == "folder":
        disk.mkdir()
    else:
        disk.symlink_to(other)
    for thin in ("", "-T"):
        words = shlex.split(f"{DISK} -s 1 {thin} -f {disk}")
        ours = run(OURS, words, tmp_path / "files")
        assert (ours.status, ours.err) == (2, "Failed creating file: File exists\n")
    assert other.read_text() == "precious"
    assert kind != "file" or disk.read_text() == "precious"


def test_a_disk_that_does_not_fit_is_not_begun(tmp_path: Path) -> None:
    """tgt fills the file system, leaves the file and says that it was created."""
    stat = os.statvfs(tmp_path)
    megabytes = (stat.f_frsize * stat.f_bfree >> 20) + 100_000
    ours = run(OURS, shlex.split(f"{DISK} -f a -s {megabytes}"), tmp_path / "files")
    assert ours == Result(6, "", "Failed to set file size: No space left on device\n", ())


def test_half_a_file_is_removed(tmp_path: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    ours = run(OURS, shlex.split(f"{DISK} -f a -s 2"), tmp_path / "files", preexec_fn=limit,
               restore_signals=False)  # fmt: skip
    assert ours == Result(6, "", "Failed to set file size: File too large\n", ())


def test_help_and_version_go_to_standard_output(tmp_path: Path) -> None:
    for words in (["-h"], ["--help", "-z"], ["-o", "new", "--h"]):
        assert run(OURS, words, tmp_path / "files").out.startswith("Usage: tgtimg [OPTION]\n")
    version = run(OURS, ["--version"], tmp_path / "files")
    assert (version.status, version.err) == (0, "") and version.out.strip()


# --- tapes ---------------------------------------------------------------------------------------

SERIAL = slice(48 + 264, 48 + 264 + 32)  # of the medium: tgt puts the time into it
FIRST = 1152


def masked(image: bytes) -> bytes:
    return image[: SERIAL.start] + bytes(32) + image[SERIAL.stop :]


@pytest.mark.parametrize(
    "line",
    [
        "-t data -b A00001L8 -s 100",
        "-t clean -b CLN -s 1",
        "-t worm -b W -s 0",
        f"-t DATA -b {'x' * 19} -s 4095",
    ],
)
def test_tapes_of_format_2_are_those_of_tgt(line: str, tmp_path: Path) -> None:
    words = shlex.split(f"-o new -f a {line}")
    theirs = run(ORACLE, words, tmp_path / "theirs")
    ours = run(OURS, [*words, "--format=2"], tmp_path / "ours")
    assert (ours.status, ours.out, ours.err) == (theirs.status, theirs.out, theirs.err)
    assert ours.files[0][:3] == theirs.files[0][:3]
    images = [(tmp_path / folder / "a").read_bytes() for folder in ("ours", "theirs")]
    assert masked(images[0]) == masked(images[1])
    assert re.fullmatch(rb"\w+_\d{10}\0+", images[0][SERIAL])
    for folder in ("ours", "theirs"):
        assert_shown_alike(tmp_path / folder / "a")


def assert_shown_alike(image: Path) -> None:
    shown = [
        subprocess.run(
            [program, "-o", "show", "-f", image],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **SANITIZER_ENV, "LC_ALL": "C"},
        )
        for program in (OURS, ORACLE)
    ]
    assert (shown[0].stdout, shown[0].stderr) == (shown[1].stdout, shown[1].stderr)


def header(*fields: int) -> bytes:
    rest = struct.pack(">IIIQQQQ", *fields)
    return crc32c(rest).to_bytes(4, "little") + rest


def test_what_is_on_a_tape_is_shown_as_by_tgt(tmp_path: Path) -> None:
    run(ORACLE, shlex.split("-o new -f a -t data -b A -s 10"), tmp_path / "files")
    image = tmp_path / "files" / "a"
    data, before, at = image.read_bytes()[:FIRST], 0, FIRST
    for number, size in enumerate([512, 70000, 0, 0, 1], start=1):
        behind = at + 48 + size
        data += header(size, size, 2 if size else 0x40, number, before, at, behind) + bytes(size)
        before, at = at, behind
    image.write_bytes(data + header(0, 0, 0x20, 6, before, at, at))
    assert_shown_alike(image)


def test_a_tape_is_made_of_a_cartridges_name(tmp_path: Path) -> None:
    words = shlex.split("-o new -f a -t worm -b TAPE01L8 --media lto-8")
    made = run(OURS, words, tmp_path / "files")
    assert (made.status, made.out) == (0, "Created blank tape image file : a\n")
    assert made.files[0][3] * 512 < 1 << 20
    shown = subprocess.run(
        [OURS, "-o", "show", "-f", tmp_path / "files" / "a"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **SANITIZER_ENV},
    ).stdout
    assert shown.startswith("Media     : TAPE01L8" + " " * 23 + "\n type     : WORM\n")
    assert "\nFormat    : tgt tape 3\nCartridge : LTO-8\n" in shown
    assert "Beginning of Tape(16): Capacity 11444091 MB, Blk No.: 0, " in shown
    assert shown.endswith("      End of Data(32): Blk No. 1, prev 0, curr 0,  next 0, sz 0\n")
