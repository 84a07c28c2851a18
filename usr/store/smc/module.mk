# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_smc
SRC_store_smc := usr/store/smc/inventory_text.cc usr/store/smc/smc.cc
DEPS_store_smc := store io base
SYS_store_smc := -lfmt
