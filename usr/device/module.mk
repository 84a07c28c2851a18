# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += device_types
SRC_device_types := usr/device/device_types.cc usr/device/opcodes_doc.cc
DEPS_device_types := device_sbc device_smc device_ssc device_controller device_passthrough scsi base
SYS_device_types := -lfmt
