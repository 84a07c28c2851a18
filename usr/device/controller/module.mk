# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += device_controller
SRC_device_controller := usr/device/controller/controller.cc
DEPS_device_controller := scsi wire io base
