// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

#include "base/log.h"

namespace tgt::io {

namespace {

constexpr uint32_t always_reported = EPOLLERR | EPOLLHUP;

// Rounded up, so that a loop never turns idly during the last part of a millisecond.
int timeout_ms(std::optional<TimePoint> deadline) {
    if (!deadline) return -1;
    if (*deadline == TimePoint::min()) return 0;
    TimePoint now = Clock::now();
    if (*deadline <= now) return 0;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - now).count();
    return static_cast<int>(std::min<decltype(left)>(left, INT_MAX));
}

}  // namespace

Poller::Poller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!epoll_ || !event_)
        throw std::system_error(errno, std::generic_category(), "epoll or eventfd");
    if (!control(EPOLL_CTL_ADD, event_.get(), EPOLLIN, nullptr))
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

Poller::~Poller() = default;

bool Poller::control(int operation, int fd, uint32_t events, FdWatcher* watcher) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = watcher;
    return epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

bool Poller::add(int fd, uint32_t events, FdWatcher& watcher) {
    if (control(EPOLL_CTL_ADD, fd, events, &watcher)) return true;
    log::error(log::Module::io, "descriptor {} cannot be watched: {}", fd, strerror(errno));
    return false;
}

// An event already collected must not be delivered if it is no longer wanted. Should the watcher
// have other descriptors, what is cut off from them comes again: the set is level triggered.
void Poller::modify(int fd, uint32_t events, FdWatcher& watcher) {
    if (!control(EPOLL_CTL_MOD, fd, events, &watcher))
        log::error(log::Module::io, "events of descriptor {} cannot be changed: {}", fd,
                   strerror(errno));
    for (Ready& ready : ready_)
        if (ready.watcher == &watcher) ready.events &= events | always_reported;
}

void Poller::remove(int fd, FdWatcher& watcher) {
    control(EPOLL_CTL_DEL, fd, 0, nullptr);
    for (Ready& ready : ready_)
        if (ready.watcher == &watcher) ready.watcher = nullptr;
}

// The state tells wake() whether a system call is needed: only a sleeping poller needs one. Its
// exchanges also order what a thread did before wake() before what the loop does after collect().
void Poller::collect(std::optional<TimePoint> deadline) {
    std::array<epoll_event, 256> events;
    int timeout = timeout_ms(deadline);
    State expected = State::awake;
    if (timeout != 0 && !state_.compare_exchange_strong(expected, State::sleeping)) timeout = 0;
    int count = epoll_wait(epoll_.get(), events.data(), int(events.size()), timeout);
    state_.exchange(State::awake);
    for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr)
            ready_.push_back({static_cast<FdWatcher*>(events[i].data.ptr), events[i].events});
        else
            drain_event();
    }
}

void Poller::deliver() {
    for (size_t i = 0; i < ready_.size(); ++i) {
        Ready ready = ready_[i];
        ready_[i].watcher = nullptr;
        if (ready.watcher && ready.events) ready.watcher->on_ready(ready.events);
    }
    ready_.clear();
}

void Poller::drain_event() {
    eventfd_t ignored;
    while (eventfd_read(event_.get(), &ignored) < 0 && errno == EINTR) {
    }
}

void Poller::wake() {
    if (state_.exchange(State::woken) != State::sleeping) return;
    while (eventfd_write(event_.get(), 1) < 0 && errno == EINTR) {
    }
}

}  // namespace tgt::io
