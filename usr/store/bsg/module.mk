# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_bsg
SRC_store_bsg := usr/store/bsg/bsg.cc
DEPS_store_bsg := store_sgio store io base
