# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_rdwr
SRC_store_rdwr := usr/store/rdwr/rdwr.cc usr/store/rdwr/open.cc usr/store/rdwr/lock.cc \
                  usr/store/rdwr/probe.cc usr/store/rdwr/transfer.cc usr/store/rdwr/space.cc
DEPS_store_rdwr := store io base
