# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += command_ring
SRC_command_ring := tests/fuzz/command_ring/command_ring.cc tests/unit/scsi/engine_bench.cc \
    tests/unit/scsi/test_device.cc
DEPS_command_ring := kring scsi_harness scsi store io wire base
