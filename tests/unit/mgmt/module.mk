# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += mgmt_test
SRC_mgmt_test := $(addprefix tests/unit/mgmt/,portal_spec_test.cc access_test.cc accounts_test.cc \
    lun_parameters_test.cc redirect_test.cc portals_test.cc options_test.cc \
    admin_connection_test.cc admin_server_test.cc verbs_test.cc login_test.cc \
    reservation_file_test.cc reservation_store_test.cc lun_update_test.cc fake_engine.cc \
    unit_request_test.cc attempts_test.cc capacity_test.cc revival_test.cc isns_message_test.cc \
    isns_agent_test.cc isns_client_test.cc state_rows_test.cc settings_test.cc state_db_test.cc \
    state_keeper_test.cc hosts_test.cc)
DEPS_mgmt_test := scsi_harness tgtd_core iscsi_proto mgmt device_types store_engines ipc_admin scsi io base
