# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += state_row
SRC_state_row := tests/fuzz/state_row/state_row.cc
DEPS_state_row := mgmt scsi wire io base
