# SPDX-License-Identifier: GPL-2.0-or-later
# The changer on a bench, with drives of the test.
UNITTESTS += smc_test
SRC_smc_test := $(addprefix tests/unit/device/smc/,library_bench.cc element_status_test.cc move_test.cc \
    parameters_test.cc library_file_test.cc) tests/unit/scsi/engine_bench.cc tests/unit/scsi/test_device.cc
DEPS_smc_test := scsi_harness device_smc store_smc scsi store io wire base
