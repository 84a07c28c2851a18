# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/bench measures, as data: the cases, in groups that start every target afresh, and the goals."""

from __future__ import annotations

from dataclasses import dataclass

TARGETS = ("ours", "tgt", "istgt")
PEERS = (*TARGETS, "echo", "echo+file")
WRITERS = (*TARGETS, "echo")
LEAN, LIBISCSI, TAPE = "lean", "libiscsi_load", "tape_stream"


@dataclass(frozen=True)
class Case:
    """One load: the program that makes it, its options, and the store it goes to."""

    name: str
    load: str
    words: tuple[str, ...]
    store: str = "file"
    # or "idle": sessions that wait; "memory": of an idle daemon; "luns": many are made;
    # "tape": as much as fits the cartridge, however long that takes
    kind: str = "load"


@dataclass(frozen=True)
class Group:
    """Cases that one daemon sees one after the other. Every group has a fresh daemon and a fresh file."""

    name: str
    about: str
    cases: tuple[Case, ...]
    peers: tuple[str, ...] = TARGETS
    options: tuple[str, ...] = ()  # of our daemon
    luns: int = 1
    # What the file is written in: large pieces lie in large folios of the page cache.
    piece_kib: int = 1024

    @property
    def needs_file(self) -> bool:
        return any(case.store == "file" for case in self.cases)

    @property
    def needs_tape(self) -> bool:
        return any(case.store == "tape" for case in self.cases)


def load(name: str, words: str, program: str = LIBISCSI, store: str = "file") -> Case:
    return Case(name, program, tuple(words.split()), store)


def tape(name: str, words: str) -> Case:
    """As Linux' st streams: one command is under way, the next waits."""
    return Case(name, TAPE, ("--block", "256k", "--depth", "2", *words.split()), "tape", "tape")


def depths(name: str, words: str, program: str = LIBISCSI) -> tuple[Case, ...]:
    """One session at three depths, then four."""
    shapes = ((1, 1), (1, 32), (1, 128), (4, 32), (4, 128))
    return tuple(
        load(
            f"{name} {sessions}xQD{depth}",
            f"{words} --sessions {sessions} --depth {depth}",
            program,
        )
        for sessions, depth in shapes
    )


SWEEP = (1, 2, 4, 8, 16, 32, 64, 128)
BUSY_POLL = "--busy-poll"

GROUPS = (
    Group("read-4k", "4k random reads", depths("4k read", "--block 4k")),
    Group("write-4k", "4k random writes", depths("4k write", "--block 4k --rw write")),
    Group(
        "write-4k-small",
        "4k random writes to a file that was written in pieces of 4 KiB",
        (
            load("4k write QD32, small folios", "--block 4k --rw write"),
            load("4k write QD32, small folios, lean", "--block 4k --rw write", LEAN),
        ),
        piece_kib=4,
    ),
    # tgt's 128k reads depend on what the process has allocated before: a process for each size.
    Group(
        "read-128k",
        "128k sequential reads",
        (load("128k seq read", "--block 128k --sequential"),),
        PEERS,
    ),
    Group(
        "read-1m", "1M sequential reads", (load("1M seq read", "--block 1M --sequential"),), PEERS
    ),
    Group(
        "write-128k",
        "128k sequential writes",
        (load("128k seq write", "--block 128k --sequential --rw write"),),
        WRITERS,
    ),
    Group(
        "write-1m",
        "1M sequential writes",
        (load("1M seq write", "--block 1M --sequential --rw write"),),
        WRITERS,
    ),
    Group("mix", "4k random, 70 % reads", (load("4k mix 70/30", "--block 4k --rw 70 --depth 32"),)),
    Group(
        "null",
        "the null store",
        (
            load("null 4k read QD32", "--block 4k --range 1G", store="null"),
            load("null 4k write QD32", "--block 4k --rw write --range 1G", store="null"),
            load("null 4k read QD64, lean", "--block 4k --depth 64 --range 1G", LEAN, "null"),
        ),
        ("ours", "tgt"),
    ),
    Group(
        "digests",
        "header and data digests off and on",
        (
            load("128k read, digests off", "--block 128k --sequential", LEAN),
            load("128k read, digests on", "--block 128k --sequential --digests", LEAN),
        ),
    ),
    Group(
        "sweep",
        "4k random reads against queue depth, lean load",
        tuple(
            load(f"4k read QD{depth}, lean", f"--block 4k --depth {depth}", LEAN) for depth in SWEEP
        ),
        PEERS,
    ),
    Group(
        "busy-poll",
        "4k random reads with busy-polling",
        (load("4k read QD1, busy-poll", "--block 4k --depth 1"),),
        ("ours",),
        (BUSY_POLL, "100"),
    ),
    *(
        Group(
            f"workers-{number}",
            f"one LUN, two sessions, {number} worker{'s' if number > 1 else ''}",
            (
                load(
                    f"4k read 2xQD32, {number} worker{'s' if number > 1 else ''}, lean",
                    "--block 4k --sessions 2 --depth 32",
                    LEAN,
                ),
            ),
            ("ours",),
            ("--workers", str(number)),
        )
        for number in (1, 2)
    ),
    Group(
        "idle",
        "1,000 sessions that do nothing",
        (Case("1000 idle sessions", LEAN, ("--sessions", "1000"), kind="idle"),),
        ("ours", "tgt"),
    ),
    Group(
        "deep",
        "many commands, many sessions, many LUNs",
        (
            load("4k read 1xQD512, lean", "--block 4k --depth 512", LEAN),
            load("4k read 1000xQD4, lean", "--block 4k --sessions 1000 --depth 4", LEAN),
            Case("10,000 LUNs", LEAN, (), "many", kind="luns"),
            load(
                "4k read QD32, the last of 10,000 LUNs, lean",
                "--block 4k --depth 32 --range 1G",
                LEAN,
                "many",
            ),
        ),
        ("ours", "tgt"),
    ),
    Group(
        "memory",
        "an idle daemon with 5 LUNs",
        (Case("5 LUNs", LEAN, (), kind="memory"),),
        ("ours", "tgt"),
        luns=5,
    ),
    Group(
        "tape",
        "blocks of 256 KiB to and from a tape, uncompressed",
        (
            tape("tape 256k write", "--rw write"),
            tape("tape 256k read", "--fill --rw read"),
        ),
        ("ours", "tgt"),
    ),
)

