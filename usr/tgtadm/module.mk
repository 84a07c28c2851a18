# SPDX-License-Identifier: GPL-2.0-or-later
# Everything but main() is a library, so that the tests link what the program runs.
LIBS += tgtadm_core
SRC_tgtadm_core := usr/tgtadm/options.cc usr/tgtadm/rules.cc usr/tgtadm/parse.cc usr/tgtadm/help.cc \
    usr/tgtadm/run.cc usr/tgtadm/hosts.cc usr/tgtadm/host_text.cc
DEPS_tgtadm_core := ipc_admin ipc_netlink base
PROGRAMS += tgtadm
SRC_tgtadm := usr/tgtadm/main.cc
DEPS_tgtadm := tgtadm_core
