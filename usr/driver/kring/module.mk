# SPDX-License-Identifier: GPL-2.0-or-later
# What hosts there are, from the kernel's netlink family.
LIBS += kring_hosts
SRC_kring_hosts := usr/driver/kring/netlink_hosts.cc
DEPS_kring_hosts := ipc_netlink_watch ipc_netlink wire io base

# The hosts' queues and commands.
LIBS += kring
SRC_kring := $(addprefix usr/driver/kring/,driver.cc queue.cc attachment.cc attachment_nexus.cc \
    request.cc port_name.cc)
DEPS_kring := ipc_ring scsi wire io base
