# SPDX-License-Identifier: GPL-2.0-or-later
# What hosts there are, from the kernel's netlink family.
LIBS += kring_hosts
SRC_kring_hosts := usr/driver/kring/netlink_hosts.cc
DEPS_kring_hosts := ipc_netlink_watch ipc_netlink wire io base
