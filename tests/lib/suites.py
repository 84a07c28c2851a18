# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/test runs: the builds, the suites, and how each hands over its results as a Report."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from lib.daemon import SANITIZER_ENV, SANITIZER_REPORT, TREE, free_port
from lib.report import FAILED, PASSED, SKIPPED, Report

BUILD = TREE / "build"
RESULTS = BUILD / "test"
CPUS = os.cpu_count() or 1
PROGRAM_LIMIT_S = 600
FUZZ_SECONDS = 10
SOURCES = ("usr", "ipc", "tests")


@dataclass(frozen=True)
class Suite:
    """A name, what it shows, the builds it needs, and the function that runs it."""

    name: str
    about: str
    run: Callable[[Log], Report]
    needs: tuple[str, ...] = ()
    quick: bool = True  # also with --quick
    build: bool = False  # at most one of these at a time: it uses every core


class Log:
    """The output of one suite, in build/test/<suite>.log."""

    def __init__(self, suite: str) -> None:
        RESULTS.mkdir(parents=True, exist_ok=True)
        self.suite = suite
        self.path = RESULTS / f"{suite}.log"
        self.path.write_bytes(b"")

    def command(
        self,
        *command: str | Path,
        env: dict[str, str] | None = None,
        limit: float = PROGRAM_LIMIT_S,
    ) -> tuple[int, str]:
        """Runs a program; returns its exit status and what it printed."""
        begin = self.path.stat().st_size
        with self.path.open("ab") as out:
            try:
                status = subprocess.run(
                    [str(word) for word in command],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    cwd=TREE,
                    env={**os.environ, **(env or {})},
                    timeout=limit,
                    check=False,
                ).returncode
            except FileNotFoundError as missing:
                status = 127
                out.write(f"{missing}\n".encode())
            except subprocess.TimeoutExpired:
                status = 124
                out.write(f"stopped after {limit:g} s\n".encode())
        return status, self.path.read_bytes()[begin:].decode(errors="replace")

    def xml(self, part: str = "") -> Path:
        """A fresh path for a result file."""
        path = RESULTS / f"{self.suite}{'-' if part else ''}{part}.xml"
        path.unlink(missing_ok=True)
        return path


def one_case(
    log: Log,
    name: str,
    *command: str | Path,
    env: dict[str, str] | None = None,
    limit: float = 3600,
) -> Report:
    """A program that is one test: it passes by ending with status 0."""
    report = Report(log.suite)
    status, output = log.command(*command, env=env, limit=limit)
    report.add(
        name,
        PASSED if status == 0 else FAILED,
        "" if status == 0 else f"status {status}\n{output[-4000:]}",
    )
    return report


def from_xml(log: Log, path: Path, status: int, output: str) -> Report:
    """Reads a result file; a program that failed without saying where, or wrote nothing, is a failure."""
    try:
        report = Report.read(log.suite, path)
    except (OSError, SyntaxError):
        report = Report(log.suite)
        report.add(log.suite, FAILED, f"no results, status {status}\n{output[-4000:]}")
    if status != 0 and not report.count(FAILED):
        report.add(f"{path.stem}.exit", FAILED, f"status {status}\n{output[-4000:]}")
    if not report.cases:
        report.add(f"{path.stem}.empty", FAILED, "not one test ran")
    return report


# --- builds ------------------------------------------------------------------------------------


def make(
    *words: str, cxx: str = "g++", env: dict[str, str] | None = None
) -> Callable[[Log], Report]:
    """A build with every core, through ccache where that is installed."""

    def run(log: Log) -> Report:
        compiler = f"CXX=ccache {cxx}" if shutil.which("ccache") else f"CXX={cxx}"
        return one_case(log, "make", "make", f"-j{CPUS}", compiler, *words, env=env)

    return run


def declared(variable: str) -> list[str]:
    """The names that the module.mk files add to a variable; unlike the build directory they cannot be stale."""
    names: list[str] = []
    for module in sorted(TREE.glob("tests/**/module.mk")):
        for line in module.read_text().replace("\\\n", " ").splitlines():
            found = re.match(rf"{variable}\s*\+=\s*([^#]*)", line)
            if found:
                names += found[1].split()
    return sorted(names)


# --- suites ------------------------------------------------------------------------------------


def sanitizer_wrapper(variant: str) -> list[str]:
    """TSan of gcc 12 does not start under high-entropy address randomisation; setarch turns that off."""
    bits = Path("/proc/sys/vm/mmap_rnd_bits")
    if variant != "tsan" or not bits.exists() or int(bits.read_text()) <= 28:
        return []
    works = (
        subprocess.run(["setarch", "-R", "true"], capture_output=True, check=False).returncode == 0
    )
    return ["setarch", "-R"] if works else []


