# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += scsi_test
SINGLE_THREADED += scsi_test
SRC_scsi_test := $(addprefix tests/unit/scsi/,sense_test.cc unit_attention_test.cc op_table_test.cc \
    lun_state_test.cc reservations_test.cc registration_test.cc pr_commands_test.cc \
    pr_out_decode_test.cc transport_id_test.cc mode_pages_test.cc inquiry_test.cc \
    op_report_test.cc spc_commands_test.cc test_device.cc)
DEPS_scsi_test := scsi_harness scsi store io wire base

# The command engine on workers that the test turns.
UNITTESTS += scsi_engine_test
SRC_scsi_engine_test := $(addprefix tests/unit/scsi/,engine_bench.cc engine_admission_test.cc \
    engine_order_test.cc engine_abort_test.cc engine_fence_test.cc engine_keep_test.cc engine_serial_test.cc engine_units_test.cc test_device.cc)
DEPS_scsi_engine_test := scsi_harness scsi store io wire base

# Reservations against a model of them.
UNITTESTS += scsi_reservation_test
SRC_scsi_reservation_test := $(addprefix tests/unit/scsi/,reservation_model.cc reservation_world.cc \
    reservation_model_test.cc engine_bench.cc test_device.cc)
DEPS_scsi_reservation_test := scsi_harness mgmt scsi store io wire base
SYS_scsi_reservation_test := -lrapidcheck
