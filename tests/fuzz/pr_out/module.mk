# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += pr_out
SRC_pr_out := tests/fuzz/pr_out/pr_out.cc
DEPS_pr_out := scsi store wire io base
