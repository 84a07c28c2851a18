# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages: well formed, and complete by what the programs and their tables say."""

from __future__ import annotations

import re
import subprocess

import pytest

from lib.daemon import BUILD, TREE, Daemon

PAGES = sorted((TREE / "doc/man").glob("*.[58]"))
NAMES = [page.name for page in PAGES]


def page(name: str) -> str:
    return (TREE / "doc/man" / name).read_text()


def section(name: str, heading: str) -> str:
    """The source between a heading and the next."""
    found = re.search(rf"^\.Sh {heading}\n(.*?)(?=^\.Sh |\Z)", page(name), re.MULTILINE | re.DOTALL)
    assert found, f"{name} has no section {heading}"
    return found[1]


def options_of(name: str) -> set[str]:
    """The options that a page explains, as -x and --name."""
    out: set[str] = set()
    for line in re.findall(r"^\.It (Fl .*)", section(name, "OPTIONS"), re.MULTILINE):
        out |= {f"-{word}" for word in re.findall(r"Fl (-?[\w-]+)", line)}
    return out


def words_of(text: str) -> set[str]:
    """The words that the items of a list explain."""
    out: set[str] = set()
    for line in re.findall(r"^\.It (?:Xo\n\.)?Cm (.*)", text, re.MULTILINE):
        names = re.split(r" (?:Ta|Ns|Fl|Ar|Op)\b", line)[0]
        out |= {word for word in names.split() if word != ","}
    return out


def help_of(program: str) -> str:
    run = subprocess.run([BUILD / program, "--help"], capture_output=True, text=True, check=True)
    return run.stdout


