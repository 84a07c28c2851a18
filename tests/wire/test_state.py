# SPDX-License-Identifier: GPL-2.0-or-later
"""What was made at run time comes back after a restart: tgtd --state-dir."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from lib import scsi
from lib.admin import Admin, AdminError
from lib.daemon import Daemon, DaemonError, free_port
from lib.iscsi import Connection
from lib.waiting import wait_for

MIB = 1 << 20
IQN = "iqn.2001-04.org.example:"


class Kept:
    """A daemon with a state directory, killed and started again as often as a test likes."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.daemon = Daemon(options=("--state-dir", str(self.state), *options))

    @property
    def database(self) -> Path:
        return self.state / "state.db"

    def file(self, name: str, size: int = MIB) -> Path:
        path = self.folder / name
        with path.open("wb") as new:
            new.truncate(size)
        return path

    def crash(self) -> None:
        """kill -9: what was answered has to be on the disk already."""
        self.daemon.kill()
        self.daemon.start()

    def call(self, method: str, **params: object) -> Any:
        with Admin(self.daemon.dir) as admin:
            return admin.call(method, **{key.replace("_", "-"): v for key, v in params.items()})

    def refused(self, method: str, **params: object) -> str:
        with pytest.raises(AdminError) as failure:
            self.call(method, **params)
        return str(failure.value)

    def target(self, tid: int, **more: object) -> None:
        self.call("target.new", tid=tid, targetname=f"{IQN}t{tid}", **more)

    def disk(self, tid: int, lun: int, path: Path, **more: object) -> Any:
        return self.call("logicalunit.new", tid=tid, lun=lun, backing_store=str(path), **more)

    def set_lun(self, tid: int, lun: int, **values: object) -> None:
        pairs = [[name, str(value)] for name, value in values.items()]
        self.call("logicalunit.update", tid=tid, lun=lun, params=pairs)

    def lun(self, tid: int, lun: int) -> Any:
        for target in self.call("target.show")["targets"]:
            for one in target["luns"]:
                if (target["tid"], one["lun"]) == (tid, lun):
                    return one
        raise KeyError((tid, lun))

    def saved_state(self) -> Any:
        return self.call("system.show")["saved_state"]

    def everything(self) -> dict[str, Any]:
        """All that an administrator can see and that is not of the moment."""
        system = self.call("system.show")
        for moment in ("pid", "saved_state", "isns"):
            system.pop(moment, None)
        tids = [target["tid"] for target in self.call("target.show")["targets"]]
        return {
            "text": self.daemon.adm("-m", "target", "-o", "show"),
            "system": system,
            "targets": self.call("target.show", details=True),
            "parameters": [self.call("target.show", tid=tid) for tid in tids],
            "accounts": self.call("account.show", secrets=True),
            "portals": self.call("portal.show"),
        }

    def rows(self) -> dict[str, Any]:
        """The database; nobody else can open it while the daemon runs."""
        database = sqlite3.connect(self.database)
        found = database.execute("SELECT key, value FROM objects").fetchall()
        database.close()
        return {key: json.loads(value) for key, value in found}

    def sql(self, text: str, *values: object) -> None:
        database = sqlite3.connect(self.database)
        with database:
            database.execute(text, values)
        database.close()


def differences(a: Any, b: Any, where: str = "") -> list[str]:
    """Where two trees of dictionaries and lists differ: pytest's own text is thousands of lines."""
    if type(a) is not type(b):
        return [f"{where}: {a!r} != {b!r}"]
    if isinstance(a, dict) and a.keys() == b.keys():
        return [one for key in a for one in differences(a[key], b[key], f"{where}/{key}")]
    if isinstance(a, list) and len(a) == len(b):
        return [one for i, x in enumerate(a) for one in differences(x, b[i], f"{where}/{i}")]
    # The default name of a unit is that of the LUN which makes it, now that the first one has gone.
    return [] if a == b or where.endswith("/default") else [f"{where}: {a!r} != {b!r}"]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path)
    with one.daemon:
        yield one


