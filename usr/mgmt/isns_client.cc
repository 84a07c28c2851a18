// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_client.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

// Whether a session that was begun with `a` is of use with `b`.
bool same_session(const IsnsSettings& a, const IsnsSettings& b) {
    return a.enabled == b.enabled && a.server == b.server && a.port == b.port &&
           a.esi_interval == b.esi_interval;
}

}  // namespace

IsnsClient::IsnsClient(io::Runtime& runtime, Inventory inventory, IsnsSession::Options options)
    : runtime_(runtime), inventory_(std::move(inventory)), options_(options), changed_([this] {
          if (session_) session_->set_inventory(inventory_());
      }) {}

Status IsnsClient::update(std::string_view name, std::string_view value) {
    IsnsSettings next = settings_;
    if (auto status = next.update(name, value); !status) return status;
    if (std::exchange(settings_, next) == next) return {};
    log::info(module, "{} is {}", name, value);
    apply();
    return {};
}

void IsnsClient::inventory_changed() {
    if (session_ && !changed_.armed()) runtime_.control().timers().arm_in(changed_, settle_time);
}

void IsnsClient::stop(io::Duration bound, std::function<void()> done) {
    stopping_ = true;
    stop_bound_ = std::min<io::Duration>(bound, leave_bound);
    stopped_ = std::move(done);
    apply();
}

bool IsnsClient::permits(std::string_view target, std::string_view initiator) const {
    if (!settings_.enabled || !settings_.access_control) return true;
    return session_ && session_->agent().permits(target, initiator);
}

// One session at a time: what the one that leaves says must not come after what the next one says.
void IsnsClient::apply() {
    if (leaving_) return;
    const bool wanted = settings_.enabled && !settings_.server.empty() && !stopping_;
    if (session_ && (!wanted || !same_session(begun_with_, settings_))) return depart();
    if (wanted && !session_) return begin();
    if (wanted) return;
    listener_.reset();
    if (stopped_) std::exchange(stopped_, {})();
}

void IsnsClient::begin() {
    if (!listener_) {
        auto opened = IsnsListener::open(runtime_.control(), [this](const std::string& target) {
            if (session_) session_->noticed(target);
        });
        if (opened)
            listener_ = std::move(*opened);
        else
            log::warn(module, "no port for the notices of the iSNS server: {}",
                      opened.error().text);
    }
    begun_with_ = settings_;
    IsnsSession::Options options = options_;
    options.agent.esi_interval = settings_.esi_interval;
    session_ = std::make_unique<IsnsSession>(runtime_, PortalSpec{settings_.server, settings_.port},
                                             listener_ ? listener_->port() : uint16_t(0), options);
    session_->set_inventory(inventory_());
}

void IsnsClient::depart() {
    changed_.disarm();
    leaving_ = std::move(session_);
    leaving_->leave(stopping_ ? stop_bound_ : leave_bound, [this] {
        const auto last = std::move(leaving_);  // dies when this call has returned
        apply();
    });
}

IsnsClient::Shown IsnsClient::show() const {
    Shown out;
    if (listener_) out.notice_port = listener_->port();
    if (leaving_)
        out.state = "leaving";
    else if (!settings_.enabled)
        out.state = "off";
    else if (!session_)
        out.state = "no server";
    if (!session_) return out;
    out.state = session_->state();
    out.last_error = session_->last_error();
    out.entity = session_->agent().entity();
    out.registered_targets = session_->agent().registered_targets();
    out.registration_period = session_->agent().period().value_or(0);
    return out;
}

}  // namespace tgt::mgmt
