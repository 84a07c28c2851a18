# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += tape_image
SRC_tape_image := tests/fuzz/tape_image/tape_image.cc
DEPS_tape_image := store_ssc store_posix store io base