def test_hosts_are_bound_again(kept: Kept) -> None:
    kept.target(5, lld="loop")
    kept.target(6, lld="loop")
    kept.call("target.bind", tid=5, host=60001)
    kept.crash()
    targets = kept.call("target.show")["targets"]
    assert [target["hosts"] for target in targets] == [[{"host": 60001, "present": False}], []]
    assert "has target 5" in kept.refused("target.bind", tid=6, host=60001)
    assert "give host" in kept.refused("target.bind", tid=6, initiator_address="ALL")
    kept.call("target.unbind", tid=5, host=60001)
    kept.crash()
    kept.call("target.bind", tid=6, host=60001)


def make_all_kinds(kept: Kept) -> None:
    """At least one of everything that can be made."""
    port = free_port()
    for number, user in enumerate(("zoe", "bob", "eve/1", "disc", "out ü")):
        kept.call("account.new", user=user, password=f"secret {number} ü=%")
    kept.target(7, origin="config")
    kept.target(3)
    kept.target(12)
    for user in ("zoe", "bob"):
        kept.call("account.bind", tid=7, user=user)
    kept.call("account.bind", tid=7, user="out ü", outgoing=True)
    kept.call("account.bind", tid=3, user="eve/1")
    kept.call("account.bind", user="disc")
    for tid, address in ((7, "10.0.0.0/8"), (7, "ALL"), (3, "127.0.0.1"), (3, "[::1]")):
        kept.call("target.bind", tid=tid, initiator_address=address)
    kept.call("target.bind", tid=7, initiator_name="iqn.1993-08.org.debian:01:abc")
    for name, value in (
        ("MaxBurstLength", "524288"),
        ("nop_interval", "7"),
        ("nop_count", "2"),
        ("HeaderDigest", "CRC32C"),
        ("RedirectAddress", "10.1.1.1"),
        ("RedirectPort", "3261"),
        ("RedirectReason", "Permanent"),
        ("abort-bound", "9"),
        ("state", "offline"),
    ):
        kept.call("target.update", tid=7, name=name, value=value)
    kept.disk(7, 1, kept.file("a b=ü"), bsoflags="sync", origin="config")
    kept.disk(7, 300, kept.file("blocks", 8 * MIB), blocksize=4096)
    kept.set_lun(
        7,
        1,
        vendor_id="ACME",
        product_id="Disk of ACME",
        product_rev="7.1",
        scsi_id="my id",
        scsi_sn="my sn",
        sense_format=1,
        lbppbe=3,
        la_lba=1,
        optimal_xfer_gran=8,
        optimal_xfer_len=64,
        rotation_rate=7200,
        readonly=1,
        thin_provisioning=1,
        removable=1,
    )
    kept.set_lun(7, 300, capacity="4m", mode_page="28:0:10:1:2:3:4:5:6:7:8:9:10")
    kept.set_lun(7, 300, mode_page="10:0:10:2:0:0:0:0:0:0:0:2:0")
    kept.call("logicalunit.new", tid=3, lun=1)  # without a medium
    kept.call("logicalunit.new", tid=3, lun=2, backing_store="x", bstype="null", bsopts="")
    kept.disk(3, 3, kept.file("faulty"), bstype="fault", bsopts="engine=rdwr")
    kept.set_lun(3, 3, fault="error:op=read:count=3")
    kept.disk(3, 4, kept.file("first medium"))
    kept.set_lun(3, 4, online=0)
    kept.set_lun(3, 4, path=kept.file("second medium", 2 * MIB), readonly=1)
    kept.set_lun(3, 4, online=1)
    # Bound to hosts that this kernel does not have: that is remembered.
    kept.target(20, lld="loop")
    for host in (60001, 60002, 60003):
        answer = kept.call("target.bind", tid=20, host=host)
        assert f"no host {host}" in answer["warnings"][0]
    kept.call("target.unbind", tid=20, host=60002)
    # Two LUNs of one file are one logical unit; the one that made it goes.
    kept.disk(3, 5, kept.file("shared"))
    kept.disk(12, 1, kept.folder / "shared")
    kept.set_lun(12, 1, product_id="Shared")
    kept.call("logicalunit.delete", tid=3, lun=5)
    kept.set_lun(12, 0, vendor_id="CONTROL")
    kept.call("portal.new", params=[["portal", f"127.0.0.1:{port}"]])
    kept.call("system.update", name="log-level", value="iscsi=debug")
    kept.call("system.update", name="abort-bound", value="6")
    kept.call("target.update", tid=7, name="abort-bound", value="8")


