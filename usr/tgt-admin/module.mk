# SPDX-License-Identifier: GPL-2.0-or-later
# Everything but main() is a library, so that the tests link what the program runs.
LIBS += tgt_admin_core
SRC_tgt_admin_core := $(addprefix usr/tgt-admin/,options.cc help.cc command.cc state.cc \
    state_text.cc gather.cc devices.cc scsi_identity.cc desired.cc library.cc planner.cc plan_globals.cc \
    plan_target.cc plan_units.cc dump.cc aftermath.cc runner.cc app.cc)
DEPS_tgt_admin_core := config ipc_admin base
PROGRAMS += tgt-admin
SRC_tgt-admin := usr/tgt-admin/main.cc
DEPS_tgt-admin := tgt_admin_core
