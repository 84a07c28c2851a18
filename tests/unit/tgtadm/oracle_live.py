#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Drive a real tgtd of tgt with our tgtadm and compare what both tgtadm programs print.

Starts tgtd on a socket and a port of its own (as root: tgt wants it), makes a target with our tgtadm
over tgt's binary dialect, compares every show and several refusals, and stops the daemon with ours.

    oracle_live.py --ours build/tgtadm --oracle /usr/sbin/tgtadm --daemon /usr/sbin/tgtd

Exit 0: equal; 1: a difference; 77: tgt is not installed or this is not root.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time

PREPARE = """
-m target -o new -t 1 -T iqn.2001-04.test:live
-m lu -o new -t 1 -l 1 -b {disk} -f sync
-m lu -o update -t 1 -l 1 --params vendor_id=TEST,thin_provisioning=1
-m target -o bind -t 1 -I ALL
-m target -o bind -t 1 -Q iqn.1993-08.org.debian:01:abc
-m account -o new -u alice -p alicesecret12
-m account -o new -u bob -p bobsecret1234
-m account -o bind -t 1 -u alice
-m account -o bind -t 1 -u bob --outgoing
-m account -o bind -u alice
-m target -o update -t 1 -n nop_interval -v 5
""".strip().split("\n")

COMPARE = """
-m system -o show
-m system -o stat
-m target -o show
-m target -o show -t 1
-m target -o stat -t 1
-m target -o show -t 9
-m lu -o stat -t 1 -l 1
-m lld -o show
-m portal -o show
-m account -o show
-m conn -o show -t 1
-m sess -o show
-m target -o new -t 1 -T iqn.x
-m target -o new -t 2 -T iqn.2001-04.test:live
-m target -o new -t 2 -T bad_name
-m lu -o new -t 1 -l 1 -b {disk}
-m lu -o new -t 1 -l 2 -b /nonexistent
-m lu -o delete -t 1 -l 0
-m lu -o delete -t 1 -l 7
-m target -o unbind -t 1 -I 10.0.0.1
-m account -o bind -u nobody
-m account -o bind -t 1 -u alice
-m target -o update -t 1 -n nonsense -v 1
-m system -o delete
-m target -o show -L nosuch
""".strip().split("\n")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(program, line, disk, environment):
    arguments = line.format(disk=disk).split()
    return subprocess.run(["tgtadm"] + arguments, executable=program, env=environment,
                          capture_output=True, text=True, timeout=30)


def wait_until_ready(path, daemon):
    for _ in range(100):
        if daemon.poll() is not None:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                return True
        time.sleep(0.1)
    return False


def compare(options, folder, environment, daemon):
    disk = folder + "/disk"
    with open(disk, "wb") as file:
        file.truncate(100 << 20)
    failures = 0
    for line in PREPARE:
        done = run(options.ours, line, disk, environment)
        if (done.returncode, done.stdout, done.stderr) != (0, "", ""):
            print(f"tgtadm {line}: {done}")
            failures += 1
    for line in COMPARE:
        oracle = run(options.oracle, line, disk, environment)
        ours = run(options.ours, line, disk, environment)
        if (oracle.returncode, oracle.stdout, oracle.stderr) != \
                (ours.returncode, ours.stdout, ours.stderr):
            print(f"tgtadm {line}\n    oracle {oracle}\n    ours   {ours}")
            failures += 1
    for line in ("-m target -o delete -t 1 --force", "-m system -o delete"):
        done = run(options.ours, line, disk, environment)
        if done.returncode:
            print(f"tgtadm {line}: {done}")
            failures += 1
    if daemon.poll() is None and failures == 0:
        time.sleep(1)
        if daemon.poll() is None:
            print("system delete returned, but tgtd still runs")
            failures += 1
    print(f"{len(PREPARE) + len(COMPARE) + 2} command lines, {failures} differences")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--oracle", default="/usr/sbin/tgtadm")
    parser.add_argument("--daemon", default="/usr/sbin/tgtd")
    options = parser.parse_args()
    if os.geteuid() != 0 or not (os.path.exists(options.oracle) and os.path.exists(options.daemon)):
        print("needs root and an installed tgt")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, TGT_IPC_SOCKET=folder + "/socket")
        daemon = subprocess.Popen(
            [options.daemon, "-f", "--iscsi", f"portal=127.0.0.1:{free_port()}"], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not wait_until_ready(folder + "/socket.0", daemon):
                print("tgtd did not start")
                return 1
            return compare(options, folder, environment, daemon)
        finally:
            daemon.kill()
            daemon.wait()


if __name__ == "__main__":
    sys.exit(main())
