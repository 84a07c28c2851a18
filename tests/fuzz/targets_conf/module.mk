# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += targets_conf
SRC_targets_conf := tests/fuzz/targets_conf/targets_conf.cc
DEPS_targets_conf := config base
