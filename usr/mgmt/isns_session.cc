// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_session.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/numbers.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

}  // namespace

IsnsSession::IsnsSession(io::Runtime& runtime, PortalSpec server, uint16_t notice_port,
                         Options options)
    : runtime_(runtime),
      server_(std::move(server)),
      notice_port_(notice_port),
      options_(options),
      agent_(options.agent),
      timer_([this] { due(); }),
      left_timer_([this] {
          end_connection();
          std::exchange(left_, {})();
      }) {}

IsnsSession::~IsnsSession() {
    *alive_ = false;
    end_connection();
}

void IsnsSession::set_inventory(IsnsInventory inventory) {
    agent_.set_inventory(std::move(inventory), now());
    step();
}

void IsnsSession::noticed(const std::string& target) {
    agent_.noticed(target, now());
    step();
}

void IsnsSession::leave(io::Duration bound, std::function<void()> left) {
    left_ = std::move(left);
    agent_.leave(now());
    runtime_.control().timers().arm_in(left_timer_,
                                       phase_ == Phase::connected ? bound : io::Duration(0));
    step();
}

std::string_view IsnsSession::state() const {
    switch (phase_) {
        case Phase::idle:
            return "idle";
        case Phase::resolving:
        case Phase::connecting:
            return "connecting";
        case Phase::waiting:
            return "waiting";
        case Phase::connected:
            break;
    }
    return agent_.registered() ? "registered" : "registering";
}

const std::string& IsnsSession::last_error() const {
    return trouble_.empty() ? agent_.last_error() : trouble_;
}

// Does what follows from what the agent wants now.
void IsnsSession::step() {
    if (phase_ == Phase::connected && !agent_.broken().empty()) lost(agent_.broken());
    const bool wanted = agent_.wants_connection();
    if (phase_ == Phase::idle && wanted && !left_) look_up();
    if (phase_ != Phase::idle && !wanted) {
        if (stream_) stream_->send(agent_.take_output());
        end_connection();
        phase_ = Phase::idle;
        if (left_) runtime_.control().timers().arm_in(left_timer_, io::Duration(0));
    }
    if (phase_ != Phase::connected) return;
    if (agent_.registered() && !std::exchange(told_registered_, true))
        log::info(module, "iSNS server {}: registered as {}", server_.text(), agent_.entity());
    stream_->send(agent_.take_output());
    arm();
}

void IsnsSession::arm() {
    if (phase_ != Phase::connected) return;
    if (const auto deadline = agent_.deadline())
        runtime_.control().timers().arm(timer_, *deadline);
    else
        timer_.disarm();
}

void IsnsSession::due() {
    switch (phase_) {
        case Phase::connecting:
            trouble_ = "it does not answer";
            end_connection();
            return connect_next();
        case Phase::waiting:
            phase_ = Phase::idle;
            break;
        case Phase::connected:
            agent_.tick(now());
            break;
        case Phase::idle:
        case Phase::resolving:
            break;
    }
    step();
}

// --- finding the server --------------------------------------------------------------------------

void IsnsSession::look_up() {
    phase_ = Phase::resolving;
    if (auto numeric = server_.numeric(); !numeric.empty()) return found(std::move(numeric));
    if (std::exchange(looking_up_, true)) return;  // the one that is under way will do
    call_blocking(
        runtime_, [spec = server_] { return spec.resolve(); },
        [this, alive = alive_](Result<std::vector<SocketAddress>> addresses) {
            if (!*alive) return;
            looking_up_ = false;
            if (phase_ == Phase::resolving) found(std::move(addresses));
        });
}

void IsnsSession::found(Result<std::vector<SocketAddress>> addresses) {
    if (!addresses) return wait(addresses.error().text);
    addresses_ = std::move(*addresses);
    next_address_ = 0;
    connect_next();
}

void IsnsSession::connect_next() {
    if (next_address_ == addresses_.size()) return wait(trouble_);
    phase_ = Phase::connecting;
    const SocketAddress address = addresses_[next_address_++];
    IsnsStream::Told told;
    told.connected = [this](const SocketAddress& local) { established(local); };
    told.message = [this](const IsnsMessage& one) { message(one); };
    told.closed = [this](const std::string& why) { lost(why); };
    auto stream = IsnsStream::connect(runtime_.control(), address, std::move(told));
    if (!stream) {
        trouble_ = stream.error().text;
        return connect_next();
    }
    stream_ = std::move(*stream);
    runtime_.control().timers().arm_in(timer_, options_.connect_bound);
}

void IsnsSession::established(const SocketAddress& local) {
    phase_ = Phase::connected;
    timer_.disarm();
    agent_.connected(local, notice_port_, now());
    step();
}

// --- talking to it -------------------------------------------------------------------------------

void IsnsSession::message(const IsnsMessage& message) {
    if (message.response()) {
        agent_.received(message, now());
        if (agent_.registered()) {
            trouble_.clear();
            told_.clear();
            wait_ = {};
        }
    } else {  // 5.6.5.13: it may ask over the connection that it was registered by
        const auto answer = isns_requests::answer(message);
        stream_->send(answer.bytes);
        if (answer.changed) agent_.noticed(*answer.changed, now());
    }
    step();
}

void IsnsSession::lost(const std::string& why) {
    trouble_ = why;
    const bool connecting = phase_ == Phase::connecting;
    end_connection();
    if (connecting) return connect_next();
    wait(why);
}

void IsnsSession::wait(const std::string& why) {
    const std::string reason = why.empty() ? "it has no address" : why;
    wait_ = std::clamp(wait_ * 2, options_.first_wait, options_.last_wait);
    if (std::exchange(told_, reason) != reason)
        log::warn(module, "iSNS server {}: {}; connecting again, at least every {} s",
                  server_.text(), reason, whole_seconds(options_.last_wait));
    trouble_ = reason;
    phase_ = Phase::waiting;
    runtime_.control().timers().arm_in(timer_, wait_);
    if (left_) runtime_.control().timers().arm_in(left_timer_, io::Duration(0));
}

void IsnsSession::end_connection() {
    timer_.disarm();
    if (stream_) stream_->close();
    stream_.reset();
    agent_.disconnected();
    told_registered_ = false;
}

}  // namespace tgt::mgmt
