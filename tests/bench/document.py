# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as tables, as a plot, and between the markers of doc/performance.md."""

from __future__ import annotations

import os
import platform
import re
import time
from pathlib import Path
from typing import Sequence

from cases import PEERS, SWEEP
from peers import Peer, output_of
from results import Results, verdicts

LOAD_TABLES = (
    ("Server CPU per I/O, microseconds (user + system, all threads)", "server_cpu_us"),
    ("I/Os per second", "iops"),
    ("Latency p50, microseconds", "p50_us"),
    ("Latency p99, microseconds", "p99_us"),
    ("Tapes: server CPU per MiB, microseconds", "server_cpu_us_per_mib"),
    ("Tapes: server CPU of the filemark at the end, us for each MiB", "filemark_cpu_us_per_mib"),
)
OTHER_METRICS = (
    ("kib_per_session", "KiB of memory per session"),
    ("load_percent", "% of a core"),
    ("rss_mib", "MiB of memory"),
    ("session_ratio", "I/Os of the session with the most over the one with the least"),
    ("make_s", "seconds to make them"),
    ("show_s", "seconds for `tgtadm --mode target --op show`"),
    ("kib_per_lun", "KiB of memory for each"),
    ("change_p50_ms", "ms for a change of one, p50, 8 clients at once, while all are listed"),
    ("change_most_ms", "the most ms for such a change"),
    ("kept_mib", "MiB of memory more after 11 listings"),
)


def row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join([row(*head), row(*("---" for _ in head)), *(row(*cells) for cells in rows)])


def load_table(title: str, metric: str, results: Results) -> str:
    rows = []
    for case in results.cases():
        found = {peer: results.spread(case, peer, metric) for peer in PEERS}
        if not any(found.values()):
            continue
        ours, tgt = found["ours"], found["tgt"]
        ratio = f"{ours.median / tgt.median:.2f}" if ours and tgt and tgt.median else ""
        rows.append([case, *(found[peer] or "" for peer in PEERS), ratio])
    return f"### {title}\n\n{table(['', *PEERS, 'ours / tgt'], rows)}" if rows else ""


def other_table(results: Results) -> str:
    rows = []
    for metric, unit in OTHER_METRICS:
        for case in results.cases():
            found = [results.spread(case, peer, metric) for peer in ("ours", "tgt")]
            if any(found):
                rows.append([f"{case}: {unit}", *(one or "" for one in found)])
    return f"### At rest, and many at once\n\n{table(['', 'ours', 'tgt'], rows)}" if rows else ""


def tables(results: Results) -> str:
    parts = [load_table(title, metric, results) for title, metric in LOAD_TABLES]
    return "\n\n".join(part for part in (*parts, other_table(results)) if part)


def goals(results: Results) -> str:
    words = {True: "yes", False: "**no**", None: ""}
    rows = [[one.what, one.measured, one.wanted, words[one.reached]] for one in verdicts(results)]
    return table(["", "ours / the other", "to reach", "reached"], rows)


# --- the machine -----------------------------------------------------------------------------------


def first_match(path: str, pattern: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    except OSError:
        return "?"
    return found.group(1).strip() if found else "?"


def libiscsi_version() -> str:
    return output_of("dpkg-query", "-W", "-f", "${Version}", "libiscsi7").strip() or "?"


def machine(results: Results, options: object, peers: Sequence[Peer]) -> str:
    memory = int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)") or 0) / (1 << 20)
    folder = getattr(options, "dir")
    system = output_of("stat", "-f", "-c", "%T", folder).strip()
    rounds = max((len(runs) for runs in results.runs.values()), default=0)
    seconds = next(
        (run["seconds"] for runs in results.runs.values() for run in runs if "seconds" in run), 0
    )
    rows = [
        ["date", time.strftime("%Y-%m-%d", time.gmtime())],
        [
            "CPU",
            f"{first_match('/proc/cpuinfo', r'^model name.*: (.*)$')}, {os.cpu_count()} usable",
        ],
        ["hypervisor", output_of("systemd-detect-virt").strip() or "?"],
        ["memory", f"{memory:.0f} GiB"],
        ["kernel", f"{platform.system()} {platform.release()}"],
        ["file", f"1 GiB on {system}, page-cached, written anew for every daemon"],
        ["loads", f"on the same machine, over 127.0.0.1; libiscsi {libiscsi_version()}"],
        [
            "measured",
            f"{rounds} rounds, every case {seconds:.1f} s, the daemons in turn; median (least-most)",
        ],
        *(["", peer.version()] for peer in peers),
    ]
    return table(["", ""], rows)


# --- the plot --------------------------------------------------------------------------------------


def plot(results: Results, path: Path) -> bool:
    """IOPS and CPU per I/O against queue depth; False when the sweep was not measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import NullLocator

    picture, panels = pyplot.subplots(1, 2, figsize=(11, 4.2))
    shown = False
    for panel, metric, label in (
        (panels[0], "iops", "I/Os per second"),
        (panels[1], "server_cpu_us", "server CPU per I/O, us"),
    ):
        for peer in PEERS:
            points = [
                (depth, spread)
                for depth in SWEEP
                if (spread := results.spread(f"4k read QD{depth}, lean", peer, metric))
            ]
            if not points:
                continue
            shown = True
            middle = [spread.median for _, spread in points]
            errors = [
                [spread.median - min(spread.values) for _, spread in points],
                [max(spread.values) - spread.median for _, spread in points],
            ]
            panel.errorbar(
                [depth for depth, _ in points], middle, errors, marker="o", capsize=2, label=peer
            )
        panel.set(xscale="log", yscale="log", xlabel="queue depth, one session", ylabel=label)
        panel.set_xticks(SWEEP, [str(depth) for depth in SWEEP])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.grid(alpha=0.3)
        panel.legend()
    picture.suptitle("4k random reads, page-cached file, lean load")
    picture.tight_layout()
    if shown:
        picture.savefig(path, dpi=110)
    pyplot.close(picture)
    return shown


# --- the file --------------------------------------------------------------------------------------


def replace_section(text: str, name: str, content: str) -> str:
    """What stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`; a file without them is an error."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    new, count = pattern.subn(lambda found: f"{found[1]}{content}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"{begin} ... {end} is in the document {count} times")
    return new


def write(results: Results, options: object, peers: Sequence[Peer], document: Path) -> None:
    """Replaces the measured parts of the document and the picture beside it; all other text stays."""
    text = document.read_text()
    text = replace_section(text, "machine", machine(results, options, peers))
    text = replace_section(text, "goals", goals(results))
    picture = document.with_suffix(".png")
    shown = tables(results)
    if plot(results, picture):
        shown += f"\n\n![I/Os per second and CPU per I/O against queue depth]({picture.name})"
    text = replace_section(text, "tables", shown)
    document.write_text(text)
