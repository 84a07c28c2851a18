# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += setup_library_test
SRC_setup_library_test := tests/unit/tgt-setup-library/plan_test.cc
DEPS_setup_library_test := setup_library
