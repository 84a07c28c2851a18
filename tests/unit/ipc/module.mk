# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += ipc_admin_test
SINGLE_THREADED += ipc_admin_test
SRC_ipc_admin_test := tests/unit/ipc/protocol_test.cc tests/unit/ipc/legacy_test.cc \
    tests/unit/ipc/render_test.cc tests/unit/ipc/client_test.cc
DEPS_ipc_admin_test := ipc_admin
