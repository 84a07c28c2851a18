# SPDX-License-Identifier: GPL-2.0-or-later
"""The package tgt-dkms: DKMS makes the kernel modules of it, for the kernel whose headers are installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

MODULES = ("tgt_core", "tgt_loop")
# DKMS keeps its tree, and a key that it makes for signing, in a folder that only this process sees.
BUILD = """
mount -t tmpfs tmpfs /var/lib/dkms || exit 1
dkms build "tgt/$1" -k "$2" --sourcetree "$3" || { cat /var/lib/dkms/tgt/*/build/make.log; exit 1; }
cp /var/lib/dkms/tgt/"$1"/"$2"/*/module/*.ko* "$3"
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dkms")
    subprocess.run(["dpkg-deb", "-x", os.environ["TGT_DKMS_DEB"], folder], check=True)
    return folder / "usr/src"


def with_headers() -> str:
    """The newest kernel that modules can be built for."""
    found = sorted(Path("/lib/modules").glob("*/build/Makefile"), key=lambda p: p.stat().st_mtime)
    assert found, "no kernel headers: install linux-headers-amd64"
    return found[-1].parts[3]


def test_dkms_builds_the_modules(unpacked: Path) -> None:
    (source,) = unpacked.glob("tgt-*")
    version = source.name.removeprefix("tgt-")
    assert f'PACKAGE_VERSION="{version}"' in (source / "dkms.conf").read_text()
    kernel = with_headers()
    command = ["unshare", "--mount", "bash", "-c", BUILD, "dkms", version, kernel, unpacked]
    made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(made.stdout, made.stderr)
    assert made.returncode == 0
    for name in MODULES:
        (module,) = unpacked.glob(f"{name}.ko*")
        about = subprocess.run(["modinfo", module], capture_output=True, text=True, check=True)
        assert f"vermagic:       {kernel} " in about.stdout


def test_modules_that_the_package_names_are_those_of_the_tree(unpacked: Path) -> None:
    """What DKMS does not know of is built and then forgotten."""
    (source,) = unpacked.glob("tgt-*")
    folders = {path.parent.name for path in (source / "kernel").glob("*/Kbuild")}
    named = (source / "dkms.conf").read_text()
    assert {f"tgt_{folder}" for folder in folders} == set(MODULES)
    assert all(f'"tgt_{folder}"' in named for folder in folders)
