# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += tgtd_test
SRC_tgtd_test := $(addprefix tests/unit/tgtd/,config_loader_test.cc heartbeat_test.cc passed_test.cc \
    service_manager_test.cc)
DEPS_tgtd_test := tgtd_core iscsi_proto mgmt io base
