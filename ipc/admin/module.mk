# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += ipc_admin
SRC_ipc_admin := ipc/admin/protocol.cc ipc/admin/legacy.cc ipc/admin/render.cc ipc/admin/client.cc
DEPS_ipc_admin := base
