# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += iscsi_proto_test
SINGLE_THREADED += iscsi_proto_test
SRC_iscsi_proto_test := $(addprefix tests/unit/driver/iscsi/,text_test.cc parameters_test.cc \
    negotiation_test.cc chap_test.cc login_test.cc login_auth_test.cc pdu_receiver_test.cc \
    pdu_sender_test.cc)
DEPS_iscsi_proto_test := iscsi_proto wire base

# Sessions and connections on the engine, over socketpairs.
LIBS += session_bench
SRC_session_bench := tests/unit/driver/iscsi/session_bench.cc tests/unit/scsi/engine_bench.cc \
    tests/unit/scsi/test_device.cc
DEPS_session_bench := iscsi scsi_harness scsi wire io base
UNITTESTS += iscsi_session_test
SRC_iscsi_session_test := $(addprefix tests/unit/driver/iscsi/,data_out_test.cc connection_test.cc \
    peer_limits_test.cc data_wait_test.cc half_open_test.cc peer_log_test.cc worker_choice_test.cc)
DEPS_iscsi_session_test := session_bench iscsi scsi_harness scsi device_types

# A program of its own: it counts every allocation.
UNITTESTS += iscsi_read_path_test
SINGLE_THREADED += iscsi_read_path_test
SRC_iscsi_read_path_test := tests/unit/driver/iscsi/read_path_test.cc
DEPS_iscsi_read_path_test := session_bench iscsi scsi_harness scsi device_types store_engines
