# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += store_test
SRC_store_test := tests/unit/store/flags_test.cc tests/unit/store/op_batch_test.cc tests/unit/store/pooled_queue_test.cc \
                  tests/unit/store/null_test.cc tests/unit/store/rdwr_open_test.cc \
                  tests/unit/store/rdwr_io_test.cc tests/unit/store/rdwr_space_test.cc \
                  tests/unit/store/rdwr_device_test.cc tests/unit/store/durable_test.cc \
                  tests/unit/store/file_contract_test.cc tests/unit/store/lasting_id_test.cc \
                  tests/unit/store/fault_rule_test.cc tests/unit/store/fault_rule_set_test.cc \
                  tests/unit/store/fault_overlay_test.cc tests/unit/store/fault_cache_test.cc \
                  tests/unit/store/fault_cache_race_test.cc \
                  tests/unit/store/fault_queue_test.cc tests/unit/store/fault_perform_test.cc \
                  tests/unit/store/fault_open_test.cc \
                  tests/unit/store/ring_queue_test.cc tests/unit/store/aio_queue_test.cc tests/unit/store/aio_kernel_test.cc
DEPS_store_test := store_engines store_aio store_posix store io base

UNITTESTS += tape_store_test
SRC_tape_store_test := $(addprefix tests/unit/store/tape_,model_test.cc power_test.cc image_test.cc format2_test.cc \
                              room_test.cc)
DEPS_tape_store_test := store_engines store_ssc store_posix store io base
