// SPDX-License-Identifier: GPL-2.0-or-later
// CRC32C of what digests are made of: headers, small and large data segments.
#include "base/crc32c.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace {

void crc32c(benchmark::State& state) {
    const std::vector<uint8_t> data(static_cast<size_t>(state.range(0)), 0x5a);
    for (auto _ : state) benchmark::DoNotOptimize(tgt::crc32c(data.data(), data.size()));
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(crc32c)->Arg(48)->Arg(512)->Arg(4096)->Arg(131072);

}  // namespace