def test_everything_comes_back_after_a_crash(kept: Kept) -> None:
    """Shown byte for byte the same, by kill -9 and by an orderly end."""
    make_all_kinds(kept)
    before = kept.everything()
    for end in (kept.daemon.kill, kept.daemon.stop):
        end()
        kept.daemon.start()
        assert kept.saved_state()["unused"] == []
        assert differences(before, kept.everything()) == []
    assert [one["lun"] for one in before["targets"]["targets"][1]["luns"]] == [0, 1, 300]


def test_what_was_deleted_stays_deleted(kept: Kept) -> None:
    """Also what belonged to it; a new object of the name begins anew, at the end of the order."""
    make_all_kinds(kept)
    kept.call("account.delete", user="zoe")
    kept.call("target.delete", tid=7, force=True)
    kept.call("logicalunit.delete", tid=3, lun=3)
    kept.call("target.unbind", tid=3, initiator_address="127.0.0.1")
    kept.call("account.unbind", user="disc")
    kept.target(7)
    kept.call("account.new", user="zoe", password="another")
    before = kept.everything()
    kept.crash()
    assert differences(before, kept.everything()) == []
    assert before["accounts"]["accounts"][0] == "zoe"
    kept.daemon.kill()
    assert [key for key in kept.rows() if key.startswith("target/7")] == ["target/7"]
    kept.daemon.start()


def test_secrets_are_the_owners_only(kept: Kept) -> None:
    kept.call("account.new", user="bob", password="secret")
    for name in ("state.db", "state.db-wal", "lock"):
        assert (kept.state / name).stat().st_mode & 0o777 == 0o600
    assert kept.state.stat().st_mode & 0o777 == 0o700


def test_portals_that_were_removed_stay_away(tmp_path: Path) -> None:
    """Also one of the command line; one that is added again listens again."""
    extra = free_port()
    kept = Kept(tmp_path, "--iscsi", f"portal=127.0.0.1:{extra}")
    gone = f"127.0.0.1:{extra}"

    def portals() -> list[str]:
        return [one["address"] for one in kept.call("portal.show")["portals"]]

    with kept.daemon:
        assert gone in portals()
        kept.call("portal.delete", params=[["portal", gone]])
        kept.crash()
        assert portals() == [f"127.0.0.1:{kept.daemon.port}"]
        kept.call("portal.new", params=[["portal", gone]])
        kept.crash()
        assert gone in portals()


def test_the_systems_state_is_ready_after_a_restart(kept: Kept) -> None:
    """Scripts set it offline for a moment; a target's own state is kept."""
    kept.target(1)
    kept.call("target.update", tid=1, name="state", value="offline")
    kept.call("system.update", name="State", value="offline")
    kept.crash()
    assert kept.call("system.show")["state"] == "ready"
    assert kept.call("target.show")["targets"][0]["state"] == "offline"


def test_the_isns_server_comes_back(kept: Kept) -> None:
    for name, value in (("iSNSServerIP", "127.0.0.1"), ("iSNSServerPort", "3299")):
        kept.call("system.update", name=name, value=value)
    kept.crash()
    isns = kept.call("system.show")["isns"]
    assert (isns["server_ip"], isns["server_port"]) == ("127.0.0.1", 3299)


