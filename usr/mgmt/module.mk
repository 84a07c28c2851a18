# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += mgmt
SRC_mgmt := $(addprefix usr/mgmt/,socket_address.cc portal_spec.cc access.cc accounts.cc \
            lun_identity.cc lun_parameters.cc redirect.cc portals.cc registry.cc registry_luns.cc registry_models.cc registry_hosts.cc \
            registry_lun_update.cc unit_request.cc media.cc medium_key.cc attempts.cc capacity.cc capacity_watch.cc uevents.cc revival.cc probe_identity.cc registry_login.cc verbs.cc verbs_system.cc verbs_target.cc \
            verbs_stat.cc show_units.cc show_details.cc admin_server.cc admin_connection.cc durable_file.cc \
            reservation_file.cc reservation_store.cc isns_message.cc isns_requests.cc isns_agent.cc \
            isns_agent_answers.cc isns_stream.cc isns_listener.cc isns_session.cc isns_settings.cc isns_client.cc \
            settings.cc state_rows.cc state_db.cc \
            state_keeper.cc state_snapshot.cc state_restore.cc reopening.cc registry_restore.cc)
DEPS_mgmt := wire scsi store store_engines ipc_admin io base
SYS_mgmt := -lnettle -lsqlite3
