// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/measure.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/bench/cpu_clock.h"

namespace tgt::bench {

namespace {

constexpr uint64_t drain_limit_ns = 30'000'000'000;  // for what is in flight at the end

struct Shared {
    std::atomic<Phase> phase{Phase::warm_up};
    std::atomic<unsigned> failed{0};
};

Result<void> drive(Engine& engine, Tally& tally, const Shared& shared) {
    uint64_t limit = 0;
    // The first turn begins something, however late the thread comes to it.
    while (tally.phase != Phase::stop || !engine.idle()) {
        if (limit != 0 && now_ns() > limit) return fail(ETIMEDOUT, "commands were not answered");
        if (auto turned = engine.turn(tally); !turned) return turned;
        tally.phase = shared.phase.load(std::memory_order_relaxed);
        if (tally.phase == Phase::stop && limit == 0) limit = now_ns() + drain_limit_ns;
    }
    return {};
}

// Sleeps, but not on when an engine has failed.
void wait(double seconds, const Shared& shared) {
    const uint64_t end = now_ns() + static_cast<uint64_t>(seconds * 1e9);
    constexpr uint64_t nap = 100'000'000;
    for (uint64_t now = now_ns(); now < end && shared.failed == 0; now = now_ns())
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(nap, end - now)));
}

struct Lane {
    Tally tally;
    Result<void> result;
    std::thread thread;
};

}  // namespace

Meter::Meter(const Options& options) : server_(options.server_pid), begin_(read()) {}

Meter::Clocks Meter::read() const {
    Clocks now{now_ns(), own_cpu_ns(), own_user_ns(), machine_cpu_ns().value_or(0)};
    if (server_ != 0) now.server_cpu = process_cpu_ns(server_).value_or(0);
    return now;
}

void Meter::tell(Report& report) const {
    const Clocks end = read();
    report.seconds = static_cast<double>(end.time - begin_.time) / 1e9;
    report.own_cpu_ns = end.own_cpu - begin_.own_cpu;
    report.own_user_ns = end.own_user - begin_.own_user;
    report.machine_cpu_ns = end.machine_cpu - begin_.machine_cpu;
    report.server_cpu_ns = end.server_cpu - begin_.server_cpu;
}

void Tally::merge(const Tally& other) {
    latency.merge(other.latency);
    bytes += other.bytes;
    by_session.resize(std::max(by_session.size(), other.by_session.size()));
    for (size_t i = 0; i < other.by_session.size(); ++i) by_session[i] += other.by_session[i];
    completed += other.completed;
    errors += other.errors;
    if (first_error.empty()) first_error = other.first_error;
}

Result<Report> measure(const Options& options,
                       const std::vector<std::unique_ptr<Engine>>& engines) {
    Shared shared;
    std::vector<std::unique_ptr<Lane>> lanes;
    for (const auto& engine : engines) {
        Lane& lane = *lanes.emplace_back(std::make_unique<Lane>());
        lane.tally.by_session.resize(options.sessions);
        lane.thread = std::thread([&shared, &lane, &engine = *engine] {
            lane.result = drive(engine, lane.tally, shared);
            if (!lane.result) ++shared.failed;
        });
    }
    wait(options.warm_up, shared);
    shared.phase = Phase::measured;
    const Meter meter(options);
    wait(options.seconds, shared);
    Report report;
    meter.tell(report);
    shared.phase = Phase::stop;
    for (const auto& lane : lanes) lane->thread.join();

    for (const auto& lane : lanes) {
        if (!lane->result) return tl::unexpected(lane->result.error());
        report.tally.merge(lane->tally);
    }
    return report;
}

}  // namespace tgt::bench
