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
    while (tally.phase != Phase::stop || !engine.idle()) {
        tally.phase = shared.phase.load(std::memory_order_relaxed);
        if (tally.phase == Phase::stop && limit == 0) limit = now_ns() + drain_limit_ns;
        if (limit != 0 && now_ns() > limit) return fail(ETIMEDOUT, "commands were not answered");
        if (auto turned = engine.turn(tally); !turned) return turned;
    }
    return {};
}

struct Snapshot {
    uint64_t time;
    uint64_t own_cpu;
    uint64_t own_user;
    uint64_t machine_cpu;
    uint64_t server_cpu = 0;
};

Snapshot snapshot(const Options& options) {
    Snapshot now{now_ns(), own_cpu_ns(), own_user_ns(), machine_cpu_ns().value_or(0)};
    if (options.server_pid != 0) now.server_cpu = process_cpu_ns(options.server_pid).value_or(0);
    return now;
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
    const Snapshot begin = snapshot(options);
    wait(options.seconds, shared);
    const Snapshot end = snapshot(options);
    shared.phase = Phase::stop;
    for (const auto& lane : lanes) lane->thread.join();

    Report report;
    report.seconds = static_cast<double>(end.time - begin.time) / 1e9;
    report.own_cpu_ns = end.own_cpu - begin.own_cpu;
    report.own_user_ns = end.own_user - begin.own_user;
    report.machine_cpu_ns = end.machine_cpu - begin.machine_cpu;
    report.server_cpu_ns = end.server_cpu - begin.server_cpu;
    for (const auto& lane : lanes) {
        if (!lane->result) return tl::unexpected(lane->result.error());
        report.tally.merge(lane->tally);
    }
    return report;
}

}  // namespace tgt::bench
