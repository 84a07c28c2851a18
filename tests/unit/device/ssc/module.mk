# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += ssc_test
SRC_ssc_test := $(addprefix tests/unit/device/ssc/,memory_tape.cc tape_bench.cc codec_test.cc medium_port_test.cc \
                medium_test.cc model_test.cc movement_test.cc pages_test.cc read_test.cc reference_tape.cc \
                write_test.cc)
DEPS_ssc_test := scsi_harness device_ssc store_ssc scsi store io wire base
