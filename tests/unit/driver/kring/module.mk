# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += kring_hosts_test
SINGLE_THREADED += kring_hosts_test
SRC_kring_hosts_test := tests/unit/driver/kring/netlink_hosts_test.cc
DEPS_kring_hosts_test := kring_hosts ipc_netlink_watch ipc_netlink wire io base
