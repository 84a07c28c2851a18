# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += admin_request
SRC_admin_request := tests/fuzz/admin_request/admin_request.cc
DEPS_admin_request := ipc_admin
