// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/netlink/record.h"

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace tgt::ipc {

namespace {

using Kind = NetlinkAttribute::Kind;

constexpr std::array<NetlinkAttribute, 30> attributes{{
    {TGT_NL_A_VERSION, Kind::u32, "version"},
    {TGT_NL_A_CAPS, Kind::u64, "caps"},
    {TGT_NL_A_HOST, Kind::u32, "host"},
    {TGT_NL_A_LLD, Kind::text, "lld"},
    {TGT_NL_A_PORT_NAME, Kind::text, "port_name"},
    {TGT_NL_A_SCSI_HOST, Kind::u32, "scsi_host"},
    {TGT_NL_A_QUEUES, Kind::u32, "queues"},
    {TGT_NL_A_DEPTH, Kind::u32, "depth"},
    {TGT_NL_A_NEXUSES, Kind::u32, "nexuses"},
    {TGT_NL_A_FORCE, Kind::flag, "force"},
    {TGT_NL_A_QUEUE, Kind::u32, "queue"},
    {TGT_NL_A_PID, Kind::u32, "pid"},
    {TGT_NL_A_DETACH_REASON, Kind::u32, "detach_reason"},
    {TGT_NL_A_DATA_BYTES, Kind::u64, "data_bytes"},
    {TGT_NL_A_NEXUS, Kind::u32, "nexus"},
    {TGT_NL_A_INITIATOR, Kind::text, "initiator"},
    {TGT_NL_A_TRANSPORT_ID, Kind::bytes, "transport_id", 24},
    {TGT_NL_A_LUN, Kind::bytes, "lun", 8},
    {TGT_NL_A_LUN_PRESENT, Kind::u8, "lun_present"},
    {TGT_NL_A_COMMANDS, Kind::u64, "commands"},
    {TGT_NL_A_ACTIVE, Kind::u64, "active"},
    {TGT_NL_A_IN_BYTES, Kind::u64, "in_bytes"},
    {TGT_NL_A_OUT_BYTES, Kind::u64, "out_bytes"},
    {TGT_NL_A_TASKS, Kind::u64, "tasks"},
    {TGT_NL_A_ABORTED, Kind::u64, "aborted"},
    {TGT_NL_A_FULL, Kind::u64, "full"},
    {TGT_NL_A_KICKS, Kind::u64, "kicks"},
    {TGT_NL_A_WAKEUPS, Kind::u64, "wakeups"},
    {TGT_NL_A_REDELIVERED, Kind::u64, "redelivered"},
    {TGT_NL_A_BAD_REPLIES, Kind::u64, "bad_replies"},
}};
// All but UNSPEC and PAD.
static_assert(attributes.size() == TGT_NL_A_MAX - 1);

struct MessageFree {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, MessageFree>;

Bytes bytes_of(nl_msg* message) {
    const nlmsghdr* header = nlmsg_hdr(message);
    const void* raw = header;
    const auto* first = static_cast<const uint8_t*>(raw);
    return {first, first + header->nlmsg_len};
}

Message begin(uint16_t family, uint32_t sequence, int flags, uint8_t command, uint8_t version) {
    Message message(nlmsg_alloc());
    genlmsg_put(message.get(), 0, sequence, family, 0, NLM_F_REQUEST | flags, command, version);
    return message;
}

void put(nl_msg* message, const NetlinkAttribute& row, const NetlinkRecord& record) {
    const auto number = record.number(row.number).value_or(0);
    const auto text = std::string(record.text(row.number).substr(0, TGT_NL_MAX_NAME));
    const auto bytes = record.bytes(row.number);
    switch (row.kind) {
        case Kind::flag:
            nla_put_flag(message, row.number);
            break;
        case Kind::u8:
            nla_put_u8(message, row.number, uint8_t(number));
            break;
        case Kind::u32:
            nla_put_u32(message, row.number, uint32_t(number));
            break;
        case Kind::u64:
            nla_put_u64(message, row.number, number);
            break;
        case Kind::text:
            nla_put_string(message, row.number, text.c_str());
            break;
        case Kind::bytes:
            nla_put(message, row.number, int(bytes.size()), bytes.data());
            break;
    }
}

// --- from bytes

// Ends at the first zero.
std::string text_of(const nlattr* attribute) {
    const auto* first = static_cast<const char*>(nla_data(attribute));
    const size_t length = std::min<size_t>(size_t(nla_len(attribute)), TGT_NL_MAX_NAME);
    return {first, strnlen(first, length)};
}

std::optional<uint64_t> number_of(const nlattr* attribute, size_t width) {
    uint64_t out = 0;
    if (size_t(nla_len(attribute)) != width) return std::nullopt;
    if (width == 1) return *static_cast<const uint8_t*>(nla_data(attribute));
    if (width == 4) {
        uint32_t narrow = 0;
        std::memcpy(&narrow, nla_data(attribute), sizeof(narrow));
        return narrow;
    }
    std::memcpy(&out, nla_data(attribute), sizeof(out));
    return out;
}

// What has another length than it should is as if it was not there.
void take(NetlinkRecord& record, const NetlinkAttribute& row, const nlattr* attribute) {
    std::optional<uint64_t> number;
    switch (row.kind) {
        case Kind::flag:
            number = 1;
            break;
        case Kind::u8:
            number = number_of(attribute, 1);
            break;
        case Kind::u32:
            number = number_of(attribute, 4);
            break;
        case Kind::u64:
            number = number_of(attribute, 8);
            break;
        case Kind::text:
            record.set(row.number, std::string_view(text_of(attribute)));
            return;
        case Kind::bytes:
            if (size_t(nla_len(attribute)) == row.length)
                record.set(row.number,
                           std::span(static_cast<const uint8_t*>(nla_data(attribute)), row.length));
            return;
    }
    if (number) record.set(row.number, *number);
}

// Calls `each` for every attribute in the bytes.
template <class Each>
void for_attributes(const void* first, int length, Each each) {
    const void* at = first;
    int left = length;
    for (const auto* one = static_cast<const nlattr*>(at); nla_ok(one, left);
         one = nla_next(one, &left))
        each(one);
}

void take_group(NetlinkFamily& family, const nlattr* group) {
    std::string name;
    std::optional<uint64_t> id;
    for_attributes(nla_data(group), nla_len(group), [&](const nlattr* one) {
        if (nla_type(one) == CTRL_ATTR_MCAST_GRP_NAME) name = text_of(one);
        if (nla_type(one) == CTRL_ATTR_MCAST_GRP_ID) id = number_of(one, 4);
    });
    if (!name.empty() && id) family.groups[name] = uint32_t(*id);
}

void take_family(NetlinkFamily& family, const nlattr* attribute) {
    const int type = nla_type(attribute);
    if (type == CTRL_ATTR_FAMILY_NAME) family.name = text_of(attribute);
    if (type == CTRL_ATTR_FAMILY_ID && nla_len(attribute) == 2)
        std::memcpy(&family.id, nla_data(attribute), sizeof(family.id));
    if (type != CTRL_ATTR_MCAST_GROUPS) return;
    for_attributes(nla_data(attribute), nla_len(attribute),
                   [&](const nlattr* group) { take_group(family, group); });
}

void decode_genl(NetlinkIncoming& out, const nlmsghdr* header) {
    if (!genlmsg_valid_hdr(const_cast<nlmsghdr*>(header), 0)) return;
    const auto* genl = static_cast<const genlmsghdr*>(nlmsg_data(header));
    const nlattr* first = genlmsg_attrdata(genl, 0);
    const int length = genlmsg_attrlen(genl, 0);
    if (header->nlmsg_type == GENL_ID_CTRL) {
        out.family.gone = genl->cmd == CTRL_CMD_DELFAMILY;
        if (genl->cmd != CTRL_CMD_NEWFAMILY && !out.family.gone) return;
        out.kind = NetlinkIncoming::Kind::family;
        for_attributes(first, length, [&](const nlattr* one) { take_family(out.family, one); });
        return;
    }
    out.kind = NetlinkIncoming::Kind::record;
    out.record = NetlinkRecord(genl->cmd);
    for_attributes(first, length, [&](const nlattr* one) {
        if (const auto* row = find_netlink_attribute(uint16_t(nla_type(one))))
            take(out.record, *row, one);
    });
}

// The kernel's own words, behind the request that it may repeat.
std::string failure_text(const nlmsghdr* header, const nlmsgerr* error, int length) {
    std::string text;
    if (!(header->nlmsg_flags & NLM_F_ACK_TLVS)) return text;
    uint64_t used = sizeof(nlmsgerr);
    if (!(header->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len >= sizeof(nlmsghdr))
        used += (uint64_t(error->msg.nlmsg_len) - sizeof(nlmsghdr) + 3) & ~uint64_t(3);
    if (used > uint64_t(length)) return text;
    const auto* first = static_cast<const uint8_t*>(nlmsg_data(header)) + used;
    for_attributes(first, length - int(used), [&](const nlattr* one) {
        if (nla_type(one) == NLMSGERR_ATTR_MSG) text = text_of(one);
    });
    return text;
}

void decode_failure(NetlinkIncoming& out, const nlmsghdr* header) {
    const int length = nlmsg_datalen(header);
    int code = 0;
    if (length < int(sizeof(code))) return;
    std::memcpy(&code, nlmsg_data(header), sizeof(code));
    if (code > 0 || code < -4095) return;
    out.kind = NetlinkIncoming::Kind::failure;
    out.failure.code = -code;
    if (length < int(sizeof(nlmsgerr))) return;
    out.failure.text =
        failure_text(header, static_cast<const nlmsgerr*>(nlmsg_data(header)), length);
}

NetlinkIncoming decode_one(const nlmsghdr* header, uint16_t family) {
    NetlinkIncoming out;
    out.sequence = header->nlmsg_seq;
    out.interrupted = (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    const bool genl =
        header->nlmsg_type == GENL_ID_CTRL || (family != 0 && header->nlmsg_type == family);
    if (genl) decode_genl(out, header);
    if (header->nlmsg_type == NLMSG_ERROR) decode_failure(out, header);
    if (header->nlmsg_type == NLMSG_DONE) {
        decode_failure(out, header);
        if (out.failure.code == 0) out.kind = NetlinkIncoming::Kind::end;
    }
    return out;
}

}  // namespace

std::optional<uint64_t> NetlinkRecord::number(uint16_t attribute) const {
    const auto found = values_.find(attribute);
    if (found == values_.end()) return std::nullopt;
    const auto* value = std::get_if<uint64_t>(&found->second);
    return value ? std::optional(*value) : std::nullopt;
}

std::string_view NetlinkRecord::text(uint16_t attribute) const {
    const auto found = values_.find(attribute);
    if (found == values_.end()) return {};
    const auto* value = std::get_if<std::string>(&found->second);
    return value ? std::string_view(*value) : std::string_view();
}

std::span<const uint8_t> NetlinkRecord::bytes(uint16_t attribute) const {
    const auto found = values_.find(attribute);
    if (found == values_.end()) return {};
    const auto* value = std::get_if<Bytes>(&found->second);
    return value ? std::span<const uint8_t>(*value) : std::span<const uint8_t>();
}

NetlinkRecord& NetlinkRecord::set(uint16_t attribute, uint64_t number) {
    values_.insert_or_assign(attribute, Value(number));
    return *this;
}

NetlinkRecord& NetlinkRecord::set(uint16_t attribute, std::string_view text) {
    values_.insert_or_assign(attribute, Value(std::string(text)));
    return *this;
}

NetlinkRecord& NetlinkRecord::set(uint16_t attribute, std::span<const uint8_t> bytes) {
    values_.insert_or_assign(attribute, Value(Bytes(bytes.begin(), bytes.end())));
    return *this;
}

std::span<const NetlinkAttribute> netlink_attributes() {
    return attributes;
}

const NetlinkAttribute* find_netlink_attribute(uint16_t number) {
    const auto found =
        std::find_if(attributes.begin(), attributes.end(),
                     [&](const NetlinkAttribute& row) { return row.number == number; });
    return found == attributes.end() ? nullptr : &*found;
}

std::vector<NetlinkIncoming> decode_netlink(std::span<const uint8_t> datagram, uint16_t family) {
    // A copy: as aligned as headers want it, and not a byte longer.
    const auto copy = std::make_unique<uint64_t[]>((datagram.size() + 7) / 8);
    if (!datagram.empty()) std::memcpy(copy.get(), datagram.data(), datagram.size());
    std::vector<NetlinkIncoming> out;
    const void* raw = copy.get();
    int left = int(std::min<size_t>(datagram.size(), INT32_MAX));
    for (auto* at = const_cast<nlmsghdr*>(static_cast<const nlmsghdr*>(raw)); nlmsg_ok(at, left);
         at = nlmsg_next(at, &left))
        out.push_back(decode_one(at, family));
    return out;
}

Bytes encode_netlink(uint16_t family, uint32_t sequence, bool dump, const NetlinkRecord& record) {
    const Message message =
        begin(family, sequence, dump ? NLM_F_DUMP : NLM_F_ACK, record.command(), TGT_NL_VERSION);
    for (const NetlinkAttribute& row : attributes)
        if (record.has(row.number)) put(message.get(), row, record);
    return bytes_of(message.get());
}

Bytes encode_family_request(uint32_t sequence, std::string_view name) {
    const Message message =
        begin(GENL_ID_CTRL, sequence, name.empty() ? NLM_F_DUMP : NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
    if (!name.empty())
        nla_put_string(message.get(), CTRL_ATTR_FAMILY_NAME, std::string(name).c_str());
    return bytes_of(message.get());
}

}  // namespace tgt::ipc
