# SPDX-License-Identifier: GPL-2.0-or-later
# The protocol without sockets and threads.
LIBS += iscsi_proto
SRC_iscsi_proto := usr/driver/iscsi/text.cc usr/driver/iscsi/parameters.cc \
    usr/driver/iscsi/negotiation.cc usr/driver/iscsi/chap.cc usr/driver/iscsi/login.cc \
    usr/driver/iscsi/pdu_receiver.cc usr/driver/iscsi/pdu_sender.cc
DEPS_iscsi_proto := wire base
SYS_iscsi_proto := -lnettle
