# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += library_file
SRC_library_file := tests/fuzz/library_file/library_file.cc
DEPS_library_file := store_smc store io base
