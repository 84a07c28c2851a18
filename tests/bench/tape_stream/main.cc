// SPDX-License-Identifier: GPL-2.0-or-later
// Streams blocks to a tape drive (--rw write) or from it (--rw read): --range bytes of them from
// the beginning, however long that takes. `--fill` writes what is to be read before.
#include "tests/bench/program.h"
#include "tests/bench/tape_stream/stream.h"

namespace tgt::bench {

namespace {

constexpr uint32_t longest_block = 0xffffff;  // SSC-5: three bytes of length

Result<void> suits_a_tape(const Options& options) {
    if (options.sessions != 1) return fail(EINVAL, "a tape has one session");
    if (options.read_percent != 0 && options.read_percent != 100)
        return fail(EINVAL, "a tape is written or read: --rw write or --rw read");
    if (options.block > longest_block) return fail(EINVAL, "no tape has blocks of that size");
    if (options.range < options.block) return fail(EINVAL, "--range has to say how much");
    return {};
}

Result<void> fill(TapeStream& tape, uint64_t blocks) {
    Tally tally;
    return tape.rewind()
        .and_then([&] { return tape.transfer(true, blocks, tally); })
        .and_then([&]() -> Result<void> {
            if (tally.errors != 0) return fail(EIO, tally.first_error);
            return tape.write_filemark();
        });
}

double cpu_ns(const Meter& meter) {
    Report report;
    meter.tell(report);
    return static_cast<double>(report.server_cpu_ns);
}

// The measured part is the blocks; what the filemark that ends them takes is shown beside it.
Result<Report> stream(const Options& options, TapeStream& tape) {
    const bool write = options.read_percent == 0;
    const uint64_t blocks = options.range / options.block;
    Report report;
    report.tally.phase = Phase::measured;
    const Meter meter(options);
    if (auto done = tape.transfer(write, blocks, report.tally); !done)
        return tl::unexpected(done.error());
    meter.tell(report);
    const double mib = static_cast<double>(report.tally.bytes) / (1 << 20);
    report.more.emplace_back("server_cpu_us_per_mib",
                             static_cast<double>(report.server_cpu_ns) / 1e3 / mib);
    if (report.tally.errors != 0) return report;
    Result<void> ended;
    const Meter after(options);
    if (write) ended = tape.write_filemark();
    if (write) report.more.emplace_back("filemark_cpu_us_per_mib", cpu_ns(after) / 1e3 / mib);
    if (!write && options.verify) ended = tape.expect_filemark();
    if (!ended) return tl::unexpected(ended.error());
    return report;
}

Result<int> run(const Options& given) {
    Options options = given;
    options.sequential = true;
    TapeStream tape(options);
    return suits_a_tape(options)
        .and_then([&] { return tape.open(); })
        .and_then([&]() -> Result<void> {
            if (!options.fill) return {};
            return fill(tape, options.range / options.block);
        })
        .and_then([&] { return tape.rewind(); })
        .and_then([&] { return stream(options, tape); })
        .map([&](const Report& report) { return print(options, report); });
}

}  // namespace

}  // namespace tgt::bench

int main(int argc, char** argv) {
    using namespace tgt::bench;
    return run_program("tape_stream", argc, argv, run);
}
