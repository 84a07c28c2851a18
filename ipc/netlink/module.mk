# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += ipc_netlink
SRC_ipc_netlink := $(addprefix ipc/netlink/,record.cc link.cc family_watch.cc client.cc)
DEPS_ipc_netlink := io base
SYS_ipc_netlink := -lnl-genl-3 -lnl-3
