#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare our tgtadm with the tgtadm of tgt on many command lines, without a daemon.

Both programs run against a small server in this process that behaves like tgt's daemon on its socket:
it takes one binary request per connection, records it, answers "success", and drops a connection
whose header has an impossible length. Standard output, standard error, the exit code and the recorded
request must be equal, apart from the differences listed in INTENDED.

    oracle_compare.py --ours build/tgtadm --oracle /usr/sbin/tgtadm [--random N] [--seed S] [-v]

Exit 0: equal; 1: a difference; 77: the oracle is not installed.
"""

import argparse
import os
import random
import re
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import threading

HEADER = 120
MODES = "system target lu portal session conn account lld".split()
OPS = "new delete show bind unbind update stat start stop".split()

# A valid request for each checked verb; the matrix below adds one option at a time.
NEEDED = {
    ("target", "new"): "-t 1 -T q", ("target", "delete"): "-t 1", ("target", "stat"): "-t 1",
    ("target", "bind"): "-t 1 -I a", ("target", "unbind"): "-t 1 -I a",
    ("target", "update"): "-t 1 -n a -v b", ("lu", "new"): "-t 1 -l 1 -b x",
    ("lu", "update"): "-t 1 -l 1", ("lu", "delete"): "-t 1 -l 1", ("lu", "stat"): "-t 1 -l 1",
    ("portal", "new"): "-P portal=a", ("portal", "delete"): "-P portal=a",
    ("account", "new"): "-u a -p b", ("account", "delete"): "-u a", ("account", "bind"): "-u a",
    ("account", "unbind"): "-u a", ("system", "update"): "-n a -v b",
}
ADDED = ["-L iscsi", "-t 1", "-s 3", "-c 4", "-l 1", "-n nm -v x", "-b /x", "-E bs", "-S so",
         "-f sync", "-y 512", "-T iqn.x", "-I ALL", "-Q iqn.q", "-u usr", "-p pw", "-H 2",
         "-P portal=1.2.3.4", "-Y tape", "-C 0", "-F x", "-O x", "--force", "--outgoing",
         "-B pci,0", "-t 0", "-b x -s 1", "-s 1 -b x"]

LINES = r"""
-m system
-o show
-F -m system -o show
--lld
--bogus
--bogus=x
-Z
-dZ
--op
--t 5 -m target -o show
--t=5
--b x
--p x
--pass secret -u me -m account -o new
--par portal=1 -m portal -o new
--=3
-m target -o show -t x
-m target -o show -t -1
-m target -o show -t ' -5'
-m target -o show -t +5
-m target -o show -t ' 5'
-m target -o show -t 0x1f
-m target -o show -t 017
-m target -o show -t 08
-m target -o show -t 0x
-m target -o show -t 5x
-m target -o show -t ''
-m target -o show -t
-m target -o show -t 2147483647
-m target -o show -t 2147483648
-m target -o show -t 4294967296
-m target -o show -t 99999999999999999999999
-m target -o show -t 0
-m target -o delete -t 0
-m conn -o show -s 18446744073709551614
-m conn -o show -s 18446744073709551615
-m conn -o show -s 18446744073709551616
-m conn -o show -s -5
-m conn -o show -c 4294967295
-m conn -o show -c 4294967296
-m conn -o show -c -1
-m conn -o show -l 18446744073709551615
-m conn -o show -H 4294967295
-m conn -o show -H 4294967296
-m conn -o show -H x
-m conn -o show -C 32767
-m conn -o show -C 32768
-m conn -o show -C 65535
-m conn -o show -C 70000
-m conn -o show -C -1
-m conn -o show -C 0x
foo bar
foo -m system -o show
-m foo foo
-m foo
-m system -o foo
-o foo
-m ''
-o ''
-Y ''
-Y foo
-Y foo -m xx
-m Target -o show
-m target -o Show
-
''
-- foo
-m system -o show --
-m system -o show -- extra
-m system -o show extra
-m system -o show -F
-m system -o show foo --bogus
-m target -o delete -t 1 -F
-m target -o delete -t 1 -F x
-m target -o delete -t 1 -Fx
-m target -o delete -t 1 --force
-m target -o delete -t 1 --force=x
-m target --force -o delete -t 1
-m account -o bind -u a -O
-m account -o bind -u a -O x
-m account -o bind -u a --outgoing
-m account -o bind -u a -t 0
-m target -o show --tid=5
-mtarget -oshow -t5
--mod target --o show
--mod target --op show
-m lu -o new -t 1 -l 1 -b x -y 0
-m lu -o new -t 1 -l 1 -b x -y 4096
-m lu -o new -t 1 -l 1 -Y tape -E rdwr
-m lu -o new -t 1 -l 1 -Y ssc -b x -E rdwr
-m lu -o new -t 1 -l 1 -Y disk
-m lu -o new -t 1 -l 1 -Y cd
-m lu -o new -t 1 -l 1 -Y changer
-m lu -o new -t 1 -l 1 -Y osd
-m lu -o new -t 1 -l 1 -Y pt
-m lu -o new -t 1 -l 1 -Y pt -b /dev/sg0
-m lu -o new -t 1 -l 1 -Y passthrough
-m lu -o new -t 1 -b x
-m lu -o new -l 1 -b x
-m lu -o new -t 0 -l 1 -b x
-m lu -o new -t 1 -l 0 -b x
-m lu -o new -t 1 -l 1 -b ''
-m lu -o delete -t 1 -l 0
-m lu -o update -t 1 -l 1 -P a=b,c=d
-m lu -o update -t 1 -l 1 -P ''
-m lu -o update -t 1 -l 1 -P a=b -P c=d
-m lu -o update -t 1 -s 1
-m lu -o update -t 1 -l 1 -n a -v b
-m lu -o update -t 1 -l 1 -n a -v b,c
-m lu -o update -t 1 -l 1 -P a=b -n c -v d
-m lu -o update -t 1 -l 1 -n a
-m lu -o update -t 1 -l 1 -v a
-m portal -o new -P portal=1:2,portal=3
-P portal=1 -m portal -o new
-m portal -o new -P portal=1 -P portal=2
-m portal -o show -P a=b
-m portal -o delete
-m target -o new -t 1 -T ''
-m target -o new -T x
-m target -o new -t 1
-m target -o new
-m target -o bind -t 1
-m target -o bind
-m target -o bind -t 1 -I a -Q b
-m target -o bind -t 1 -H 0
-m target -o bind -t 1 -H 3
-m target -o bind -t 1 -H 3 -I b
-m target -o bind -t 1 -B nosuchbus,b
-m target -o update -t 1 -n a
-m target -o update -t 1 -v a
-m target -o update -n a
-m target -o update -t 1 -n '' -v b
-m target -o update -t 1 -n a -v 'b,c=d'
-m system -o update
-m system -o update -n a
-m account -o new -u a
-m account -o new -u a -p 'x,y'
-m session -o new -n a -v b -b c -E d -S e -f g -y 512 -T h -I i -Q j -u k -p l -P m=1
-m session -o new -P m=2 -Y tape -E x
-m target -o new -t 1 -T x -L ''
-m system -o show -L aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
-h
-hx
--help=x
--hel
-V
-V -m foo
--version
--version=3
-m foo -V
-d -m system -o show
-m account -o delete
-m target -o bind -t 1 -B pci
-m lu -o new -t 1 -l 1 -b x -y abc
-m lu -o new -t 1 -l 1 -b x -y 4096x
-m lu -o new -t 1 -l 1 -b /a,b
-m lu -o update -t 1 -l 1 -P novalue
-m session -o new -n a
"""

# (reason, does it apply to these arguments and the oracle's answer, what has to hold then). A row
# applies only where the programs differ, so a row that hides an accidental equality does no harm.
INTENDED = [
    ("help and version texts are our own",
     lambda a, o, u: o["code"] == 0 and o["out"] and not o["requests"],
     lambda a, o, u: u["code"] == 0 and u["out"] and not u["err"]),
    ("--debug names the request",
     lambda a, o, u: "ipc_mgmt_req" in o["err"],
     lambda a, o, u: u["err"].startswith("tgtadm: debug: ") and u["requests"] == o["requests"]),
    ("account delete needs a user: tgt's daemon dies without",
     lambda a, o, u: o["requests"] and o["requests"][0][:8] == struct.pack("II", 7, 1),
     lambda a, o, u: u["err"] == "tgtadm: 'user' option is necessary\n" and u["code"] == 22),
    ("--bus without a comma is an error, not host 4294967274",
     lambda a, o, u: any(struct.unpack_from("I", r, 100)[0] == 0xffffffea for r in o["requests"]),
     lambda a, o, u: u["err"].startswith("tgtadm: can't find bus: ") and u["code"] == 22),
    ("--blocksize must be a number",
     lambda a, o, u: any(re.search(rb"blocksize=(?!\d+[,\0])", r) for r in o["requests"]),
     lambda a, o, u: u["err"].startswith("-y argument value '") and u["code"] == 22),
    ("--blocksize is checked where it stands",
     lambda a, o, u: u["err"].startswith("-y argument value '"),
     lambda a, o, u: u["code"] == 22),
    ("a comma that tgt's dialect would cut is refused",
     lambda a, o, u: "cannot be given a" in u["err"],
     lambda a, o, u: u["code"] == 22 and not u["requests"]),
    ("a new logical unit may be forced: a file that another process holds a lock on",
     lambda a, o, u: "logicalunit mode: option '-F' is not allowed" in o["err"],
     lambda a, o, u: u["code"] == 0 and u["requests"][0][:8] == struct.pack("II", 2, 0)),
    ("a parameter of a logical unit may come as --name and --value: then its value may have commas",
     lambda a, o, u: "option '-n' not supported in logicalunit mode" in o["err"] or
     "option '-v' not supported in logicalunit mode" in o["err"],
     lambda a, o, u: u["code"] == 0 and u["requests"][0][:8] == struct.pack("II", 2, 5) or
     "not supported in logicalunit mode" in u["err"] or
     "requires 'name' and 'value' options" in u["err"]),
    ("the driver's name is always terminated",
     lambda a, o, u: any(r[71] for r in o["requests"]),
     lambda a, o, u: [r[:71] + b"\0" + r[72:] for r in o["requests"]] == u["requests"]),
    ("a parameter without '=' is one with an empty value",
     lambda a, o, u: any(re.search(rb"(target|portal)Ops .*\b(?<!=)\w+,", r) for r in o["requests"]),
     lambda a, o, u: u["code"] == 0 and len(u["requests"]) == 1),
    ("--name without --value has an empty value, not '(null)'",
     lambda a, o, u: any(b"=(null)" in r for r in o["requests"]),
     lambda a, o, u: [r[HEADER:] for r in u["requests"]] ==
     [r[HEADER:].replace(b"=(null)", b"=") for r in o["requests"]]),
]


class FakeDaemon:
    """Answers success to tgt's binary requests and remembers them."""

    def __init__(self, path):
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    @staticmethod
    def read(connection, size):
        data = b""
        while len(data) < size:
            more = connection.recv(size - len(data))
            if not more:
                break
            data += more
        return data

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                header = self.read(connection, HEADER)
                if len(header) < HEADER:
                    continue
                size = struct.unpack_from("I", header, 72)[0] - HEADER
                if not 0 <= size <= 8192:
                    continue
                self.requests.append(header + self.read(connection, size))
                connection.sendall(struct.pack("II", 0, 8))


