# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += mode_select
SRC_mode_select := tests/fuzz/mode_select/mode_select.cc tests/unit/scsi/test_device.cc
DEPS_mode_select := scsi store wire io base
