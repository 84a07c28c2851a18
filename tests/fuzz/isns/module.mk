# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz_isns
SRC_fuzz_isns := tests/fuzz/isns/isns.cc
DEPS_fuzz_isns := mgmt scsi wire io base
