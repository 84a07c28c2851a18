# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += fuzz_pdu_receive
SRC_fuzz_pdu_receive := tests/fuzz/pdu_receive/pdu_receive.cc
DEPS_fuzz_pdu_receive := iscsi_proto wire base
