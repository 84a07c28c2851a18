# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += unmap_list
SRC_unmap_list := tests/fuzz/unmap_list/unmap_list.cc
DEPS_unmap_list := device_sbc scsi store wire io base