# --- backing stores that are not there ----------------------------------------------------------


def login(kept: Kept, tid: int) -> Connection:
    session = Connection("127.0.0.1", kept.daemon.port)
    session.login(f"{IQN}t{tid}")
    return session


def ready(session: Connection, lun: int = 1) -> bool:
    """Unit attentions count as not ready."""
    return session.command(scsi.TEST_UNIT_READY, lun=lun).status == scsi.GOOD


def test_a_missing_file_is_a_lun_that_is_not_ready_until_it_is_there(kept: Kept) -> None:
    """SPC-4 table 65: 02h/04h/00h; then the data, with what was set."""
    kept.target(1)
    kept.call("target.bind", tid=1, initiator_address="ALL")
    disk, away = kept.file("disk"), kept.folder / "away"
    disk.write_bytes(b"\x5a" * MIB)
    kept.disk(1, 1, disk)
    kept.disk(1, 2, kept.file("other"))
    kept.set_lun(1, 1, product_id="Patient", scsi_sn="123")
    before = kept.everything()
    kept.daemon.kill()
    disk.rename(away)
    kept.daemon.start()
    lun = kept.lun(1, 1)
    assert lun["backing"] == "gone" and "No such file" in lun["backing_reason"]
    assert (lun["scsi_sn"], lun["size_bytes"]) == ("123", MIB)
    assert kept.lun(1, 2)["backing"] == "present"
    with login(kept, 1) as session:
        ready(session)
        assert str(session.command(scsi.TEST_UNIT_READY, lun=1).sense) == "2/0400"
        assert b"Patient" in session.command(scsi.inquiry(96), read=96, lun=1).data
        kept.crash()  # and again without it
        assert kept.lun(1, 1)["backing"] == "gone"
    with login(kept, 1) as session:
        away.rename(disk)
        wait_for(lambda: kept.lun(1, 1)["backing"] == "present")
        wait_for(lambda: ready(session))
        assert session.command(scsi.read10(0, 1), read=512, lun=1).data == b"\x5a" * 512
    assert differences(before, kept.everything()) == []


def test_a_lun_without_its_file_can_be_changed_and_deleted(kept: Kept) -> None:
    kept.target(1)
    disk = kept.file("disk")
    kept.disk(1, 1, disk)
    kept.disk(1, 2, kept.file("second"))
    kept.disk(1, 3, kept.file("third"))
    kept.daemon.kill()
    for name in ("disk", "second", "third"):
        (kept.folder / name).unlink()
    kept.daemon.start()
    kept.set_lun(1, 1, product_id="Changed")
    kept.call("logicalunit.delete", tid=1, lun=2)
    kept.set_lun(1, 3, online=0)
    kept.set_lun(1, 3, path=kept.file("another"))
    assert kept.lun(1, 3)["backing"] == "present"
    kept.crash()
    kept.file("disk")
    wait_for(lambda: kept.lun(1, 1)["backing"] == "present")
    assert kept.lun(1, 3)["store"]["path"].endswith("another")
    with pytest.raises(KeyError):
        kept.lun(1, 2)
    options = {one["name"]: one["value"] for one in details(kept, 1, 1)["parameters"]}
    assert options["product_id"] == "Changed"


def details(kept: Kept, tid: int, lun: int) -> Any:
    for target in kept.call("target.show", details=True)["targets"]:
        for one in target["luns"]:
            if (target["tid"], one["lun"]) == (tid, lun):
                return one
    raise KeyError((tid, lun))


# --- entries and databases that cannot be used --------------------------------------------------


