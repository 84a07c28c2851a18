// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel with the family "tgt", or without: answers at once, as the kernel does, and keeps the
// answers until they are received.
#pragma once

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <functional>
#include <set>
#include <utility>

#include "base/unique_fd.h"
#include "include/uapi/linux/tgt_ring.h"
#include "ipc/netlink/link.h"

namespace tgt::ipc {

class FakeKernel {
  public:
    static constexpr uint16_t family_id = 0x21;
    static constexpr uint32_t events_group = 9;

    bool loaded = true;
    uint64_t version = TGT_RING_VERSION;
    int refuse = 0;                     // every command of the family: this errno value
    std::string refuse_text;            // the extended answer
    std::vector<NetlinkRecord> hosts;   // as HOST_GET tells
    std::vector<NetlinkRecord> others;  // of QUEUE_GET and NEXUS_GET
    std::vector<NetlinkRecord> requests;
    std::set<uint32_t> groups;
    std::deque<Result<Bytes>> waiting;
    // Called before a dump of hosts is answered.
    std::function<void()> before_list;

    static NetlinkRecord host(uint32_t number, uint8_t command = TGT_NL_HOST_GET) {
        NetlinkRecord out(command);
        out.set(TGT_NL_A_HOST, number).set(TGT_NL_A_LLD, std::string_view("loop"));
        out.set(TGT_NL_A_PORT_NAME, std::string_view("naa.5"));
        out.set(TGT_NL_A_SCSI_HOST, number + 10).set(TGT_NL_A_QUEUES, 2);
        return out.set(TGT_NL_A_DEPTH, 64);
    }

    void load() {
        loaded = true;
        if (groups.count(GENL_ID_CTRL)) put(family(0, CTRL_CMD_NEWFAMILY));
    }
    void unload() {
        loaded = false;
        hosts.clear();
        groups.erase(events_group);
        if (groups.count(GENL_ID_CTRL)) put(family(0, CTRL_CMD_DELFAMILY));
    }
    void add_host(uint32_t number) {
        hosts.push_back(host(number));
        event(host(number, TGT_NL_HOST_ADDED));
    }
    void remove_host(uint32_t number) {
        std::erase_if(hosts, [&](const auto& one) { return one.number(TGT_NL_A_HOST) == number; });
        NetlinkRecord gone(TGT_NL_HOST_REMOVED);
        event(gone.set(TGT_NL_A_HOST, number));
    }
    void event(const NetlinkRecord& record) {
        if (groups.count(events_group)) put(message(0, 0, record));
    }
    // The receive buffer was full.
    void overrun() { waiting.push_back(fail(ENOBUFS, "lost")); }

    void answer(std::span<const uint8_t> bytes) {
        nlmsghdr header{};
        genlmsghdr genl{};
        std::memcpy(&header, bytes.data(), sizeof(header));
        std::memcpy(&genl, bytes.data() + NLMSG_HDRLEN, sizeof(genl));
        const bool dump = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
        if (header.nlmsg_type == GENL_ID_CTRL) return answer_nlctrl(header.nlmsg_seq, dump);
        const auto decoded = decode_netlink(bytes, family_id);
        requests.push_back(decoded.at(0).record);
        if (!loaded) return done(header.nlmsg_seq, ENOENT);
        if (refuse) return done(header.nlmsg_seq, refuse);
        if (dump) return list(header.nlmsg_seq, genl.cmd);
        if (genl.cmd == TGT_NL_VERSION_GET)
            put(message(header.nlmsg_seq, 0,
                        NetlinkRecord(genl.cmd).set(TGT_NL_A_VERSION, version)));
        if (genl.cmd == TGT_NL_HOST_NEW) {
            const auto wanted = decoded.at(0).record.number(TGT_NL_A_HOST).value_or(1);
            put(message(header.nlmsg_seq, 0, NetlinkRecord(genl.cmd).set(TGT_NL_A_HOST, wanted)));
        }
        if (genl.cmd == TGT_NL_HOST_GET) put(message(header.nlmsg_seq, 0, hosts.at(0)));
        done(header.nlmsg_seq, 0);
    }

