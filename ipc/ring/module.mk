# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += ipc_ring
SRC_ipc_ring := ipc/ring/end.cc ipc/ring/ring.cc
DEPS_ipc_ring := base
