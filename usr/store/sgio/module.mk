# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_sgio
SRC_store_sgio := usr/store/sgio/delivery.cc usr/store/sgio/device.cc usr/store/sgio/options.cc \
                  usr/store/sgio/scsi_store.cc
DEPS_store_sgio := store io base
SYS_store_sgio := -lfmt
