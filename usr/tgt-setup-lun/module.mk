# SPDX-License-Identifier: GPL-2.0-or-later
# Everything but main() is a library, so that the tests link what the program runs.
LIBS += setup_lun
SRC_setup_lun := usr/tgt-setup-lun/options.cc usr/tgt-setup-lun/setup.cc
DEPS_setup_lun := tgt_admin_core config ipc_admin base

PROGRAMS += tgt-setup-lun
SRC_tgt-setup-lun := usr/tgt-setup-lun/main.cc
DEPS_tgt-setup-lun := setup_lun