def run(program, arguments, environment, daemon):
    daemon.requests.clear()
    done = subprocess.run(["tgtadm"] + arguments, executable=program, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    return {"code": done.returncode, "out": done.stdout.decode(errors="replace"),
            "err": done.stderr.decode(errors="replace"), "requests": list(daemon.requests)}


def matrix():
    for mode in MODES:
        for op in OPS:
            if (mode, op) == ("system", "delete"):
                continue  # waits until the daemon has gone
            base = f"-m {mode} -o {op} {NEEDED.get((mode, op), '')}"
            yield f"-m {mode} -o {op}"
            yield base
            for option in ADDED:
                yield f"{base} {option}"


def random_line(rng):
    words = []
    if rng.random() < 0.9:
        words.append(rng.choice(["-m ", "--mode ", "--mod="]) + rng.choice(MODES))
    if rng.random() < 0.9:
        words.append("-o " + rng.choice(OPS))
    for _ in range(rng.randrange(6)):
        words.append(rng.choice(ADDED + ["-t x", "-t 99999999999", "word", "--bogus", "-Z", "--t 1"]))
    rng.shuffle(words)
    return " ".join(words)


def equal(ours, oracle):
    without_reason = re.sub(r"^tgtadm: reason: .*\n", "", ours["err"], flags=re.M)
    return dict(ours, err=without_reason) == oracle


def check(line, ours, oracle, environment, daemon):
    """None when equal, else (reason or None, explanation)."""
    arguments = shlex.split(line)
    o = run(oracle, arguments, environment, daemon)
    u = run(ours, arguments, environment, daemon)
    if equal(u, o):
        return None
    for reason, applies, holds in INTENDED:
        if applies(arguments, o, u) and holds(arguments, o, u):
            return reason, ""
    return None, f"tgtadm {line}\n    oracle {o}\n    ours   {u}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--oracle", default="/usr/sbin/tgtadm")
    parser.add_argument("--random", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-v", action="store_true", help="name the intended differences met")
    options = parser.parse_args()
    if not os.path.exists(options.oracle):
        print(f"{options.oracle} is not installed")
        return 77
    rng = random.Random(options.seed)
    lines = [line for line in LINES.split("\n")[1:]]
    lines += list(matrix()) + [random_line(rng) for _ in range(options.random)]
    lines = [line for line in lines if not re.search(r"sys\w* .*-o delete|-o delete .*sys", line)]
    differences, intended = [], {}
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, TGT_IPC_SOCKET=folder + "/socket", LC_ALL="C")
        environment.pop("POSIXLY_CORRECT", None)
        daemon = FakeDaemon(folder + "/socket.0")
        for line in lines:
            result = check(line, options.ours, options.oracle, environment, daemon)
            if result and result[0]:
                intended.setdefault(result[0], line)
            elif result:
                differences.append(result[1])
        alone = dict(environment, TGT_IPC_SOCKET=folder + "/nobody")
        for line in ["-m system -o show", "-m target -o show -C 9", "-m system -o delete"]:
            result = check(line, options.ours, options.oracle, alone, daemon)
            if result:
                differences.append(result[1])
        for size in (80, 103, 104, 105, 106, 107, 108, 120):
            alone["TGT_IPC_SOCKET"] = "/" + "x" * size
            result = check("-m system -o show", options.ours, options.oracle, alone, daemon)
            if result:
                differences.append(result[1])
    for text in differences:
        print(text)
    if options.v:
        for reason, line in intended.items():
            print(f"intended: {reason}: tgtadm {line}")
    print(f"{len(lines) + 11} command lines, {len(differences)} differences, "
          f"{len(intended)} kinds of intended difference")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
