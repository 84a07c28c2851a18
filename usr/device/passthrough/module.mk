# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += device_passthrough
SRC_device_passthrough := usr/device/passthrough/answer.cc usr/device/passthrough/cdb_length.cc \
                          usr/device/passthrough/passthrough.cc
DEPS_device_passthrough := scsi wire io base
