# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += ipc_admin_test
SINGLE_THREADED += ipc_admin_test
SRC_ipc_admin_test := tests/unit/ipc/protocol_test.cc tests/unit/ipc/legacy_test.cc \
    tests/unit/ipc/render_test.cc tests/unit/ipc/client_test.cc
DEPS_ipc_admin_test := ipc_admin

UNITTESTS += ipc_netlink_test
SINGLE_THREADED += ipc_netlink_test
SRC_ipc_netlink_test := tests/unit/ipc/netlink_test.cc
DEPS_ipc_netlink_test := ipc_netlink base