@pytest.mark.parametrize("name", NAMES)
def test_mandoc_finds_nothing(name: str) -> None:
    command = ["mandoc", "-Tlint", "-Wwarning", TREE / "doc/man" / name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_groff_finds_nothing(name: str) -> None:
    command = ["groff", "-mandoc", "-Tutf8", "-ww", "-rF0", "-P-c", TREE / "doc/man" / name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_pages_of_ours_that_are_named_exist(name: str) -> None:
    named = {f"{one}.{number}" for one, number in re.findall(r"^\.Xr (\S+) (\d)", page(name), re.M)}
    ours = {one for one in named if one.startswith(("tgt", "targets"))}
    assert ours and ours <= set(NAMES)


def test_every_program_that_is_installed_has_a_page() -> None:
    rule = re.search(r"^SBIN_PROGRAMS := \$\(filter ([^,]*),", (TREE / "Makefile").read_text(), re.M)
    assert rule and {f"{name}.8" for name in rule[1].split()} <= set(NAMES)


@pytest.mark.parametrize("program", ["tgtd", "tgtimg", "tgt-admin"])
def test_options_are_those_of_the_help(program: str) -> None:
    listed: set[str] = set()
    for line in re.findall(r"^ *(?:-\w, )?--[a-z].*", help_of(program), re.MULTILINE):
        listed |= set(re.findall(r"^-\w|--[a-z_-]+", re.split(r"  |\t", line.strip())[0]))
    explained = options_of(f"{program}.8")
    assert explained - {"--iser"} == listed  # tgt's; it is refused


def test_tgtadm_options_are_those_of_its_table() -> None:
    table = (TREE / "usr/tgtadm/options.cc").read_text()
    rows = re.findall(r'^    \{"([a-z-]+)", (?:\'(\w)\'|0),', table, re.MULTILINE)
    want = {f"--{name}" for name, _ in rows} | {f"-{letter}" for _, letter in rows if letter}
    assert options_of("tgtadm.8") == want


def test_tgtadm_explains_what_its_help_names() -> None:
    assert set(re.findall(r"--[a-z-]+", help_of("tgtadm"))) - {"--param"} <= options_of("tgtadm.8")


def test_setup_library_options_are_those_of_its_help() -> None:
    used = set(re.findall(r"(?<![\w-])-(?:-[a-z-]+|\w)\b", help_of("tgt-setup-library")))
    assert options_of("tgt-setup-library.8") == used


def test_setup_lun_options_are_those_of_its_usage() -> None:
    used = set(re.findall(r"(?<![\w-])-(?:-[a-z]+|\w)\b", help_of("tgt-setup-lun")))
    assert options_of("tgt-setup-lun.8") == used


def test_every_operation_is_explained_in_its_mode() -> None:
    rules = (TREE / "usr/tgtadm/rules.cc").read_text()
    for mode, op in re.findall(r"\{Mode::(\w+), Op::([a-z]+)_?,", rules):
        assert op in words_of(section("tgtadm.8", mode.upper())), (mode, op)


NUMBERS = {
    "max_length": 16777215,
    "any": 0xFFFFFFFF,
    "max_int": 0x7FFFFFFF,
    "digest_none": 1,
}


def test_target_parameters_have_their_ranges_and_defaults() -> None:
    source = (TREE / "usr/driver/iscsi/parameters.cc").read_text()
    row = r'\{\w+, "(\w+)", (\w+), ParamRule::\w+,\s*[^,]+, (\w+), \w+, (\w+), (\w+)\}'
    rows = re.findall(row, source)
    text = section("tgtadm.8", "TARGET PARAMETERS")
    listed = dict(re.findall(r"^\.It Cm (\w+) Ta (.*)", text, re.MULTILINE))
    assert len(rows) > 20 and set(listed) == {name for name, *_ in rows}
    for name, kind, *numbers in rows:
        fallback, low, high = (NUMBERS.get(word) or int(word, 0) for word in numbers)
        shown = listed[name].replace("\\&", "")
        if kind == "boolean":
            assert shown == f"{'Yes' if fallback else 'No'} Ta Yes, No", name
        elif kind == "digest":
            assert shown.startswith("None Ta "), name
        elif kind == "mark":  # gone from the standard
            assert shown == f"{fallback} Ta any, without effect", name
        elif name == "MaxOutstandingUnexpectedPDUs":  # 1 is not allowed
            assert shown == f"{fallback} Ta 0, 2 to {high}", name
        else:
            assert shown == f"{fallback} Ta {low} to {high}", name


def test_every_logical_unit_parameter_is_explained() -> None:
    source = (TREE / "usr/mgmt/lun_parameters.cc").read_text()
    names = set(re.findall(r'^    \{"(\w+)", Kind::', source, re.MULTILINE))
    assert len(names) > 15
    assert words_of(section("tgtadm.8", "LOGICAL UNIT PARAMETERS")) == names


def test_every_backing_store_is_explained() -> None:
    with Daemon() as daemon:
        shown = daemon.adm("-m", "system", "-o", "show")
    stores = re.search(r"^Backing stores:\n((?:    .*\n)+)", shown, re.MULTILINE)
    assert stores
    names = {line.split()[0] for line in stores[1].splitlines()}
    assert words_of(section("tgtadm.8", "BACKING STORES")) == names


def test_settings_of_the_driver_are_those_of_tgtd() -> None:
    source = (TREE / "usr/driver/iscsi/driver_settings.cc").read_text()
    source += (TREE / "usr/tgtd/options.cc").read_text().split("target_defaults = ")[1].split(";")[0]
    names = set(re.findall(r'"([a-z]+_[a-z_]+)"', source)) | {"portal"}
    text = section("tgtd.8", "OPTIONS")
    assert words_of(text[text.index("Fl -iscsi") : text.index("Fl -iser")]) == names


@pytest.mark.parametrize("name", NAMES)
def test_examples_fit_a_terminal(name: str) -> None:
    shown = subprocess.run(
        ["mandoc", "-Tascii", "-Owidth=80", TREE / "doc/man" / name], capture_output=True, check=True
    )
    plain = re.sub(r".\x08", "", shown.stdout.decode())
    assert max(len(line) for line in plain.splitlines()) <= 80
