# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += store_ssc
SRC_store_ssc := $(addprefix usr/store/ssc/,ssc.cc image.cc create.cc media_types.cc file.cc record.cc metadata.cc \
                 sparse_index.cc partition.cc partition_open.cc tape3.cc tape3_write.cc tape2_format.cc tape2.cc \
                 tape2_write.cc)
DEPS_store_ssc := store_posix store io base
SYS_store_ssc := -lfmt
