# SPDX-License-Identifier: GPL-2.0-or-later
# The inner store is found by name: whoever links this links store_engines, too.
LIBS += store_fault
SRC_store_fault := usr/store/fault/cache.cc usr/store/fault/fault.cc usr/store/fault/fault_queue.cc \
                   usr/store/fault/fault_store.cc usr/store/fault/hung_ops.cc usr/store/fault/options.cc \
                   usr/store/fault/overlay.cc usr/store/fault/parameters.cc usr/store/fault/reorder.cc \
                   usr/store/fault/rule.cc usr/store/fault/rule_set.cc usr/store/fault/words.cc
DEPS_store_fault := store io base
