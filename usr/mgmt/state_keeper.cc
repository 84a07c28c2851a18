// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/state_keeper.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/numbers.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

}  // namespace

// --- what waits ---------------------------------------------------------------------------------

void PendingChanges::drop(const std::string& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    list_.erase(found->second);
    by_key_.erase(found);
}

void PendingChanges::add(StateChange change) {
    const std::string key = change.row.key;
    if (change.kind == StateChange::Kind::erase_below) {
        const std::string prefix = below(key);
        for (auto it = by_key_.lower_bound(prefix);
             it != by_key_.end() && it->first.starts_with(prefix);) {
            list_.erase(it->second);
            it = by_key_.erase(it);
        }
        list_.push_back(std::move(change));
        return;
    }
    // A new object with an old key takes its place at the end, hence the erasure must be seen.
    const auto found = by_key_.find(key);
    if (found != by_key_.end() && found->second->kind == change.kind) {
        *found->second = std::move(change);
        return;
    }
    if (change.kind == StateChange::Kind::erase) drop(key);
    by_key_[key] = list_.insert(list_.end(), std::move(change));
}

void PendingChanges::add(std::vector<StateChange> changes) {
    for (StateChange& change : changes) add(std::move(change));
}

// --- the keeper ---------------------------------------------------------------------------------

StateKeeper::StateKeeper(io::Runtime& runtime, std::string folder, std::shared_ptr<StateDb> db,
                         Options options)
    : runtime_(runtime),
      folder_(std::move(folder)),
      db_(std::move(db)),
      put_aside_(db_->put_aside()),
      options_(options),
      retry_([this] { begin(); }),
      patience_([this] { out_of_patience(); }) {}

StateKeeper::~StateKeeper() {
    *alive_ = false;
    if (unsaved() > 0)
        log::error(module, "{} changes are not in the saved state in {}: {}", unsaved(), folder_,
                   failing_.value_or("they were not written in time"));
}

void StateKeeper::answer(std::deque<Waiter> waiters, const std::optional<std::string>& why_not) {
    for (const Waiter& waiter : waiters) waiter.done(why_not);
}

void StateKeeper::save(std::vector<StateChange> changes, Done done) {
    if (changes.empty()) return done(std::nullopt);
    waiting_.add(std::move(changes));
    const auto now = runtime_.control().timers().now();
    waiters_.push_back({now + options_.patience, std::move(done)});
    arm_patience();
    begin();
}

// One commit takes all that wait.
void StateKeeper::begin() {
    if (busy_ || (writing_.empty() && waiting_.empty())) return;
    busy_ = true;
    retry_.disarm();
    writing_.add(std::exchange(waiting_, {}).all());
    for (Waiter& waiter : std::exchange(waiters_, {})) written_for_.push_back(std::move(waiter));
    call_blocking(
        runtime_, [db = db_, changes = writing_.all()] { return db->apply(changes); },
        [this, alive = alive_](const Result<void>& outcome) {
            if (*alive) ended(outcome);
        });
}

void StateKeeper::ended(const Result<void>& outcome) {
    busy_ = false;
    std::optional<std::string> why_not;
    if (outcome) {
        note_written(writing_.all());
        writing_ = {};
        if (std::exchange(failing_, std::nullopt))
            log::info(module, "the state in {} is saved again", folder_);
        pause_ = {};
    } else {
        why_not = outcome.error().text;
        if (failing_ != why_not)
            log::error(module, "the state in {} cannot be saved: {}; trying again", folder_,
                       *why_not);
        failing_ = why_not;
        pause_ = pause_ == io::Duration() ? options_.first : std::min(2 * pause_, options_.longest);
        runtime_.control().timers().arm_in(retry_, pause_);
    }
    answer(std::exchange(written_for_, {}), why_not);
    if (unsaved() == 0) answer(std::exchange(waiters_, {}), why_not);
    arm_patience();
    if (!waiters_.empty()) begin();  // those that came meanwhile
}

// --- a disk that does not answer -----------------------------------------------------------------

void StateKeeper::arm_patience() {
    const auto& oldest = written_for_.empty() ? waiters_ : written_for_;
    if (oldest.empty()) return patience_.disarm();
    runtime_.control().timers().arm(patience_, oldest.front().deadline);
}

void StateKeeper::out_of_patience() {
    const auto now = runtime_.control().timers().now();
    std::deque<Waiter> late;
    for (auto* queue : {&written_for_, &waiters_})
        while (!queue->empty() && queue->front().deadline <= now) {
            late.push_back(std::move(queue->front()));
            queue->pop_front();
        }
    if (!late.empty() && !failing_) {
        failing_ =
            fmt::format("the disk has not answered for {} s", whole_seconds(options_.patience));
        log::error(module, "the state in {} is not saved yet: {}", folder_, *failing_);
    }
    answer(std::move(late), failing_);
    arm_patience();
}

void StateKeeper::stop(std::function<void()> done) {
    retry_.disarm();
    if (unsaved() == 0) return done();
    const auto now = runtime_.control().timers().now();
    waiters_.push_back(
        {now + options_.patience, [done = std::move(done)](const auto&) { done(); }});
    arm_patience();
    begin();
}

// --- objects that are not in use -----------------------------------------------------------------

void StateKeeper::set_unused(std::vector<Unused> unused) {
    for (Unused& one : unused) unused_[std::move(one.key)] = std::move(one.reason);
}

void StateKeeper::note_written(const std::vector<StateChange>& changes) {
    for (const StateChange& change : changes) {
        if (change.kind != StateChange::Kind::erase_below) {
            unused_.erase(change.row.key);
            continue;
        }
        const std::string prefix = below(change.row.key);
        std::erase_if(unused_, [&](const auto& one) { return one.first.starts_with(prefix); });
    }
}

}  // namespace tgt::mgmt
