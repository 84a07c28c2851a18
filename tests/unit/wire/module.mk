# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += wire_test
SINGLE_THREADED += wire_test
SRC_wire_test := tests/unit/wire/iscsi_test.cc tests/unit/wire/isns_test.cc tests/unit/wire/scsi_lun_test.cc
DEPS_wire_test := wire base
