# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += io_test
SRC_io_test := tests/unit/io/timers_test.cc tests/unit/io/poller_test.cc tests/unit/io/buffer_test.cc \
               tests/unit/io/blocking_pool_test.cc tests/unit/io/worker_test.cc tests/unit/io/ring_test.cc \
               tests/unit/io/runtime_test.cc tests/unit/io/cpus_test.cc \
               tests/unit/io/busy_share_test.cc
DEPS_io_test := io base
