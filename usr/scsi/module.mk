# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += scsi
SRC_scsi := usr/scsi/sense.cc usr/scsi/outcome.cc usr/scsi/unit_attention.cc usr/scsi/op_table.cc \
            usr/scsi/lun_state.cc usr/scsi/reservations.cc usr/scsi/mode_pages.cc usr/scsi/pr_commands.cc \
            usr/scsi/inquiry.cc usr/scsi/log_pages.cc usr/scsi/op_report.cc usr/scsi/spc_commands.cc \
            usr/scsi/transport_id.cc
SRC_scsi += usr/scsi/abort.cc usr/scsi/attention_board.cc usr/scsi/command.cc usr/scsi/device_reset.cc usr/scsi/engine.cc usr/scsi/fence.cc \
            usr/scsi/lun_change.cc usr/scsi/logical_unit.cc usr/scsi/nexus.cc usr/scsi/target.cc \
            usr/scsi/task_management.cc usr/scsi/task_set.cc
DEPS_scsi := store wire io base
