# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz_connection
SRC_fuzz_connection := tests/fuzz/connection/connection.cc
DEPS_fuzz_connection := session_bench iscsi scsi_harness scsi device_types
SYS_fuzz_connection := -lgtest
