# SPDX-License-Identifier: GPL-2.0-or-later
# Load generators and micro-benchmarks: `make bench`. scripts/bench runs them.
LIBS += bench
SRC_bench := tests/bench/options.cc tests/bench/histogram.cc tests/bench/cpu_clock.cc \
             tests/bench/workload.cc tests/bench/measure.cc tests/bench/report.cc \
             tests/bench/stream.cc tests/bench/pdu_reader.cc tests/bench/program.cc
DEPS_bench := wire base

BENCHES += lean
SRC_lean := tests/bench/lean/main.cc tests/bench/lean/login.cc tests/bench/lean/session.cc \
            tests/bench/lean/session_receive.cc tests/bench/lean/session_setup.cc
DEPS_lean := bench wire base

BENCHES += libiscsi_load
SRC_libiscsi_load := tests/bench/libiscsi_load/main.cc tests/bench/libiscsi_load/session.cc \
                     tests/bench/libiscsi_load/initiator.cc
DEPS_libiscsi_load := bench wire base
SYS_libiscsi_load := -liscsi

BENCHES += tape_stream
SRC_tape_stream := tests/bench/tape_stream/main.cc tests/bench/tape_stream/stream.cc \
                   tests/bench/libiscsi_load/initiator.cc
DEPS_tape_stream := bench wire base
SYS_tape_stream := -liscsi

BENCHES += echo
SRC_echo := tests/bench/echo/main.cc tests/bench/echo/server.cc tests/bench/echo/answers.cc \
            tests/bench/echo/client.cc
DEPS_echo := bench wire base

# Google Benchmark: `micro --benchmark_filter=dispatch`
BENCHES += micro
SRC_micro := tests/bench/micro/crc32c.cc tests/bench/micro/pdu.cc tests/bench/micro/dispatch.cc
DEPS_micro := bench iscsi_proto device_sbc store_null scsi store wire io base
SYS_micro := -lbenchmark_main -lbenchmark
