# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += scsi_harness
SRC_scsi_harness := tests/unit/scsi/harness.cc tests/unit/scsi/memory_store.cc
DEPS_scsi_harness := scsi store io wire base

UNITTESTS += device_test
SRC_device_test := tests/unit/device/cache_test.cc tests/unit/device/capacity_test.cc \
                   tests/unit/device/medium_control_test.cc tests/unit/device/read_modify_write_test.cc \
                   tests/unit/device/sbc_rows_test.cc \
                   tests/unit/device/state_test.cc tests/unit/device/transfer_test.cc \
                   tests/unit/device/unmap_test.cc tests/unit/device/verify_test.cc \
                   tests/unit/device/vpd_test.cc tests/unit/device/write_same_test.cc
DEPS_device_test := scsi_harness device_types device_sbc device_controller scsi store io wire base

# Pass-through: the device type on a port of the test, and the two stores that have one.
UNITTESTS += passthrough_test
SRC_passthrough_test := tests/unit/device/passthrough_test.cc tests/unit/device/passthrough_abort_test.cc \
                        tests/unit/device/fake_port.cc tests/unit/store/sgio_test.cc \
                        tests/unit/scsi/engine_bench.cc tests/unit/scsi/test_device.cc
DEPS_passthrough_test := scsi_harness device_passthrough store_sg store_bsg store_sgio scsi store io wire base
