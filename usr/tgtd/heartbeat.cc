// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/heartbeat.h"

#include <algorithm>

#include "base/log.h"

namespace tgt::tgtd {

namespace {

constexpr auto module = log::Module::core;

std::vector<io::Worker*> loops_of(io::Runtime& runtime) {
    std::vector<io::Worker*> loops;
    for (unsigned i = 0; i < runtime.worker_count(); ++i) loops.push_back(&runtime.worker(i));
    loops.push_back(&runtime.control());
    return loops;
}

}  // namespace

Heartbeat::Heartbeat(io::Runtime& runtime, io::Duration period, io::TimePoint now)
    : Heartbeat(loops_of(runtime), period, now) {}

Heartbeat::Heartbeat(std::vector<io::Worker*> loops, io::Duration period, io::TimePoint now)
    : every_(period / 4) {
    for (io::Worker* loop : loops) {
        auto pulse = std::make_unique<Pulse>();
        pulse->loop = loop;
        pulse->run = [](Task& task) { static_cast<Pulse&>(task).back.store(true); };
        pulses_.push_back(std::move(pulse));
    }
    send(now);
}

// Only when all are back: a task is not posted twice.
void Heartbeat::send(io::TimePoint now) {
    for (const auto& pulse : pulses_) {
        pulse->back.store(false);
        pulse->loop->post(*pulse);
    }
    sent_ = now;
    due_ = now + every_;
}

std::string Heartbeat::silent() const {
    std::string out;
    for (const auto& pulse : pulses_)
        if (!pulse->back.load()) out += (out.empty() ? "" : ", ") + pulse->loop->name();
    return out;
}

bool Heartbeat::look(io::TimePoint now) {
    const std::string missing = silent();
    if (missing.empty()) {
        if (reported_) log::info(module, "all threads turn again");
        reported_ = false;
        send(now);
        return true;
    }
    due_ = now + every_;
    if (!reported_)
        log::error(module, "no sign of life from {} for {} s: the watchdog is not told", missing,
                   std::chrono::duration_cast<std::chrono::seconds>(now - sent_).count());
    reported_ = true;
    return false;
}

}  // namespace tgt::tgtd
