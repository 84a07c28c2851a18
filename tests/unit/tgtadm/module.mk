# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += tgtadm_test
SINGLE_THREADED += tgtadm_test
SRC_tgtadm_test := tests/unit/tgtadm/options_test.cc tests/unit/tgtadm/parse_test.cc \
    tests/unit/tgtadm/run_test.cc tests/unit/tgtadm/hosts_test.cc
DEPS_tgtadm_test := tgtadm_core