def test_a_bad_entry_stops_nothing_and_stays(kept: Kept) -> None:
    """Each on its own, whole or not at all; named in the log and in `system show`."""
    kept.target(1)
    kept.target(2)
    kept.disk(1, 1, kept.file("a"))
    kept.disk(1, 2, kept.file("b"))
    kept.call("account.new", user="bob", password="x")
    kept.call("account.new", user="eve", password="x")
    kept.call("account.bind", tid=2, user="bob")
    kept.daemon.kill()
    kept.sql("UPDATE objects SET value = '{' WHERE key = 'target/1/lun/1'")
    kept.sql("UPDATE objects SET value = '{\"secret\":7}' WHERE key = 'account/bob'")
    kept.sql("INSERT INTO objects(key, value) VALUES('planet/9', '{}')")
    kept.sql("UPDATE objects SET value = replace(value, 'rdwr', 'warp') WHERE key LIKE '%/2'")
    kept.daemon.start()
    unused = {one["key"]: one["reason"] for one in kept.saved_state()["unused"]}
    # Target 2 needs bob: without him everybody could log in.
    assert set(unused) == {"account/bob", "planet/9", "target/1/lun/1", "target/1/lun/2", "target/2"}
    assert "warp" in unused["target/1/lun/2"] and "bob" in unused["target/2"]
    assert all(key in kept.daemon.log_text() for key in unused)
    assert [one["tid"] for one in kept.call("target.show")["targets"]] == [1]
    assert kept.call("account.show")["accounts"] == ["eve"]
    kept.call("target.update", tid=1, name="nop_interval", value="3")
    kept.crash()
    assert {one["key"] for one in kept.saved_state()["unused"]} == set(unused)
    # An administrator can take its place, or delete it.
    kept.disk(1, 1, kept.folder / "a")
    answer = kept.call("logicalunit.delete", tid=1, lun=2)
    assert "not in use" in answer["warnings"][0]
    assert "can't find" in kept.refused("logicalunit.delete", tid=1, lun=2)
    kept.call("target.delete", tid=2)
    kept.crash()
    assert {one["key"] for one in kept.saved_state()["unused"]} == {"account/bob", "planet/9"}


def test_discovery_is_closed_when_its_accounts_are_lost(kept: Kept) -> None:
    """What some may discover must not be open to all."""
    kept.target(1)
    kept.call("target.bind", tid=1, initiator_address="ALL")
    kept.call("account.new", user="disc", password="x")
    kept.call("account.bind", user="disc")
    kept.daemon.kill()
    kept.sql("DELETE FROM objects WHERE key = 'account/disc'")
    kept.daemon.start()
    session = Connection("127.0.0.1", kept.daemon.port)
    with pytest.raises(Exception):
        session.login("", keys={"SessionType": "Discovery"})
    session.close()
    assert [one["key"] for one in kept.saved_state()["unused"]] == ["discovery"]


def test_a_damaged_database_is_put_aside(kept: Kept) -> None:
    kept.target(1)
    kept.daemon.stop()  # a crash leaves a log, from which it would be whole again
    kept.database.write_bytes(b"not a database at all" * 1000)
    kept.daemon.start()
    assert kept.call("target.show")["targets"] == []
    assert (kept.state / "state.db.bad").read_bytes().startswith(b"not a database")
    assert "state.db.bad" in kept.saved_state()["put_aside"]
    kept.target(5)
    kept.crash()
    assert [one["tid"] for one in kept.call("target.show")["targets"]] == [5]


def refuses_to_start(kept: Kept) -> str:
    with pytest.raises(DaemonError) as failure:
        kept.daemon.start()
    return str(failure.value)


def test_a_newer_database_is_refused_and_left_alone(kept: Kept) -> None:
    kept.target(1)
    kept.daemon.kill()
    kept.sql("PRAGMA user_version = 99")
    content = kept.database.read_bytes()
    assert "newer version of tgtd (its format is 99" in refuses_to_start(kept)
    assert kept.database.read_bytes() == content
    kept.sql("PRAGMA user_version = 1")
    kept.daemon.start()
    assert len(kept.call("target.show")["targets"]) == 1


