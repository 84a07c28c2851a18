# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz_netlink
SRC_fuzz_netlink := tests/fuzz/netlink/netlink.cc
DEPS_fuzz_netlink := tgtadm_core ipc_netlink base
