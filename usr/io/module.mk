# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += io
SRC_io := usr/io/timers.cc usr/io/poller.cc usr/io/buffer.cc usr/io/thread.cc usr/io/blocking_pool.cc \
          usr/io/worker.cc usr/io/ring.cc usr/io/cpus.cc usr/io/runtime.cc
DEPS_io := base
SYS_io := -luring
