// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/netlink/client.h"

#include <linux/genetlink.h>
#include <poll.h>

#include <cstring>
#include <utility>

namespace tgt::ipc {

namespace {

using Kind = NetlinkIncoming::Kind;

constexpr uint32_t notify_group = GENL_ID_CTRL;  // nlctrl's "notify", which is fixed

tl::unexpected<Error> refused(const Error& error) {
    return fail(error.code, error.text.empty() ? std::strerror(error.code) : error.text);
}

}  // namespace

// Waits until something has come.
Result<std::vector<NetlinkIncoming>> NetlinkClient::next() {
    while (true) {
        auto datagram = link_->receive();
        if (datagram) return decode_netlink(*datagram, family_.id);
        if (datagram.error().code != EAGAIN) return tl::unexpected(datagram.error());
        pollfd fd{link_->descriptor(), POLLIN, 0};
        if (poll(&fd, 1, -1) < 0 && errno != EINTR)
            return fail(errno, std::string("cannot wait for the kernel: ") + std::strerror(errno));
    }
}

Result<void> NetlinkClient::connect() {
    if (auto opened = link_->open(); !opened) return opened;
    if (auto sent = link_->send(encode_family_request(++sequence_, TGT_NL_FAMILY)); !sent)
        return sent;
    while (true) {
        auto batch = next();
        if (!batch) return tl::unexpected(batch.error());
        for (const NetlinkIncoming& incoming : *batch) {
            if (incoming.sequence != sequence_) continue;
            if (incoming.kind == Kind::family) family_ = incoming.family;
            if (incoming.kind != Kind::failure) continue;
            if (incoming.failure.code != 0) return refused(incoming.failure);
            if (family_.id != 0) return {};
            return fail(EBADMSG, "the kernel does not say which number its family tgt has");
        }
    }
}

Result<std::vector<NetlinkRecord>> NetlinkClient::collect(uint32_t sequence, bool dump) {
    std::vector<NetlinkRecord> out;
    while (true) {
        auto batch = next();
        if (!batch) return tl::unexpected(batch.error());
        for (NetlinkIncoming& incoming : *batch) {
            if (incoming.sequence != sequence) continue;
            if (incoming.kind == Kind::record) out.push_back(std::move(incoming.record));
            if (incoming.kind == Kind::failure && incoming.failure.code != 0)
                return refused(incoming.failure);
            if (incoming.kind == (dump ? Kind::end : Kind::failure)) return out;
        }
    }
}

Result<std::vector<NetlinkRecord>> NetlinkClient::call(const NetlinkRecord& request, bool dump) {
    const uint32_t sequence = ++sequence_;
    if (auto sent = link_->send(encode_netlink(family_.id, sequence, dump, request)); !sent)
        return tl::unexpected(sent.error());
    return collect(sequence, dump);
}

Result<void> NetlinkClient::listen() {
    const auto group = family_.groups.find(TGT_NL_GROUP_EVENTS);
    if (group == family_.groups.end())
        return fail(ENOTSUP, "the kernel's tgt_core has no events to listen to");
    if (auto joined = link_->join(notify_group); !joined) return joined;
    return link_->join(group->second);
}

Result<void> NetlinkClient::follow(const std::function<bool(const NetlinkRecord&)>& told) {
    while (true) {
        auto batch = next();
        if (!batch) return tl::unexpected(batch.error());
        for (const NetlinkIncoming& incoming : *batch) {
            if (incoming.kind == Kind::family && incoming.family.gone &&
                incoming.family.name == TGT_NL_FAMILY)
                return fail(ENOENT, "tgt_core was unloaded");
            const bool event = incoming.kind == Kind::record && incoming.record.is_event();
            if (event && !told(incoming.record)) return {};
        }
    }
}

}  // namespace tgt::ipc
