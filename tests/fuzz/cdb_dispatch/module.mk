# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += cdb_dispatch
SRC_cdb_dispatch := tests/fuzz/cdb_dispatch/cdb_dispatch.cc
DEPS_cdb_dispatch := scsi_harness device_types device_sbc device_controller scsi store io wire base
