# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += setup_lun_test
SINGLE_THREADED += setup_lun_test
SRC_setup_lun_test := tests/unit/tgt-setup-lun/setup_test.cc
DEPS_setup_lun_test := setup_lun
