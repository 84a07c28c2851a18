// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/reorder.h"

#include <algorithm>
#include <utility>

#include "io/worker.h"

namespace tgt::store::fault {

namespace {

auto is_of(const Op& op) {
    return [&op](const Reorder::Member& member) { return member.op == &op; };
}

}  // namespace

// Fisher and Yates' shuffle: every order is as likely as every other.
Reorder::Batch Reorder::take_all() {
    Batch batch = std::exchange(held_, {});
    if (!shuffle_) {
        std::reverse(batch.begin(), batch.end());
        return batch;
    }
    for (size_t left = batch.size(); left > 1; --left)
        std::swap(batch[left - 1], batch[shuffle_->below(left)]);
    return batch;
}

Reorder::Batch Reorder::join(Op& op, Task& task, io::Worker& worker) {
    std::lock_guard lock(mutex_);
    held_.push_back({.op = &op, .task = &task, .worker = &worker});
    return held_.size() < window_ ? Batch() : take_all();
}

Reorder::Batch Reorder::take_with(const Op& op) {
    std::lock_guard lock(mutex_);
    return std::any_of(held_.begin(), held_.end(), is_of(op)) ? take_all() : Batch();
}

bool Reorder::withdraw(const Op& op) {
    std::lock_guard lock(mutex_);
    return std::erase_if(held_, is_of(op)) > 0;
}

void Reorder::join_and_wait(Op& op, io::Duration patience, const RunOp& run_op) {
    bool ended = false;
    auto done = [&] { return ended; };
    std::unique_lock lock(mutex_);
    held_.push_back({.op = &op, .ended = &ended});
    auto still_held = [&] { return std::any_of(held_.begin(), held_.end(), is_of(op)); };
    bool ours = held_.size() >= window_;
    if (!ours) ours = !ended_.wait_for(lock, patience, done) && still_held();
    if (ours) {
        Batch batch = take_all();
        lock.unlock();
        run(batch, run_op);
        return;
    }
    ended_.wait(lock, done);
}

// An operation belongs to its owner again as soon as it is handed back.
void Reorder::run(const Batch& batch, const RunOp& run_op) {
    for (const Member& member : batch) {
        member.op->error = run_op(*member.op);
        if (member.task) {
            member.worker->post(*member.task);
            continue;
        }
        std::lock_guard lock(mutex_);
        *member.ended = true;
        ended_.notify_all();
    }
}

size_t Reorder::held() const {
    std::lock_guard lock(mutex_);
    return held_.size();
}

}  // namespace tgt::store::fault