def test_the_requests_of_an_array_are_on_the_disk_when_it_is_answered(kept: Kept) -> None:
    """They wait for it together, not one after the other."""
    with Admin(kept.daemon.dir) as admin:
        admin.batch(
            ("target.new", {"tid": tid, "targetname": f"{IQN}t{tid}"}) for tid in range(1, 301)
        )
    kept.crash()
    assert len(kept.call("target.show")["targets"]) == 300


def test_two_daemons_do_not_share_a_folder(kept: Kept) -> None:
    other = Kept(kept.folder)
    assert "another tgtd uses the folder" in refuses_to_start(other)
    other.daemon._discard()
    kept.target(1)


def test_a_full_disk_is_told_and_caught_up_with(tmp_path: Path) -> None:
    """The change is in force, the answer has a warning, and it is saved when there is room."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small]
    if subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    kept = Kept(small)
    try:
        with kept.daemon:
            kept.target(1)
            filler = small / "filler"
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], check=False)
            answers = [
                kept.call("account.new", user=f"user{n}", password="x" * 200) for n in range(40)
            ]
            warned = [answer for answer in answers if "warnings" in answer]
            assert warned and "not in the saved state yet" in warned[-1]["warnings"][0]
            state = kept.saved_state()
            assert state["state"] == "failing" and "full" in state["reason"]
            acknowledged = 40 - len(warned)
            kept.crash()  # a full disk does not keep what is there from being read
            assert len(kept.call("account.show")["accounts"]) == acknowledged
            kept.call("target.update", tid=1, name="nop_interval", value="4")
            filler.unlink()
            wait_for(lambda: kept.saved_state()["state"] == "ok")
            kept.crash()
            assert "nop_interval=4" in kept.daemon.adm("-m", "target", "-o", "show", "-t", "1")
    finally:
        subprocess.run(["umount", "-l", small], check=True)


# --- crashes at any moment ------------------------------------------------------------------------


class Client(threading.Thread):
    """Makes and deletes targets with LUNs until the daemon is gone, and remembers what was answered."""

    def __init__(self, kept: Kept, first: int, seed: int) -> None:
        super().__init__()
        self.kept, self.first = kept, first
        self.random = random.Random(seed)
        self.there: dict[int, bool] = {}  # tid: what the last answer said
        self.open: int | None = None  # the last request had no answer

    def run(self) -> None:
        try:
            with Admin(self.kept.daemon.dir) as admin:
                while True:
                    tid = self.first + self.random.randrange(8)
                    self.open = tid
                    if self.there.get(tid):
                        admin.call("target.delete", tid=tid, force=True)
                        self.there[tid] = False
                    else:
                        admin.call("target.new", tid=tid, targetname=f"{IQN}c{tid}")
                        self.there[tid] = True
                    self.open = None
        except (OSError, ValueError, StopIteration):
            pass


def test_nothing_acknowledged_is_lost_by_kills_at_random_moments(kept: Kept) -> None:
    """Nor does anything return whose deletion was acknowledged."""
    rounds = int(os.environ.get("TGT_STATE_KILLS", "8"))
    moments = random.Random(5)
    there: dict[int, bool] = {}
    done = 0
    for number in range(rounds):
        clients = [Client(kept, 100 * n + 1, 10 * number + n) for n in range(3)]
        for client in clients:
            client.there = {
                tid: there.get(tid, False) for tid in range(client.first, client.first + 8)
            }
            client.start()
        time.sleep(moments.uniform(0.02, 0.3))
        kept.daemon.kill()
        for client in clients:
            client.join()
        kept.daemon.start()
        found = {one["tid"] for one in kept.call("target.show")["targets"]}
        for client in clients:
            for tid, is_there in client.there.items():
                if tid != client.open:
                    assert (tid in found) == is_there, (number, tid)
                    done += is_there
                there[tid] = tid in found
    assert done > 0
