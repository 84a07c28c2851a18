# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += scsi
SRC_scsi := usr/scsi/sense.cc usr/scsi/outcome.cc usr/scsi/unit_attention.cc usr/scsi/op_table.cc
DEPS_scsi := wire io base
