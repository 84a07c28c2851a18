# SPDX-License-Identifier: GPL-2.0-or-later
"""The directives of targets.conf: all that tgtadm can set has one."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from lib.daemon import BUILD, TREE

# Changed by what happens, not set up by an administrator.
RUN_TIME = {"flush_failed"}


@pytest.fixture(scope="module")
def table() -> list[dict]:
    run = subprocess.run([BUILD / "config-tree", "--directives"], capture_output=True, check=True)
    return json.loads(run.stdout)


def names(table: list[dict], level: str) -> set[str]:
    return {row["name"] for row in table if row[level]}


def named_in(path: str, pattern: str) -> set[str]:
    found = set(re.findall(pattern, (TREE / path).read_text(), re.MULTILINE))
    assert len(found) > 3, path
    return found


def test_every_target_parameter_has_a_directive(table: list[dict]) -> None:
    parameters = named_in("usr/driver/iscsi/parameters.cc", r'\{\w+, "(\w+)", \w+, ParamRule::')
    assert len(parameters) > 25
    assert parameters <= names(table, "target")


def test_every_redirection_has_a_directive(table: list[dict]) -> None:
    assert named_in("usr/mgmt/redirect.cc", r'"(Redirect\w+)"') <= names(table, "target")


def test_every_logical_unit_parameter_has_a_directive(table: list[dict]) -> None:
    parameters = named_in("usr/mgmt/lun_parameters.cc", r'^    \{"(\w+)", Kind::')
    assert parameters - RUN_TIME <= {row["to"] for row in table if row["unit"]}


def test_tgt_admin_knows_the_parameters_of_a_changer() -> None:
    def listed(path: str) -> set[str]:
        text = (TREE / path).read_text().split("names{", 1)[1].split("}", 1)[0]
        return set(re.findall(r'"(\w+)"', text))

    assert listed("usr/device/smc/parameters.cc") == listed("usr/tgt-admin/library.cc")


def test_every_setting_of_the_daemon_has_a_directive(table: list[dict]) -> None:
    settings = named_in("usr/mgmt/verbs_system.cc", r'if \((?:name == |equal_any_case\(name, )"([\w-]+)"')
    assert settings <= {row["to"] for row in table if row["global"]}
