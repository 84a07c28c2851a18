# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += ssc_pages_test
SINGLE_THREADED += ssc_pages_test
SRC_ssc_pages_test := $(addprefix tests/unit/device/ssc_pages/,attributes_test.cc block_cipher_test.cc \
                      block_protection_test.cc density_test.cc encryption_test.cc log_pages_test.cc \
                      mode_pages_test.cc personality_test.cc vpd_test.cc)
DEPS_ssc_pages_test := device_ssc_pages scsi store io wire base
