# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += iscsi_proto_test
SRC_iscsi_proto_test := $(addprefix tests/unit/driver/iscsi/,text_test.cc parameters_test.cc \
    negotiation_test.cc chap_test.cc login_test.cc login_auth_test.cc pdu_receiver_test.cc \
    pdu_sender_test.cc)
DEPS_iscsi_proto_test := iscsi_proto wire base