def unit(variant: str) -> Callable[[Log], Report]:
    """Every GoogleTest program of one variant."""

    def run(log: Log) -> Report:
        report = Report(log.suite)
        without = declared("SINGLE_THREADED") if variant == "tsan" else []
        for name in (name for name in declared("UNITTESTS") if name not in without):
            xml = log.xml(name)
            program = BUILD / variant / "tests/unit" / name
            status, output = log.command(
                *sanitizer_wrapper(variant),
                program,
                f"--gtest_output=xml:{xml}",
                "--gtest_brief=1",
                env=SANITIZER_ENV,
            )
            found = SANITIZER_REPORT.search(output)
            report.cases += from_xml(log, xml, status, output).cases
            if found:
                report.add(f"{name}.sanitizer", FAILED, output[found.start() :][:4000])
        if not report.cases:
            report.add("unit", FAILED, "no unit test is declared in tests/unit/*/module.mk")
        return report

    return run


def pytest(
    folder: str, variant: str = "", env: dict[str, str] | None = None
) -> Callable[[Log], Report]:
    """A folder of pytest against the daemon of one variant."""
    more = env or {}

    def run(log: Log) -> Report:
        xml = log.xml()
        build = BUILD / variant if variant else BUILD
        env = {
            **more,
            "TGT_BUILD": str(build),
            "TGT_WRAP": " ".join(sanitizer_wrapper(variant)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = (
            "/usr/bin/python3",
            "-m",
            "pytest",
            "-q",
            "--tb=short",
            f"--junitxml={xml}",
            f"tests/{folder}",
        )
        status, output = log.command(*command, env=env, limit=1500)
        return from_xml(log, xml, status, output)

    return run


def script(path: str, *words: str) -> Callable[[Log], Report]:
    """A runner of our own that takes --junit."""

    def run(log: Log) -> Report:
        xml = log.xml()
        status, output = log.command(
            TREE / path, *words, "--junit", xml, env={"TGT_BUILD": str(BUILD)}, limit=3600
        )
        return from_xml(log, xml, status, output)

    return run


def fuzz(log: Log) -> Report:
    """Each fuzzer for a few seconds: enough to see that it runs and finds nothing at once."""
    report = Report(log.suite)
    for name in declared("FUZZERS"):
        work = RESULTS / "fuzz" / name
        work.mkdir(parents=True, exist_ok=True)
        here = TREE / "tests/fuzz" / name.removeprefix("fuzz_")
        if (found := here / "corpus.tar.xz").exists():  # what long runs have found
            shutil.unpack_archive(found, work)
        corpus = here / "corpus"
        folders = [work, *([corpus] if corpus.is_dir() else [])]
        options = [
            f"-max_total_time={FUZZ_SECONDS}",
            "-timeout=10",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={work}/crash-",
        ]
        status, output = log.command(
            BUILD / "fuzz/fuzz" / name, *options, *folders, env=SANITIZER_ENV
        )
        report.add(name, PASSED if status == 0 else FAILED, "" if status == 0 else output[-4000:])
    if not report.cases:
        report.add("fuzz", FAILED, "no fuzzer is declared in tests/fuzz/*/module.mk")
    return report


def layers(log: Log) -> Report:
    report = one_case(log, "self-test", TREE / "scripts/check-layers", "--self-test")
    report.cases += one_case(log, "tree", TREE / "scripts/check-layers").cases
    return report


def formatting(log: Log) -> Report:
    """One case per file that clang-format would change, or one for all when there is none."""
    files = [
        path
        for folder in SOURCES
        for kind in ("*.cc", "*.h")
        for path in sorted((TREE / folder).rglob(kind))
    ]
    status, output = log.command("clang-format", "--dry-run", "-Werror", *files)
    report = Report(log.suite)
    for name in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error:", output, re.MULTILINE))):
        report.add(name, FAILED, "clang-format would change it")
    if not report.cases:
        report.add("all files", PASSED if status == 0 and files else FAILED, output[-2000:])
    return report


INSTALLED = ("tgtd", "tgtadm", "tgt-admin", "tgtimg", "tgt-setup-lun", "tgt-setup-library")


def installation(log: Log) -> Report:
    """make install puts everything where packagers want it, and make uninstall takes it away."""
    folder = RESULTS / "install"
    shutil.rmtree(folder, ignore_errors=True)
    where = (f"DESTDIR={folder}", "PREFIX=/usr")
    report = one_case(log, "make install", "make", "install", *where)
    for program in INSTALLED:
        path = folder / "usr/sbin" / program
        runs = log.command(path, "--help")[0] == 0
        report.add(program, PASSED if runs else FAILED, "" if runs else f"{path} does not run")
        completion = folder / "usr/share/bash-completion/completions" / program
        there = completion.is_file()  # what a link leads to
        report.add(f"{program} completion", PASSED if there else FAILED, f"{completion}")
    for page in sorted((TREE / "doc/man").glob("*.[58]")):
        path = folder / "usr/share/man" / f"man{page.suffix[1:]}" / page.name
        report.add(page.name, PASSED if path.is_file() else FAILED, f"{path} is missing")
    report.cases += one_case(log, "make uninstall", "make", "uninstall", *where).cases
    left = [str(path) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    others = [path for path in left if not path.startswith(str(folder / "etc"))]
    report.add("only settings are left", FAILED if others else PASSED, "\n".join(others))
    return report


def package(log: Log) -> Report:
    """The Debian package in small systems of its own. Its programs are those of the plain build."""
    output = RESULTS / "deb"
    words = ("--objects", BUILD, "--output", output)
    cheap = {"DEB_BUILD_OPTIONS": "nocheck noautodbgsym"}
    report = one_case(log, "scripts/deb", TREE / "scripts/deb", *words, env=cheap, limit=600)
    found = sorted(output.glob("tgt_*.deb"))
    modules = sorted(output.glob("tgt-dkms_*.deb"))
    env = {"TGT_DEB": str(found[0]) if found else "", "TGT_DKMS_DEB": str(modules[0]) if modules else ""}
    report.cases += pytest("package", env=env)(log).cases if found else []
    return report


def oracle(log: Log) -> Report:
    """Our tgtadm against the one of Debian's tgt, without a daemon: the same texts, exit codes and requests."""
    program = TREE / "tests/unit/tgtadm/oracle_compare.py"
    return one_case(
        log, "command lines", "/usr/bin/python3", program, "--ours", str(BUILD / "tgtadm")
    )


def quickstart(log: Log) -> Report:
    """The other one-command script, on a free port."""
    return one_case(
        log, "check", TREE / "scripts/quickstart", "--check", "--port", str(free_port())
    )


def bench(log: Log) -> Report:
    """What scripts/bench makes of figures, then a smoke run of it, with peers that this suite's packages have."""
    report = pytest("bench")(log)
    quick = ("/usr/bin/python3", TREE / "tests/bench/bench.py", "--quick", "--peers=ours,tgt,echo")
    report.cases += one_case(log, "quick", *quick, env={"TGT_BUILD": str(BUILD)}).cases
    return report


# In the order in which they start when they can: builds first, long suites before short ones.
SUITES = [
    Suite("build", "g++: programs and tests", make("all", "unit", "bench"), build=True),
    Suite("build-modules", "the kernel modules for the guest", make("modules"), build=True),
    Suite(
        "vm",
        "the kernel's initiators, and the kernel modules, in a QEMU guest",
        script("tests/vm/run"),
        ("build", "build-modules"),
        quick=False,
    ),
    Suite(
        "build-asan",
        "the same with ASan and UBSan",
        make("VARIANT=asan", "all", "unit"),
        quick=False,
        build=True,
    ),
    Suite(
        "conform", "libiscsi's test suite", script("tests/conform/libiscsi_suite.py"), ("build",)
    ),
    Suite(
        "build-tsan",
        "the same with TSan",
        make("VARIANT=tsan", "all", "unit"),
        quick=False,
        build=True,
    ),
    Suite("wire", "scripted PDUs", pytest("wire"), ("build",)),
    Suite(
        "wire-asan",
        "scripted PDUs under ASan and UBSan",
        pytest("wire", "asan"),
        ("build-asan",),
        quick=False,
    ),
    Suite(
        "wire-tsan",
        "scripted PDUs under TSan",
        pytest("wire", "tsan"),
        ("build-tsan",),
        quick=False,
    ),
    Suite(
        "build-fuzz",
        "clang: the fuzzers",
        make("VARIANT=fuzz", "fuzz", cxx="clang++-14"),
        quick=False,
        build=True,
    ),
    Suite("clients", "libiscsi's tools and qemu as initiators", pytest("conform"), ("build",)),
    Suite(
        "clients-asan",
        "the same under ASan and UBSan",
        pytest("conform", "asan"),
        ("build-asan",),
        quick=False,
    ),
    Suite("fuzz", f"every fuzzer for {FUZZ_SECONDS} s", fuzz, ("build-fuzz",), quick=False),
    Suite(
        "build-clang",
        "clang 14: everything compiles that the fuzzers' build does not have",
        make("BUILDDIR=build/clang", "UNFUZZED=1", "syntax", cxx="clang++-14"),
        quick=False,
        build=True,
    ),
    Suite("unit", "GoogleTest", unit(""), ("build",)),
    Suite(
        "unit-asan", "GoogleTest under ASan and UBSan", unit("asan"), ("build-asan",), quick=False
    ),
    Suite("unit-tsan", "GoogleTest under TSan", unit("tsan"), ("build-tsan",), quick=False),
    Suite("bench", "scripts/bench --quick", bench, ("build",)),
    Suite("quickstart", "scripts/quickstart --check", quickstart, ("build",)),
    Suite("oracle", "tgtadm's command lines against the one of Debian's tgt", oracle, ("build",)),
    Suite("contract", "what tgt's users type and parse", pytest("contract"), ("build",)),
    Suite(
        "package",
        "the Debian package: upgrade from Debian's tgt, removal, and back",
        package,
        ("build",),
    ),
    Suite("modules", "the kernel modules: warnings, sparse, checkpatch", script("tests/modules/check")),
    Suite("install", "make install", installation, ("build",)),
    Suite("layers", "the direction of includes", layers),
    Suite("format", "clang-format", formatting),
]


@dataclass
class Finished:
    """A suite that has ended."""

    suite: Suite
    report: Report
    minutes: float = 0.0
    skips: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for case in self.report.named(SKIPPED):
            self.skips[case.why or case.name] = self.skips.get(case.why or case.name, 0) + 1
