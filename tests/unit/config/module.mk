# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += config_test
SINGLE_THREADED += config_test
SRC_config_test := tests/unit/config/parser_test.cc tests/unit/config/include_test.cc \
    tests/unit/config/targets_conf_test.cc tests/unit/config/logical_units_test.cc \
    tests/unit/config/directives_test.cc tests/unit/config/writer_test.cc \
    tests/unit/config/disk_files_test.cc tests/unit/config/library_test.cc \
    tests/unit/config/examples_test.cc
DEPS_config_test := config base
