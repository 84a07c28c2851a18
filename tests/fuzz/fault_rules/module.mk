# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fault_rules
SRC_fault_rules := tests/fuzz/fault_rules/fault_rules.cc
DEPS_fault_rules := store_engines store_fault store io base