# Only in a smoke run: every byte is checked, in reads beside writes.
VERIFY = Group(
    "verify",
    "data written and read back",
    (
        tape("verify 256k, tape", "--fill --verify --rw read"),
        *(
            load(
                f"verify {block}, {program}{' with digests' if digests else ''}",
                f"--fill --verify --rw 70 --range 32M --block {block} --sessions 4 --depth 8{digests}",
                program,
            )
            for program, block, digests in (
                (LEAN, "4k", ""),
                (LEAN, "128k", " --digests"),
                (LIBISCSI, "4k", ""),
                (LIBISCSI, "1M", ""),
            )
        ),
    ),
)

# What a smoke run keeps of it: that every program, peer and kind of case works.
QUICK = {
    "read-4k": ("4k read 1xQD32",),
    "write-4k": ("4k write 1xQD32",),
    "read-128k": ("128k seq read",),
    "null": ("null 4k read QD64, lean",),
    "digests": ("128k read, digests on",),
    "idle": ("1000 idle sessions",),
    "deep": ("4k read 1xQD512, lean", "10,000 LUNs"),
    "memory": ("5 LUNs",),
    "tape": ("tape 256k write",),
}


@dataclass(frozen=True)
class Goal:
    """A ratio to reach: `metric` of our daemon in `case` over that of `base` (peer, case)."""

    what: str
    metric: str
    case: str
    base: tuple[str, str]
    limit: float
    least: bool = False  # the ratio has to be at least, not at most, the limit


def against_tgt(what: str, metric: str, case: str, limit: float, least: bool = False) -> Goal:
    return Goal(what, metric, case, ("tgt", case), limit, least)


GOALS = (
    against_tgt("4k random read, CPU per I/O", "server_cpu_us", "4k read 1xQD32", 1 / 6),
    against_tgt("the same, null store on both", "server_cpu_us", "null 4k read QD32", 0.4),
    against_tgt("4k random write, CPU per I/O", "server_cpu_us", "4k write 1xQD32", 1 / 6),
    against_tgt(
        "the same, to a file that was written in pieces of 4 KiB",
        "server_cpu_us",
        "4k write QD32, small folios",
        1 / 6,
    ),
    against_tgt("128k sequential read, CPU per I/O", "server_cpu_us", "128k seq read", 1 / 4),
    Goal(
        "128k sequential read, CPU per I/O, against the bare echo",
        "server_cpu_us",
        "128k seq read",
        ("echo", "128k seq read"),
        1.6,
    ),
    against_tgt("128k sequential write, CPU per I/O", "server_cpu_us", "128k seq write", 1 / 3),
    against_tgt("4k random read, lean load, QD64: IOPS", "iops", "4k read QD64, lean", 4, True),
    against_tgt("QD1 p50, sleeping", "p50_us", "4k read 1xQD1", 0.7),
    Goal(
        "QD1 p50, busy-polling", "p50_us", "4k read QD1, busy-poll", ("tgt", "4k read 1xQD1"), 0.35
    ),
    Goal(
        "128k reads, both digests on over off, CPU per I/O",
        "server_cpu_us",
        "128k read, digests on",
        ("ours", "128k read, digests off"),
        1.15,
    ),
    Goal(
        "one LUN, 2 sessions: CPU per I/O with 2 workers over 1",
        "server_cpu_us",
        "4k read 2xQD32, 2 workers, lean",
        ("ours", "4k read 2xQD32, 1 worker, lean"),
        1.1,
    ),
    *(
        against_tgt(
            f"tape 256k {way}, CPU per MiB", "server_cpu_us_per_mib", f"tape 256k {way}", 1 / 3
        )
        for way in ("write", "read")
    ),
)


@dataclass(frozen=True)
class Limit:
    """A figure of our daemon that has to stay below something."""

    what: str
    metric: str
    case: str
    limit: float
    unit: str


LIMITS = (
    Limit(
        "1,000 idle sessions: memory for each", "kib_per_session", "1000 idle sessions", 64, "KiB"
    ),
    Limit("1,000 idle sessions: CPU", "load_percent", "1000 idle sessions", 0.05, "% of a core"),
    Limit("idle daemon with 5 LUNs: memory", "rss_mib", "5 LUNs", 12, "MB"),
)
