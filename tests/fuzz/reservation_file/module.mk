# SPDX-License-Identifier: GPL-2.0-or-later
FUZZERS += reservation_file
SRC_reservation_file := tests/fuzz/reservation_file/reservation_file.cc
DEPS_reservation_file := mgmt scsi wire io base
