# SPDX-License-Identifier: GPL-2.0-or-later
# What the configuration parser makes of a file, for the comparison with Perl's.
PROGRAMS += config-tree
SRC_config-tree := tests/contract/config_tree.cc
DEPS_config-tree := config base
