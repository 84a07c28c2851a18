# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_sg
SRC_store_sg := usr/store/sg/sg.cc
DEPS_store_sg := store_sgio store io base
SYS_store_sg := -lfmt
