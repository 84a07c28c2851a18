# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store
SRC_store := usr/store/flags.cc usr/store/op_batch.cc usr/store/pooled_queue.cc usr/store/store.cc
DEPS_store := io base

LIBS += store_engines
SRC_store_engines := usr/store/engines.cc
DEPS_store_engines := store store_null store_fault store_rdwr store_aio store_sg store_bsg store_ssc store_smc
