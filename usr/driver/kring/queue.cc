// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/kring/queue.h"

#include <algorithm>

#include "base/log.h"

namespace tgt::kring {

namespace {

constexpr auto module = log::Module::core;
constexpr io::Duration first_delay = std::chrono::seconds(1);
constexpr io::Duration last_delay = std::chrono::seconds(10);

}  // namespace

Queue::Queue(io::Worker& worker, ipc::RingOpener& opener, ipc::RingPlace place)
    : worker_(worker), opener_(opener), place_(place), retry_([this] { try_again(); }) {}

Result<void> Queue::open(Service service) {
    service_ = std::move(service);
    return attach();
}

Result<void> Queue::attach() {
    auto end = opener_.open(place_);
    if (!end) return tl::unexpected(end.error());
    auto ring = ipc::CommandRing::make(std::move(*end), place_);
    if (!ring) return tl::unexpected(ring.error());
    auto lost = [weak = weak_from_this()](const std::string& why) {
        if (auto self = weak.lock()) self->lost(why);
    };
    auto attachment = std::make_shared<Attachment>(worker_, std::move(*ring), service_, lost);
    if (!attachment->start()) return fail(ENOMEM, "its descriptor cannot be watched");
    attachment_ = std::move(attachment);
    attached_at_ = worker_.timers().now();
    delay_ = first_delay;
    return {};
}

void Queue::serve(Service service, std::function<void()> done) {
    service_ = std::move(service);
    if (attachment_)
        attachment_->serve(service_, std::move(done));
    else
        done();
}

void Queue::close(std::function<void()> done) {
    closed_ = true;
    retry_.disarm();
    service_.target.reset();
    if (attachment_)
        drop(std::move(done));
    else
        done();
}

// The attachment keeps this queue until its last command has ended.
void Queue::drop(std::function<void()> done) {
    auto attachment = std::exchange(attachment_, nullptr);
    ending_.push_back(attachment);
    attachment->on_idle = [self = shared_from_this(), one = attachment.get()] {
        std::erase_if(self->ending_, [one](const auto& ending) { return ending.get() == one; });
    };
    attachment->end(std::move(done));
}

// What the kernel has not got an answer to comes again with the next attachment, when all that was
// begun here has been ended. One that is lost at once is not asked for without a pause.
void Queue::lost(const std::string& why) {
    log::info(module, "queue {} of host {} is lost: {}", place_.queue, place_.host, why);
    const io::TimePoint now = worker_.timers().now();
    const io::Duration pause = now - attached_at_ < first_delay ? first_delay : io::Duration(0);
    drop([weak = weak_from_this(), pause] {
        auto self = weak.lock();
        if (self && !self->closed_) self->worker_.timers().arm_in(self->retry_, pause);
    });
}

void Queue::try_again() {
    if (auto attached = attach(); !attached) {
        // A host that has gone is known to be gone in a moment.
        const bool tell = delay_ == first_delay && attached.error().code != ENODEV;
        log::at(module, tell ? log::Level::warning : log::Level::debug, "{}; it is tried again",
                attached.error().text);
        worker_.timers().arm_in(retry_, delay_);
        delay_ = std::min(delay_ * 2, last_delay);
        return;
    }
    log::info(module, "queue {} of host {} is attached again", place_.queue, place_.host);
}

std::vector<mgmt::SessionInfo> Queue::sessions() const {
    return attachment_ ? attachment_->sessions() : std::vector<mgmt::SessionInfo>();
}

}  // namespace tgt::kring
