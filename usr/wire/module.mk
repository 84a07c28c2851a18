# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += wire
SRC_wire := usr/wire/iscsi.cc usr/wire/isns.cc
DEPS_wire := base
