# SPDX-License-Identifier: GPL-2.0-or-later
"""The package under test, and the Debian system that it is installed in.

Environment:
  TGT_DEB       the package (built by scripts/deb)
  TGT_DKMS_DEB  that of the kernel modules' sources
  TGT_CACHE     a folder for the system's archive and Debian's own package (default: build/test)
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from lib.daemon import TREE  # noqa: E402
from package.chroot import Chroot  # noqa: E402

CACHE = Path(os.environ.get("TGT_CACHE", TREE / "build/test"))


@pytest.fixture(scope="session")
def deb() -> Path:
    return Path(os.environ["TGT_DEB"])


def dependencies(deb: Path) -> list[str]:
    run = subprocess.run(
        ["dpkg-deb", "-f", deb, "Depends"], capture_output=True, text=True, check=True
    )
    return sorted(re.findall(r"(?:^|, )([a-z0-9.+-]+)", run.stdout))


def sources() -> list[str]:
    """Where the host's apt looks."""
    folder = Path("/etc/apt")
    found = [folder / "sources.list", *sorted((folder / "sources.list.d").iterdir())]
    return [str(path) for path in found if path.is_file() and path.suffix in (".list", ".sources")]


@pytest.fixture(scope="session")
def archive(deb: Path) -> Path:
    """A small Debian with Debian's tgt and with what our package depends on."""
    packages = ",".join([*dependencies(deb), "tgt", "iproute2"])
    name = f"package-root-{hashlib.sha256(packages.encode()).hexdigest()[:12]}.tar"
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new.tar")
        make = ["mmdebstrap", "--mode=root", "--variant=essential", f"--include={packages}"]
        make += ["--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*"]
        subprocess.run([*make, "bookworm", fresh, *sources()], check=True)
        fresh.rename(path)
    return path


@pytest.fixture(scope="session")
def debians(archive: Path) -> Path:
    """Debian's own package."""
    found = sorted(CACHE.glob("tgt_1%3a1.0.*.deb"))
    if not found:
        subprocess.run(["apt-get", "download", "tgt"], cwd=CACHE, check=True)
        found = sorted(CACHE.glob("tgt_1%3a1.0.*.deb"))
    return found[-1]


@pytest.fixture
def system(archive: Path, deb: Path, debians: Path) -> Iterator[Chroot]:
    """Debian's tgt is installed and does not run; both packages are in /root."""
    with Chroot(archive) as made:
        shutil.copy(deb, made.root / "root/ours.deb")
        shutil.copy(debians, made.root / "root/debian.deb")
        yield made
