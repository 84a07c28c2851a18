# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds tgt_exercise.ko, which plays driver and initiators to tgt_core.ko, and its daemon."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lib.daemon import TREE

HERE = Path(__file__).resolve().parent


def run(*command: str | Path) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout[-4000:])
        raise subprocess.CalledProcessError(done.returncode, words)


def build(work: Path, headers: Path, kernel: Path) -> tuple[Path, Path]:
    """`headers`: of the guest's kernel; `kernel`: the folder in which tgt_core.ko was built against them."""
    module = work / "module"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(HERE / "module", module)
    core = f"TGT_CORE={TREE / 'kernel/core'}"
    symbols = f"KBUILD_EXTRA_SYMBOLS={kernel / 'Module.symvers'}"
    where = ("-C", headers, f"M={module}", f"TGT_INCLUDE={TREE / 'include'}", core, symbols)
    run("make", *where, "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")
    daemon = work / "exercise-daemon"
    flags = ("-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-I", TREE / "include/uapi")
    run("gcc", *flags, HERE / "daemon.c", "-o", daemon, "-luring")
    return module / "tgt_exercise.ko", daemon
