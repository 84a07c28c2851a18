# SPDX-License-Identifier: GPL-2.0-or-later
# The protocol without sockets and threads.
LIBS += iscsi_proto
SRC_iscsi_proto := usr/driver/iscsi/text.cc usr/driver/iscsi/parameters.cc \
    usr/driver/iscsi/negotiation.cc usr/driver/iscsi/chap.cc usr/driver/iscsi/login.cc \
    usr/driver/iscsi/pdu_receiver.cc usr/driver/iscsi/pdu_sender.cc \
    usr/driver/iscsi/driver_settings.cc
DEPS_iscsi_proto := wire base
SYS_iscsi_proto := -lnettle

# Sessions, connections and sockets.
LIBS += iscsi
SRC_iscsi := usr/driver/iscsi/connection.cc usr/driver/iscsi/connection_login.cc \
    usr/driver/iscsi/connection_scsi.cc usr/driver/iscsi/connection_text.cc \
    usr/driver/iscsi/data_out.cc usr/driver/iscsi/driver.cc usr/driver/iscsi/half_open.cc \
    usr/driver/iscsi/listener.cc usr/driver/iscsi/memory_account.cc usr/driver/iscsi/peer_log.cc \
    usr/driver/iscsi/session.cc usr/driver/iscsi/session_registry.cc \
    usr/driver/iscsi/session_registry_admin.cc usr/driver/iscsi/starving.cc \
    usr/driver/iscsi/task.cc usr/driver/iscsi/tcp_transport.cc \
    usr/driver/iscsi/worker_choice.cc
DEPS_iscsi := iscsi_proto mgmt scsi wire io base
