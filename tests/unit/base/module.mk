# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += base_test
SRC_base_test := tests/unit/base/crc32c_test.cc tests/unit/base/intrusive_list_test.cc \
                 tests/unit/base/mailbox_test.cc tests/unit/base/slab_test.cc \
                 tests/unit/base/unique_fd_test.cc tests/unit/base/log_test.cc \
                 tests/unit/base/text_test.cc
DEPS_base_test := base
