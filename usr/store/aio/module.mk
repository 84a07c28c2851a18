# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_aio
SRC_store_aio := usr/store/aio/store.cc usr/store/aio/queue.cc usr/store/aio/ring.cc
DEPS_store_aio := store_posix store io base
SYS_store_aio := -laio
