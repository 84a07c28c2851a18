# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += kring_hosts_test
SINGLE_THREADED += kring_hosts_test
SRC_kring_hosts_test := tests/unit/driver/kring/netlink_hosts_test.cc
DEPS_kring_hosts_test := kring_hosts ipc_netlink_watch ipc_netlink wire io base

# The driver on the engine, with a fake kernel at the other end of its rings.
UNITTESTS += kring_test
SRC_kring_test := $(addprefix tests/unit/driver/kring/,fake_kernel.cc commands_test.cc \
    tasks_test.cc attachment_test.cc) tests/unit/ipc/ring_test.cc \
    tests/unit/scsi/engine_bench.cc tests/unit/scsi/test_device.cc
DEPS_kring_test := kring scsi_harness scsi device_types store io wire base
