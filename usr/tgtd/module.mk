# SPDX-License-Identifier: GPL-2.0-or-later
# Everything but main() is a library, so that the tests link what the program runs.
LIBS += tgtd_core
SRC_tgtd_core := usr/tgtd/options.cc usr/tgtd/process.cc usr/tgtd/config_loader.cc \
    usr/tgtd/heartbeat.cc usr/tgtd/passed.cc usr/tgtd/service.cc usr/tgtd/service_manager.cc
DEPS_tgtd_core := iscsi_proto mgmt io base

PROGRAMS += tgtd
SRC_tgtd := usr/tgtd/main.cc
DEPS_tgtd := tgtd_core iscsi kring kring_hosts mgmt device_types store_engines ipc_admin scsi io base
