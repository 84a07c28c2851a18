# SPDX-License-Identifier: GPL-2.0-or-later
# What a tape drive says of itself and of its cartridge: functions without a drive.
LIBS += device_ssc_pages
SRC_device_ssc_pages := $(addprefix usr/device/ssc/,density.cc mode_pages.cc personality.cc)
DEPS_device_ssc_pages := scsi wire base
