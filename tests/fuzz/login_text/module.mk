# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz_login_text
SRC_fuzz_login_text := tests/fuzz/login_text/login_text.cc
DEPS_fuzz_login_text := iscsi_proto wire base
