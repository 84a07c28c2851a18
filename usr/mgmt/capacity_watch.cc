// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/capacity_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/probe_identity.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr uint32_t interest = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONESHOT;
constexpr int no_watch = -1;

}  // namespace

struct CapacityWatch::Watch {
    Watch(MediumPtr m, std::function<void()> due) : medium(std::move(m)), timer(std::move(due)) {}
    MediumPtr medium;
    io::Timer timer;
    int wd = no_watch;  // of the shot that is waited for
    bool looking = false;
    bool again = false;  // something happened meanwhile
    bool told_blind = false;
    std::optional<io::TimePoint> last;
};

// What one look gave.
struct CapacityWatch::Armed {
    int wd = no_watch;
    int error = 0;  // why there is no watch
    Result<uint64_t> size = 0;
};

CapacityWatch::CapacityWatch(io::Runtime& runtime, io::Duration every, Told told)
    : runtime_(runtime),
      every_(every),
      told_(std::move(told)),
      uevents_([this](std::optional<DeviceEvent> event) { device_event(event); }) {}

CapacityWatch::~CapacityWatch() {
    if (inotify_) runtime_.control().poller().remove(inotify_.get(), *this);
}

bool CapacityWatch::open_inotify() {
    if (inotify_) return true;
    UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd || !runtime_.control().poller().add(fd.get(), EPOLLIN, *this)) return false;
    inotify_ = std::move(fd);
    return true;
}

void CapacityWatch::listen_for_devices() {
    if (std::exchange(devices_tried_, true)) return;
    if (const int error = uevents_.listen(runtime_.control().poller()); error != 0)
        log::info(module,
                  "no news of block devices from the kernel ({}): when one grows, say so with "
                  "--mode logicalunit --op update --params capacity=auto",
                  std::strerror(error));
}

void CapacityWatch::watch(const MediumPtr& medium) {
    const store::Engine& engine = *medium->engine;
    if (!engine.needs_path || engine.content != store::Content::bytes || !medium->identity.known)
        return;
    if (is_device(medium->identity)) listen_for_devices();
    WatchPtr& watch = watches_[medium];
    if (!watch) {
        auto self = std::make_shared<std::weak_ptr<Watch>>();
        watch = std::make_shared<Watch>(medium, [this, self] {
            if (const auto due = self->lock()) look(due);
        });
        *self = watch;
    }
    something_happened(watch);
}

void CapacityWatch::forget(const MediumPtr& medium) {
    const auto found = watches_.find(medium);
    if (found == watches_.end()) return;
    const int wd = found->second->wd;
    disarm(*found->second);
    watches_.erase(found);
    take_back(wd);
}

// It can be the last use of a deleted file, and wait for its file system.
void CapacityWatch::take_back(int wd) {
    if (wd == no_watch) return;
    call_blocking(
        runtime_, [fd = inotify_.get(), wd] { return inotify_rm_watch(fd, wd); }, [](int) {});
}

void CapacityWatch::disarm(Watch& watch) {
    if (watch.wd != no_watch) armed_.erase(std::exchange(watch.wd, no_watch));
}

// --- one medium ----------------------------------------------------------------------------------

void CapacityWatch::something_happened(const WatchPtr& watch) {
    if (watch->looking) {
        watch->again = true;
        return;
    }
    if (watch->timer.armed()) return;
    auto& timers = runtime_.control().timers();
    if (!watch->last || timers.now() - *watch->last >= every_) return look(watch);
    timers.arm(watch->timer, *watch->last + every_);
}

// First the watch, then the size: what changes in between is told.
void CapacityWatch::look(const WatchPtr& watch) {
    const auto unit = watch->medium->unit.lock();
    const bool file = !is_device(watch->medium->identity);
    if (!unit || !unit->store() || watch->looking) return;
    if (file && !open_inotify()) return;
    watch->looking = true;
    watch->last = runtime_.control().timers().now();
    arming_ += file;
    call_blocking(
        runtime_,
        [store = unit->store(), file, fd = inotify_.get(), path = watch->medium->open.path,
         identity = watch->medium->identity] {
            Armed out;
            if (file && !(probe_identity(path) == identity))
                out.error = ENOENT;
            else if (file && (out.wd = inotify_add_watch(fd, path.c_str(), interest)) < 0)
                out.error = errno;
            out.size = store->current_size();
            return out;
        },
        [this, watch, file](Armed armed) {
            arming_ -= file;
            looked(watch, std::move(armed));
        });
}

void CapacityWatch::looked(const WatchPtr& watch, Armed armed) {
    watch->looking = false;
    const bool missed = std::erase(early_, armed.wd) > 0;
    if (arming_ == 0) early_.clear();
    if (watches_.count(watch->medium) == 0) return take_back(armed.wd);
    disarm(*watch);
    if (armed.wd != no_watch && !missed) armed_[watch->wd = armed.wd] = watch;
    if (armed.error != 0 && !std::exchange(watch->told_blind, true))
        log::info(module,
                  "{} is not watched any more ({}): when it grows, say so with "
                  "--mode logicalunit --op update --params capacity=auto",
                  watch->medium->open.path, std::strerror(armed.error));
    if (std::exchange(watch->again, false) || missed) something_happened(watch);
    told_.size(watch->medium, armed.size);
}

// --- what the kernel tells -----------------------------------------------------------------------

void CapacityWatch::on_ready(uint32_t) {
    alignas(inotify_event) std::array<char, 4096> bytes;
    ssize_t n = 0;
    while ((n = read(inotify_.get(), bytes.data(), bytes.size())) > 0) {
        for (ssize_t at = 0; at < n;) {
            inotify_event event;
            std::memcpy(&event, &bytes[size_t(at)], sizeof(event));
            at += ssize_t(sizeof(event) + event.len);
            // IN_IGNORED follows every shot, and comes alone when a watch ends otherwise.
            if (event.mask & IN_Q_OVERFLOW)
                lost_shots();
            else
                shot(event.wd);
        }
    }
}

void CapacityWatch::shot(int wd) {
    const auto found = armed_.find(wd);
    if (found == armed_.end()) {
        if (arming_ > 0) early_.push_back(wd);
        return;
    }
    const WatchPtr watch = found->second;
    disarm(*watch);
    something_happened(watch);
}

// The queue of the kernel was full: every shot may be spent.
void CapacityWatch::lost_shots() {
    for (const auto& [medium, watch] : watches_)
        if (watch->wd != no_watch) something_happened(watch);
}

void CapacityWatch::device_event(std::optional<DeviceEvent> event) {
    for (const auto& [medium, watch] : watches_)
        if (is_device(medium->identity) && (!event || medium->identity.device == event->device))
            something_happened(watch);
    if (!event || event->what == DeviceEvent::What::added) told_.device_added();
}

}  // namespace tgt::mgmt
