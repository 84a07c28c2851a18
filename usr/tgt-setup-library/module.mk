# SPDX-License-Identifier: GPL-2.0-or-later
# Everything but main() is a library, so that the tests link what the program runs.
LIBS += setup_library
SRC_setup_library := usr/tgt-setup-library/options.cc usr/tgt-setup-library/plan.cc usr/tgt-setup-library/setup.cc
DEPS_setup_library := tgt_admin_core config ipc_admin store_ssc store io base

PROGRAMS += tgt-setup-library
SRC_tgt-setup-library := usr/tgt-setup-library/main.cc
DEPS_tgt-setup-library := setup_library
