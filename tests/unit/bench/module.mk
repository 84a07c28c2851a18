# SPDX-License-Identifier: GPL-2.0-or-later
UNITTESTS += bench_test
SINGLE_THREADED += bench_test
SRC_bench_test := tests/unit/bench/histogram_test.cc tests/unit/bench/options_test.cc \
                  tests/unit/bench/workload_test.cc tests/unit/bench/pdu_reader_test.cc \
                  tests/unit/bench/output_test.cc tests/unit/bench/cpu_clock_test.cc \
                  tests/unit/bench/answers_test.cc tests/bench/echo/answers.cc
DEPS_bench_test := bench wire base
