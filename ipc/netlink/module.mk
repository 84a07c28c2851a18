# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += ipc_netlink
SRC_ipc_netlink := $(addprefix ipc/netlink/,record.cc link.cc client.cc)
DEPS_ipc_netlink := base
SYS_ipc_netlink := -lnl-genl-3 -lnl-3

# The daemon's, on an event loop.
LIBS += ipc_netlink_watch
SRC_ipc_netlink_watch := ipc/netlink/family_watch.cc
DEPS_ipc_netlink_watch := ipc_netlink io base
