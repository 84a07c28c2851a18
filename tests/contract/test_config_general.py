# SPDX-License-Identifier: GPL-2.0-or-later
"""The parser of targets.conf against Perl's Config::General, which tgt's tgt-admin reads it with."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from config_texts import ALIKE, DIFFERENT, Case, random_cases

from lib.daemon import TREE

BUILD = Path(os.environ.get("TGT_BUILD", TREE / "build"))
HERE = Path(__file__).parent
COUNT, SEED = 3000, 20010415
BATCH = 500


def write(case: Case, folder: Path) -> Path:
    """The files of a case; its main file."""
    for name, text in {**case.files, "main.conf": case.text}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder / "main.conf"


def answers(command: list[str | Path], files: list[Path], folder: Path) -> list[dict]:
    """One JSON value per file."""
    out: list[dict] = []
    for begin in range(0, len(files), BATCH):
        run = subprocess.run(
            [*map(str, command), *map(str, files[begin : begin + BATCH])],
            cwd=folder,
            capture_output=True,
            check=True,
        )
        out += [json.loads(line) for line in run.stdout.splitlines()]
    assert len(out) == len(files)
    return out


def ours(files: list[Path], folder: Path) -> list[dict]:
    return answers([BUILD / "config-tree"], files, folder)


def perls(files: list[Path], folder: Path) -> list[dict]:
    return answers(["perl", HERE / "config_general.pl"], files, folder)


def same(one: dict, other: dict) -> bool:
    return ("error" in one) == ("error" in other) and one.get("tree") == other.get("tree")


def differences(cases: list[Case], folder: Path) -> list[str]:
    """What the two make of the cases where it is not the same."""
    files = [write(case, folder / str(i)) for i, case in enumerate(cases)]
    (elsewhere := folder / "elsewhere").mkdir()
    found = []
    for case, mine, perl in zip(cases, ours(files, elsewhere), perls(files, elsewhere)):
        if not same(mine, perl):
            found.append(f"{case.name}:\n{case.text}\n  ours: {mine}\n  Perl: {perl}\n")
    return found


@pytest.mark.parametrize("case", ALIKE, ids=lambda case: case.name)
def test_reads_what_config_general_reads(case: Case, tmp_path: Path) -> None:
    assert not differences([case], tmp_path)


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_differs_only_where_it_is_meant_to(case: Case, tmp_path: Path) -> None:
    assert case.differs
    assert differences([case], tmp_path), "no difference any more: move it to the others"


def test_random_texts_read_alike(tmp_path: Path) -> None:
    found = differences(random_cases(COUNT, SEED), tmp_path)
    assert not found, f"{len(found)} of {COUNT} differ, the shortest:\n" + "\n".join(
        sorted(found, key=len)[:10]
    )


def test_what_is_written_reads_alike(tmp_path: Path) -> None:
    """The tree of a text, written again, is the same tree for both parsers."""
    cases = random_cases(COUNT, SEED + 1)
    files = [write(case, tmp_path / str(i)) for i, case in enumerate(cases)]
    first = answers([BUILD / "config-tree", "--rewrite", ".again"], files, tmp_path)
    again = [
        (path.with_name("main.conf.again"), before["tree"])
        for path, before in zip(files, first)
        if before["rewritten"] and "tree" in before
    ]
    assert len(again) > COUNT // 20
    paths = [path for path, _ in again]
    for parse in (ours, perls):
        for (path, tree), now in zip(again, parse(paths, tmp_path)):
            assert now.get("tree") == tree, path.read_text(errors="replace")
