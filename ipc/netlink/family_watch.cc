// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/netlink/family_watch.h"

#include <fmt/core.h>
#include <linux/genetlink.h>
#include <sys/epoll.h>

#include <cstring>
#include <utility>

#include "base/log.h"
#include "include/uapi/linux/tgt_ring.h"

namespace tgt::ipc {

namespace {

constexpr auto module = log::Module::core;
constexpr uint32_t notify_group = GENL_ID_CTRL;  // nlctrl's "notify", which is fixed
constexpr std::string_view absent = "the kernel has no tgt_core: modprobe tgt_core";

std::string reason_of(const Error& error) {
    return error.text.empty() ? std::strerror(error.code) : error.text;
}

std::string refusal(const Error& error) {
    if (error.code == EPERM) return "the kernel's tgt_core wants CAP_NET_ADMIN";
    return fmt::format("the kernel's tgt_core answers: {}", reason_of(error));
}

}  // namespace

FamilyWatch::~FamilyWatch() {
    stop();
}

void FamilyWatch::start(io::Poller& poller) {
    auto ready = link_->open();
    if (ready) ready = link_->join(notify_group);
    if (!ready) return owner_.listed(ready.error().text, {});
    if (poller.add(link_->descriptor(), EPOLLIN, *this)) poller_ = &poller;
    begin();
    receive();
}

void FamilyWatch::stop() {
    if (poller_) std::exchange(poller_, nullptr)->remove(link_->descriptor(), *this);
    step_ = Step::idle;
}

void FamilyWatch::send(const NetlinkRecord& record, std::string what) {
    if (family_.id == 0) return;
    sent_[++sequence_] = std::move(what);
    const auto sent = link_->send(encode_netlink(family_.id, sequence_, false, record));
    if (sent) return;
    log::warn(module, "{}: {}", sent_[sequence_], sent.error().text);
    sent_.erase(sequence_);
}

void FamilyWatch::on_ready(uint32_t) {
    receive();
}

void FamilyWatch::receive() {
    while (true) {
        const auto datagram = link_->receive();
        if (!datagram && datagram.error().code == ENOBUFS) {
            lost();
            continue;
        }
        if (!datagram) return;
        for (const NetlinkIncoming& incoming : decode_netlink(*datagram, family_.id))
            take(incoming);
    }
}

// --- what there is

void FamilyWatch::begin() {
    seen_ = {};
    again_ = false;
    step_ = Step::families;
    asked_ = ++sequence_;
    // All of them: asked for by name the kernel would wait for modprobe.
    if (auto sent = link_->send(encode_family_request(asked_, "")); !sent)
        conclude(sent.error().text);
}

void FamilyWatch::ask(Step step, const NetlinkRecord& record, bool dump) {
    step_ = step;
    asked_ = ++sequence_;
    if (auto sent = link_->send(encode_netlink(family_.id, asked_, dump, record)); !sent)
        conclude(sent.error().text);
}

void FamilyWatch::conclude(std::string problem) {
    step_ = Step::idle;
    listed_ = false;
    owner_.listed(std::move(problem), {});
}

// A list that is on its way arrives whole; a single answer may be among what was lost.
void FamilyWatch::lost() {
    log::info(module, "events of the kernel's hosts were lost; they are listed anew");
    sent_.clear();
    if (step_ == Step::families || step_ == Step::hosts)
        again_ = true;
    else
        begin();
}

void FamilyWatch::take(const NetlinkIncoming& incoming) {
    using Kind = NetlinkIncoming::Kind;
    const bool answers = step_ != Step::idle && incoming.sequence == asked_;
    if (incoming.interrupted && answers) again_ = true;
    if (incoming.kind == Kind::family) take_family(incoming);
    if (incoming.kind == Kind::record) take_record(incoming);
    if (incoming.kind == Kind::failure) take_failure(incoming);
    if (incoming.kind != Kind::end || !answers) return;
    if (step_ == Step::families)
        families_listed();
    else if (step_ == Step::hosts)
        hosts_listed();
}

void FamilyWatch::take_family(const NetlinkIncoming& incoming) {
    if (incoming.family.name != TGT_NL_FAMILY) return;
    if (step_ == Step::families && incoming.sequence == asked_) {
        seen_ = incoming.family;
        return;
    }
    // nlctrl says so of itself.
    if (incoming.family.gone) family_ = {};
    if (step_ == Step::families)
        again_ = true;
    else if (incoming.family.gone)
        conclude(std::string(absent));
    else if (step_ == Step::idle)
        begin();
    else
        again_ = true;
}

void FamilyWatch::families_listed() {
    if (std::exchange(again_, false)) return begin();
    family_ = seen_;
    if (family_.id == 0) return conclude(std::string(absent));
    const auto events = family_.groups.find(TGT_NL_GROUP_EVENTS);
    if (events == family_.groups.end())
        return conclude("the kernel's tgt_core has no events to listen to");
    if (auto joined = link_->join(events->second); !joined) return conclude(joined.error().text);
    ask(Step::version, NetlinkRecord(TGT_NL_VERSION_GET), false);
}

void FamilyWatch::take_version(const NetlinkRecord& record) {
    const uint64_t version = record.number(TGT_NL_A_VERSION).value_or(0);
    if (version == TGT_RING_VERSION) {
        hosts_.clear();
        return ask(Step::hosts, NetlinkRecord(TGT_NL_HOST_GET), true);
    }
    conclude(
        fmt::format("the kernel's tgt_core speaks version {} of the command ring, and this "
                    "program version {}",
                    version, TGT_RING_VERSION));
}

void FamilyWatch::hosts_listed() {
    auto hosts = std::exchange(hosts_, {});
    if (std::exchange(again_, false)) return begin();
    step_ = Step::idle;
    listed_ = true;
    owner_.listed({}, hosts);
}

void FamilyWatch::take_record(const NetlinkIncoming& incoming) {
    const NetlinkRecord& record = incoming.record;
    if (record.is_event()) {
        const bool of_hosts =
            record.command() == TGT_NL_HOST_ADDED || record.command() == TGT_NL_HOST_REMOVED;
        if (step_ == Step::hosts && of_hosts) again_ = true;
        if (listed_) owner_.event(record);
        return;
    }
    if (incoming.sequence != asked_) return;
    if (step_ == Step::version) return take_version(record);
    if (step_ == Step::hosts) hosts_.push_back(record);
}

void FamilyWatch::take_failure(const NetlinkIncoming& incoming) {
    if (const auto sent = sent_.find(incoming.sequence); sent != sent_.end()) {
        const std::string what = std::move(sent->second);
        sent_.erase(sent);
        if (incoming.failure.code != 0)
            log::warn(module, "{}: {}", what, reason_of(incoming.failure));
        return;
    }
    if (step_ == Step::idle || incoming.sequence != asked_ || incoming.failure.code == 0) return;
    // The family has gone while it was asked.
    if (again_ || incoming.failure.code == ENOENT) return conclude(std::string(absent));
    conclude(refusal(incoming.failure));
}

}  // namespace tgt::ipc
