// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel family says and is told (include/uapi/linux/tgt_netlink.h), one message as a
// value, and the way from and to bytes. Pure functions; any bytes may come.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "include/uapi/linux/tgt_netlink.h"

namespace tgt::ipc {

using Bytes = std::vector<uint8_t>;

// A command of the family with its attributes.
class NetlinkRecord {
  public:
    explicit NetlinkRecord(uint8_t command = TGT_NL_UNSPEC) : command_(command) {}

    uint8_t command() const { return command_; }
    bool is_event() const { return command_ >= TGT_NL_HOST_ADDED; }

    bool has(uint16_t attribute) const { return values_.count(attribute) != 0; }
    // Absent, or of another kind: nothing.
    std::optional<uint64_t> number(uint16_t attribute) const;
    std::string_view text(uint16_t attribute) const;
    std::span<const uint8_t> bytes(uint16_t attribute) const;

    NetlinkRecord& set(uint16_t attribute, uint64_t number);
    NetlinkRecord& set(uint16_t attribute, std::string_view text);
    NetlinkRecord& set(uint16_t attribute, std::span<const uint8_t> bytes);

    bool operator==(const NetlinkRecord&) const = default;

  private:
    using Value = std::variant<uint64_t, std::string, Bytes>;
    uint8_t command_;
    std::map<uint16_t, Value> values_;
};

// How an attribute travels, and what --json calls it.
struct NetlinkAttribute {
    enum class Kind : uint8_t { flag, u8, u32, u64, text, bytes };
    uint16_t number;
    Kind kind;
    std::string_view name;
    size_t length = 0;  // bytes: exactly so many
};
std::span<const NetlinkAttribute> netlink_attributes();
const NetlinkAttribute* find_netlink_attribute(uint16_t number);

// A family of generic netlink, as nlctrl tells of it.
struct NetlinkFamily {
    std::string name;
    uint16_t id = 0;
    bool gone = false;
    std::map<std::string, uint32_t, std::less<>> groups;  // multicast
};

// One message that has come.
struct NetlinkIncoming {
    enum class Kind : uint8_t {
        record,
        family,
        end,      // of a dump
        failure,  // of the request, or code 0: it is done
        other,    // nothing that was asked for, or damaged
    };
    Kind kind = Kind::other;
    uint32_t sequence = 0;     // of the request that it answers; 0: none
    bool interrupted = false;  // what is listed changed meanwhile
    NetlinkRecord record;
    NetlinkFamily family;
    Error failure{0, ""};  // the text is the kernel's, or empty
};

// A datagram; `family`: id of the family that is spoken, 0: none is known.
std::vector<NetlinkIncoming> decode_netlink(std::span<const uint8_t> datagram, uint16_t family);

// --- requests
Bytes encode_netlink(uint16_t family, uint32_t sequence, bool dump, const NetlinkRecord& record);
// Which families there are; with a name one only, whose module the kernel may then load.
Bytes encode_family_request(uint32_t sequence, std::string_view name);

// nlctrl's group that tells of families that come and go.
inline constexpr std::string_view nlctrl_name = "nlctrl";
inline constexpr std::string_view nlctrl_group = "notify";

}  // namespace tgt::ipc
