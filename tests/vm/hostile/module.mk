# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon that means harm, for the guest: tests/vm/guest/hostile.sh.
PROGRAMS += hostile
SRC_hostile := tests/vm/hostile/main.cc tests/vm/hostile/ring.cc tests/vm/hostile/ring_attack.cc \
               tests/vm/hostile/file_attack.cc tests/vm/hostile/netlink_attack.cc \
               tests/vm/hostile/load.cc
