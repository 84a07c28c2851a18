# SPDX-License-Identifier: GPL-2.0-or-later
# What a tape drive says of itself and of its cartridge: functions without a drive.
LIBS += device_ssc_pages
SRC_device_ssc_pages := $(addprefix usr/device/ssc/,attributes.cc block_cipher.cc block_compression.cc \
                            block_protection.cc density.cc encryption.cc log_pages.cc mode_pages.cc personality.cc \
                            vpd.cc)
DEPS_device_ssc_pages := scsi wire base
SYS_device_ssc_pages := -lnettle -lzstd

# The drive.
LIBS += device_ssc
SRC_device_ssc := $(addprefix usr/device/ssc/,append_only.cc block_codec.cc drive.cc medium.cc medium_port.cc movement.cc \
                  page_handlers.cc position.cc read.cc security_protocol.cc tape.cc worm.cc write.cc)
DEPS_device_ssc := device_ssc_pages scsi wire io base
