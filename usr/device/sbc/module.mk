# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += device_sbc
SRC_device_sbc := usr/device/sbc/cache.cc usr/device/sbc/capacity.cc usr/device/sbc/disk.cc \
                  usr/device/sbc/medium.cc usr/device/sbc/medium_control.cc usr/device/sbc/read_modify_write.cc \
                  usr/device/sbc/state.cc usr/device/sbc/transfer.cc usr/device/sbc/unmap.cc \
                  usr/device/sbc/verify.cc usr/device/sbc/vpd.cc usr/device/sbc/write_same.cc
DEPS_device_sbc := scsi wire io base
