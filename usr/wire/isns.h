// SPDX-License-Identifier: GPL-2.0-or-later
// iSNSP messages as RFC 4171 chapters 5 and 6 draw them: the header, the attributes, the numbers
// that appear in them. No I/O, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "wire/endian.h"

namespace tgt::wire::isns {

constexpr uint16_t default_port = 3205;
constexpr uint16_t protocol_version = 1;
constexpr size_t max_payload = 65532;  // the length is two bytes and a multiple of four (5.1.3)
constexpr size_t max_iscsi_name = 223;
constexpr size_t address_size = 16;  // IPv4 is mapped into IPv6 (6.3.1)

// 5.1.2; a response has response_bit, too.
enum class Function : uint16_t {
    dev_attr_reg = 0x0001,
    dev_attr_qry = 0x0002,
    dev_get_next = 0x0003,
    dev_dereg = 0x0004,
    scn_reg = 0x0005,
    scn_dereg = 0x0006,
    scn_event = 0x0007,
    scn = 0x0008,
    esi = 0x000d,
    heartbeat = 0x000e,
};
constexpr uint16_t response_bit = 0x8000;
std::string_view function_name(uint16_t function);  // with or without response_bit

// 5.1.4
constexpr uint16_t flag_client = 0x8000;  // the sender is a client
constexpr uint16_t flag_server = 0x4000;
constexpr uint16_t flag_authenticated = 0x2000;  // an authentication block follows
constexpr uint16_t flag_replace = 0x1000;
constexpr uint16_t flag_last = 0x0800;  // PDU of the message
constexpr uint16_t flag_first = 0x0400;

// 5.1
struct Header {
    be16 version;
    be16 function;
    be16 length;  // of the payload
    be16 flags;
    be16 transaction;
    be16 sequence;  // of the PDU in its message, from 0
};
static_assert(sizeof(Header) == 12);

// 5.4
enum class Status : uint32_t {
    successful = 0,
    unknown_error = 1,
    message_format_error = 2,
    invalid_registration = 3,
    invalid_query = 5,
    source_unknown = 6,
    source_absent = 7,
    source_unauthorized = 8,
    no_such_entry = 9,
    version_not_supported = 10,
    internal_error = 11,
    busy = 12,
    option_not_understood = 13,
    invalid_update = 14,
    message_not_supported = 15,
    scn_event_rejected = 16,
    scn_registration_rejected = 17,
    attribute_not_implemented = 18,
    esi_not_available = 21,
    invalid_deregistration = 22,
    registration_not_supported = 23,
};
std::string_view status_name(uint32_t status);

// 6.1
enum class Tag : uint32_t {
    delimiter = 0,
    entity_id = 1,
    entity_protocol = 2,
    timestamp = 4,
    registration_period = 6,
    portal_address = 16,
    portal_port = 17,
    esi_interval = 19,
    esi_port = 20,
    scn_port = 23,
    iscsi_name = 32,
    iscsi_node_type = 33,
    scn_bitmap = 35,
};

constexpr uint32_t entity_protocol_iscsi = 2;  // 6.2.2

// 6.4.2
constexpr uint32_t node_target = 1;
constexpr uint32_t node_initiator = 2;

// 6.4.4
constexpr uint32_t scn_initiators_and_self = 0x80;
constexpr uint32_t scn_object_removed = 0x10;
constexpr uint32_t scn_object_added = 0x08;
constexpr uint32_t scn_object_updated = 0x04;

// One attribute of a payload; the value is that of the message.
struct Attribute {
    uint32_t tag = 0;
    std::span<const uint8_t> value;

    bool is(Tag wanted) const { return tag == uint32_t(wanted); }
    std::optional<uint32_t> number() const;  // nothing unless it has four bytes
    std::string_view text() const;           // up to the zero that ends it
};

// Reads tag, length, value (5.2) one after the other.
class AttributeReader {
  public:
    explicit AttributeReader(std::span<const uint8_t> bytes) : left_(bytes) {}
    // Nothing at the end, and where what is left is no attribute.
    std::optional<Attribute> next();
    bool malformed() const { return malformed_; }

  private:
    std::span<const uint8_t> left_;
    bool malformed_ = false;
};

// Makes one PDU that is a whole message, in memory of the caller's. What does not fit is left out,
// and the PDU is not valid.
class PduWriter {
  public:
    PduWriter(std::span<uint8_t> memory, uint16_t function, uint16_t flags, uint16_t transaction);

    PduWriter& status(Status status);  // of a response, before anything else
    PduWriter& number(Tag tag, uint32_t value);
    PduWriter& text(Tag tag, std::string_view value);  // with the zero that ends it
    PduWriter& bytes(uint32_t tag, std::span<const uint8_t> value);
    PduWriter& bytes(Tag tag, std::span<const uint8_t> value) {
        return bytes(uint32_t(tag), value);
    }
    PduWriter& empty(Tag tag) { return bytes(tag, {}); }

    size_t payload_size() const { return used_ - sizeof(Header); }
    // The PDU, or nothing when something did not fit.
    std::span<const uint8_t> finish();

  private:
    uint8_t* take(size_t size);

    std::span<uint8_t> memory_;
    size_t used_ = sizeof(Header);
    bool valid_ = true;
};

}  // namespace tgt::wire::isns
