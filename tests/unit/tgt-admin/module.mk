# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += tgt_admin_test
SINGLE_THREADED += tgt_admin_test
SRC_tgt_admin_test := $(addprefix tests/unit/tgt-admin/,command_test.cc options_test.cc \
    planner_test.cc update_test.cc state_text_test.cc dump_test.cc library_test.cc scsi_identity_test.cc aftermath_test.cc)
DEPS_tgt_admin_test := tgt_admin_core tgtadm_core
