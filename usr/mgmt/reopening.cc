// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/reopening.h"

#include <algorithm>

namespace tgt::mgmt {

struct Reopening::One {
    One(Place p, io::Duration first, std::function<void()> due)
        : place(p), wait(first), timer(std::move(due)) {}
    const Place place;
    io::Duration wait;  // before the next attempt
    io::Timer timer;
};

Reopening::Reopening(io::Runtime& runtime, Pauses pauses, Attempt attempt)
    : runtime_(runtime), pauses_(pauses), attempt_(std::move(attempt)) {}

Reopening::~Reopening() = default;

void Reopening::add(Place place) {
    OnePtr& one = all_[place];
    if (one) return;
    auto self = std::make_shared<std::weak_ptr<One>>();
    one = std::make_shared<One>(place, pauses_.first, [this, self] {
        if (const OnePtr one = self->lock()) due(one);
    });
    *self = one;
    runtime_.control().timers().arm_in(one->timer, one->wait);
}

void Reopening::forget(Place place) {
    all_.erase(place);
}

void Reopening::hurry() {
    for (const auto& [place, one] : all_) {
        one->wait = pauses_.first;
        if (one->timer.armed()) runtime_.control().timers().arm_in(one->timer, pauses_.first / 10);
    }
}

void Reopening::due(const OnePtr& one) {
    due_.push_back(one);
    run_next();
}

void Reopening::run_next() {
    while (running_ < max_running && !due_.empty()) {
        const OnePtr one = due_.front().lock();
        due_.pop_front();
        if (!one) continue;  // it was forgotten
        ++running_;
        attempt_(one->place, [this, one](bool again) {
            --running_;
            ended(one, again);
            run_next();
        });
    }
}

void Reopening::ended(const OnePtr& one, bool again) {
    const auto known = all_.find(one->place);
    if (known == all_.end() || known->second != one) return;
    if (!again) {
        all_.erase(known);
        return;
    }
    one->wait = std::min(2 * one->wait, pauses_.longest);
    runtime_.control().timers().arm_in(one->timer, one->wait);
}

}  // namespace tgt::mgmt
