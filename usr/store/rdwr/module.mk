# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_rdwr
SRC_store_rdwr := usr/store/rdwr/rdwr.cc
DEPS_store_rdwr := store_posix store io base
