# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += tape_lists
SRC_tape_lists := tests/fuzz/tape_lists/tape_lists.cc
DEPS_tape_lists := device_ssc_pages scsi store wire io base
