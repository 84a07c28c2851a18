# SPDX-License-Identifier: GPL-2.0-or-later
PROGRAMS += tgtimg
SRC_tgtimg := usr/tgtimg/main.cc usr/tgtimg/options.cc usr/tgtimg/disk_image.cc usr/tgtimg/tape_image.cc
DEPS_tgtimg := store_ssc store_posix store io base
