// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/hung_ops.h"

#include "io/worker.h"

namespace tgt::store::fault {

void HungOps::add(Task& task, io::Worker& worker) {
    std::lock_guard lock(mutex_);
    entries_.push_back({.task = &task, .worker = &worker});
}

bool HungOps::withdraw(const Task& task) {
    std::lock_guard lock(mutex_);
    return entries_.remove_if([&](const Entry& entry) { return entry.task == &task; }) > 0;
}

void HungOps::wait(std::optional<io::Duration> at_most) {
    bool released = false;
    std::unique_lock lock(mutex_);
    auto place = entries_.insert(entries_.end(), Entry{.released = &released});
    auto done = [&] { return released; };
    if (!at_most)
        released_.wait(lock, done);
    else if (!released_.wait_for(lock, *at_most, done))
        entries_.erase(place);
}

size_t HungOps::release(size_t at_most) {
    std::lock_guard lock(mutex_);
    size_t count = 0;
    for (; count < at_most && !entries_.empty(); ++count) {
        const Entry entry = entries_.front();
        entries_.pop_front();
        if (entry.task)
            entry.worker->post(*entry.task);
        else
            *entry.released = true;
    }
    released_.notify_all();
    return count;
}

size_t HungOps::count() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace tgt::store::fault
