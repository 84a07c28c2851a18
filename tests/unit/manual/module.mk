# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += manual_test
SINGLE_THREADED += manual_test
SRC_manual_test := tests/unit/manual/directives_test.cc
DEPS_manual_test := config
