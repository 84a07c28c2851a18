# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += device_smc
SRC_device_smc := usr/device/smc/changer.cc usr/device/smc/drives.cc usr/device/smc/element_status.cc \
                  usr/device/smc/element_information.cc \
                  usr/device/smc/handlers.cc usr/device/smc/model.cc usr/device/smc/parameters.cc \
                  usr/device/smc/personality.cc usr/device/smc/show.cc usr/device/smc/state.cc \
                  usr/device/smc/volume_search.cc
DEPS_device_smc := store_smc store_engines scsi wire io base
SYS_device_smc := -lfmt
