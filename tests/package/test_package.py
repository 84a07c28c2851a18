# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package: installed, in place of Debian's tgt with what that serves, removed, and back again."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from lib.iscsi import Connection
from package.chroot import Chroot

NAME = "iqn.2001-04.org.example:one"
# The administrator's own: dpkg has to keep it, and to ask nothing.
TARGETS_CONF = """# changed by the administrator
include /etc/tgt/conf.d/*.conf
<target iqn.2001-04.org.example:one>
    backing-store /srv/one.img
    incominguser alice secretsecret12
    initiator-address 127.0.0.1
</target>
"""
MORE_CONF = """<target iqn.2001-04.org.example:two>
    <backing-store /srv/two.img>
        lun 7
        vendor_id ACME
        readonly 1
    </backing-store>
    initiator-address 10.0.0.0/8
</target>
"""


def configure(system: Chroot) -> None:
    (system.root / "etc/tgt/targets.conf").write_text(TARGETS_CONF)
    (system.root / "etc/tgt/conf.d/more.conf").write_text(MORE_CONF)
    for name in ("one", "two"):
        with (system.root / f"srv/{name}.img").open("wb") as image:
            image.truncate(16 << 20)


def serve(system: Chroot) -> None:
    """Debian's tgt runs with the configuration."""
    configure(system)
    system.run("invoke-rc.d", "tgt", "start")
    assert NAME in show(system)


def show(system: Chroot) -> str:
    return system.run("tgtadm", "--lld", "iscsi", "--mode", "target", "--op", "show")


def without_sessions(shown: str) -> str:
    return re.sub(r"(?m)^        I_T nexus: (.*\n)(            .*\n)+", "", shown)


def is_ours(system: Chroot) -> bool:
    """Whether the daemon that answers is this project's."""
    return '"workers"' in system.run(
        "tgtadm", "--json", "--mode", "system", "--op", "show", status=None
    )


def install(system: Chroot) -> str:
    """As apt does it, without anybody to ask."""
    return system.run("dpkg", "--install", "/root/ours.deb")


def log_in(system: Chroot) -> Connection:
    session = system.in_network(lambda: Connection("127.0.0.1", 3260))
    session.login(NAME)
    session.settle()
    return session


def open_to_all(system: Chroot) -> None:
    """No CHAP for the target that the test logs in to."""
    path = system.root / "etc/tgt/targets.conf"
    path.write_text(path.read_text().replace("    incominguser alice secretsecret12\n", ""))


def test_lintian_finds_no_error(deb: Path) -> None:
    run = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", deb],
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout


def test_it_upgrades_debians(deb: Path, debians: Path) -> None:
    def version(path: Path) -> str:
        return subprocess.check_output(["dpkg-deb", "-f", path, "Version"], text=True).strip()

    subprocess.run(["dpkg", "--compare-versions", version(deb), "gt", version(debians)], check=True)


def test_an_upgrade_serves_what_debians_served(system: Chroot) -> None:
    serve(system)
    before = show(system)
    install(system)
    assert is_ours(system), "Debian's daemon had no initiators, and still runs"
    assert show(system) == before
    assert (system.root / "etc/tgt/targets.conf").read_text() == TARGETS_CONF
    assert (system.root / "etc/tgt/conf.d/more.conf").read_text() == MORE_CONF
    assert not list((system.root / "etc").rglob("*.dpkg-*"))
    assert "alice" in system.run("tgtadm", "--mode", "account", "--op", "show")


def test_an_upgrade_leaves_initiators_their_sessions(system: Chroot) -> None:
    configure(system)
    open_to_all(system)
    system.run("invoke-rc.d", "tgt", "start")
    before = show(system)
    with log_in(system) as session:
        session.write(0, b"kept" * 128)
        install(system)
        assert not is_ours(system), "the daemon was replaced under an initiator"
        assert session.read(0, 1) == b"kept" * 128
        assert without_sessions(show(system)) == before  # our tgtadm, the old daemon
        system.run("/etc/init.d/tgt", "forcedrestart")  # as debian/NEWS says it
    assert is_ours(system)
    assert show(system) == before
    with log_in(system) as session:
        assert session.read(0, 1) == b"kept" * 128


def test_installing_where_there_was_none(system: Chroot) -> None:
    system.run("dpkg", "--purge", "tgt")
    assert not (system.root / "etc/tgt").exists()
    install(system)
    assert is_ours(system)
    assert show(system) == ""
    assert os.stat(system.root / "var/lib/tgt").st_mode & 0o777 == 0o700
    configure(system)
    system.run("invoke-rc.d", "tgt", "reload")
    assert NAME in show(system)
    system.run("invoke-rc.d", "tgt", "status")


def test_an_upgrade_of_our_own_changes_over(system: Chroot) -> None:
    configure(system)
    install(system)
    first, before = system.run("pidof", "tgtd"), show(system)
    install(system)
    assert system.run("pidof", "tgtd") != first, "the old program still runs"
    assert show(system) == before


def test_removing_stops_it_and_keeps_the_settings(system: Chroot) -> None:
    configure(system)
    install(system)
    system.run("dpkg", "--remove", "tgt")
    assert system.run("pidof", "tgtd", status=1) == ""
    assert (system.root / "etc/tgt/targets.conf").read_text() == TARGETS_CONF
    assert (system.root / "var/lib/tgt").is_dir()
    install(system)
    assert NAME in show(system)


def test_purging_leaves_nothing(system: Chroot) -> None:
    install(system)
    system.run("dpkg", "--purge", "tgt")
    assert system.run("pidof", "tgtd", status=1) == ""
    left = [
        path
        for folder in ("etc", "usr", "lib/systemd", "var/lib")
        for path in (system.root / folder).rglob("*tgt*")
        if "bs_rbd" not in path.name and "/dpkg/" not in str(path)
    ]
    assert left == []


def test_debians_comes_back(system: Chroot) -> None:
    serve(system)
    before = show(system)
    install(system)
    system.run("dpkg", "--install", "/root/debian.deb")
    assert not is_ours(system)
    assert show(system) == before
    install(system)
    assert is_ours(system)
    assert show(system) == before


def test_a_store_of_debians_holds_the_upgrade_back(system: Chroot) -> None:
    """tgt-rbd needs exactly Debian's tgt: who has volumes there is not to lose them."""
    wanted = system.run("dpkg-query", "-W", "-f=${Version}", "tgt")
    control = f"Package: tgt-rbd\nVersion: {wanted}\nArchitecture: all\nMaintainer: x <x@example.org>\n"
    control += f"Depends: tgt (= {wanted})\nDescription: stands in\n"
    folder = system.root / "root/rbd/DEBIAN"
    folder.mkdir(parents=True)
    (folder / "control").write_text(control)
    subprocess.run(["dpkg-deb", "--build", folder.parent, system.root / "root/rbd.deb"], check=True)
    system.run("dpkg", "--install", "/root/rbd.deb")
    refused = system.run("dpkg", "--install", "/root/ours.deb", status=1)
    assert "would break" in refused
    assert system.run("dpkg-query", "-W", "-f=${Version}", "tgt") == wanted