    static Bytes message(uint32_t sequence, uint16_t flags, const NetlinkRecord& record) {
        Bytes out = encode_netlink(family_id, sequence, false, record);
        std::memcpy(out.data() + offsetof(nlmsghdr, nlmsg_flags), &flags, sizeof(flags));
        return out;
    }

  private:
    void put(Bytes bytes) { waiting.emplace_back(std::move(bytes)); }

    void answer_nlctrl(uint32_t sequence, bool dump) {
        if (loaded) put(family(sequence, CTRL_CMD_NEWFAMILY));
        if (dump) return end(sequence);
        done(sequence, loaded ? 0 : ENOENT);
    }

    void list(uint32_t sequence, uint8_t command) {
        if (before_list) std::exchange(before_list, nullptr)();
        const auto& all = command == TGT_NL_HOST_GET ? hosts : others;
        for (const NetlinkRecord& one : all)
            if (one.command() == command) put(message(sequence, NLM_F_MULTI, one));
        end(sequence);
    }

    static void append(Bytes& out, const void* bytes, size_t length) {
        const auto* first = static_cast<const uint8_t*>(bytes);
        out.insert(out.end(), first, first + length);
        out.resize((out.size() + 3) / 4 * 4);
    }
    static void attribute(Bytes& out, uint16_t type, const void* bytes, size_t length) {
        const nlattr header{uint16_t(NLA_HDRLEN + length), type};
        append(out, &header, sizeof(header));
        append(out, bytes, length);
    }
    static Bytes with_header(uint16_t type, uint16_t flags, uint32_t sequence,
                             const Bytes& payload) {
        Bytes out;
        const nlmsghdr header{uint32_t(NLMSG_HDRLEN + payload.size()), type, flags, sequence, 0};
        append(out, &header, sizeof(header));
        append(out, payload.data(), payload.size());
        return out;
    }

    static Bytes family(uint32_t sequence, uint8_t command) {
        Bytes payload, group, groups;
        const genlmsghdr genl{command, 2, 0};
        append(payload, &genl, sizeof(genl));
        attribute(payload, CTRL_ATTR_FAMILY_NAME, "tgt", 4);
        attribute(payload, CTRL_ATTR_FAMILY_ID, &family_id, 2);
        attribute(group, CTRL_ATTR_MCAST_GRP_ID, &events_group, 4);
        attribute(group, CTRL_ATTR_MCAST_GRP_NAME, "events", 7);
        attribute(groups, 1, group.data(), group.size());
        attribute(payload, CTRL_ATTR_MCAST_GROUPS, groups.data(), groups.size());
        return with_header(GENL_ID_CTRL, 0, sequence, payload);
    }

    void end(uint32_t sequence) { put(with_header(NLMSG_DONE, NLM_F_MULTI, sequence, Bytes(4))); }
    void done(uint32_t sequence, int error) {
        Bytes payload;
        nlmsgerr body{};
        body.error = -error;
        body.msg.nlmsg_len = NLMSG_HDRLEN;
        append(payload, &body, sizeof(body));
        const bool says = error && !refuse_text.empty();
        if (says)
            attribute(payload, NLMSGERR_ATTR_MSG, refuse_text.c_str(), refuse_text.size() + 1);
        put(with_header(NLMSG_ERROR, says ? NLM_F_ACK_TLVS : 0, sequence, payload));
    }
};

class FakeLink final : public NetlinkLink {
  public:
    explicit FakeLink(FakeKernel& kernel) : kernel_(kernel), fd_(eventfd(1, EFD_CLOEXEC)) {}
    Result<void> open() override { return {}; }
    int descriptor() const override { return fd_.get(); }
    Result<void> join(uint32_t group) override {
        kernel_.groups.insert(group);
        return {};
    }
    Result<void> send(std::span<const uint8_t> message) override {
        kernel_.answer(message);
        return {};
    }
    Result<Bytes> receive() override {
        if (kernel_.waiting.empty()) return fail(EAGAIN, "nothing");
        auto out = std::move(kernel_.waiting.front());
        kernel_.waiting.pop_front();
        return out;
    }

  private:
    FakeKernel& kernel_;
    UniqueFd fd_;
};

}  // namespace tgt::ipc
