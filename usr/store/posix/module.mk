# SPDX-License-Identifier: GPL-2.0-or-later
# What engines on files and block devices share.
LIBS += store_posix
SRC_store_posix := $(addprefix usr/store/posix/,file_store.cc open.cc lock.cc probe.cc \
                   lasting_id.cc transfer.cc bounce.cc space.cc durable.cc ring_queue.cc)
DEPS_store_posix := store io base
