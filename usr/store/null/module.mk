# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_null
SRC_store_null := usr/store/null/null.cc
DEPS_store_null := store io base
