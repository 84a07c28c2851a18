// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/isns.h"

#include <algorithm>
#include <cstring>

namespace tgt::wire::isns {

namespace {

constexpr size_t attribute_head = 8;

struct Named {
    uint32_t number;
    std::string_view name;
};

constexpr std::array<Named, 10> functions{{
    {0x0001, "DevAttrReg"},
    {0x0002, "DevAttrQry"},
    {0x0003, "DevGetNext"},
    {0x0004, "DevDereg"},
    {0x0005, "SCNReg"},
    {0x0006, "SCNDereg"},
    {0x0007, "SCNEvent"},
    {0x0008, "SCN"},
    {0x000d, "ESI"},
    {0x000e, "Heartbeat"},
}};

constexpr std::array<Named, 21> statuses{{
    {0, "successful"},
    {1, "unknown error"},
    {2, "message format error"},
    {3, "invalid registration"},
    {5, "invalid query"},
    {6, "source unknown"},
    {7, "source absent"},
    {8, "source unauthorized"},
    {9, "no such entry"},
    {10, "version not supported"},
    {11, "internal error"},
    {12, "busy"},
    {13, "option not understood"},
    {14, "invalid update"},
    {15, "message not supported"},
    {16, "SCN event rejected"},
    {17, "SCN registration rejected"},
    {18, "attribute not implemented"},
    {21, "ESI not available"},
    {22, "invalid deregistration"},
    {23, "registration feature not supported"},
}};

template <size_t N>
std::string_view find(const std::array<Named, N>& names, uint32_t number, std::string_view other) {
    for (const Named& one : names)
        if (one.number == number) return one.name;
    return other;
}

constexpr size_t padded(size_t size) {
    return (size + 3) & ~size_t(3);
}

}  // namespace

std::string_view function_name(uint16_t function) {
    return find(functions, function & ~response_bit, "unknown function");
}

std::string_view status_name(uint32_t status) {
    return find(statuses, status, "a status that RFC 4171 does not name");
}

std::optional<uint32_t> Attribute::number() const {
    if (value.size() != 4) return std::nullopt;
    return load_be<4>(value.data());
}

std::string_view Attribute::text() const {
    const auto* end = std::find(value.data(), value.data() + value.size(), uint8_t(0));
    const void* begin = value.data();
    return {static_cast<const char*>(begin), size_t(end - value.data())};
}

std::optional<Attribute> AttributeReader::next() {
    if (malformed_ || left_.empty()) return std::nullopt;
    malformed_ = true;
    if (left_.size() < attribute_head) return std::nullopt;
    Attribute out;
    out.tag = load_be<4>(left_.data());
    const size_t length = load_be<4>(left_.data() + 4);
    if (length > left_.size() - attribute_head) return std::nullopt;
    out.value = left_.subspan(attribute_head, length);
    left_ = left_.subspan(attribute_head + length);
    malformed_ = false;
    return out;
}

PduWriter::PduWriter(std::span<uint8_t> memory, uint16_t function, uint16_t flags,
                     uint16_t transaction)
    : memory_(memory.first(std::min(memory.size(), sizeof(Header) + max_payload))) {
    Header header;
    header.version = protocol_version;
    header.function = function;
    header.flags = uint16_t(flags | flag_first | flag_last);
    header.transaction = transaction;
    valid_ = memory_.size() >= sizeof(Header);
    if (valid_) std::memcpy(memory_.data(), &header, sizeof(header));
}

uint8_t* PduWriter::take(size_t size) {
    if (!valid_ || size > memory_.size() - used_) {
        valid_ = false;
        return nullptr;
    }
    uint8_t* out = memory_.data() + used_;
    used_ += size;
    return out;
}

PduWriter& PduWriter::status(Status status) {
    if (uint8_t* out = take(4)) store_be<4>(out, uint32_t(status));
    return *this;
}

PduWriter& PduWriter::number(Tag tag, uint32_t value) {
    std::array<uint8_t, 4> raw;
    store_be<4>(raw.data(), value);
    return bytes(tag, raw);
}

PduWriter& PduWriter::bytes(uint32_t tag, std::span<const uint8_t> value) {
    uint8_t* out = take(attribute_head + padded(value.size()));
    if (!out) return *this;
    store_be<4>(out, tag);
    store_be<4>(out + 4, padded(value.size()));
    std::memset(out + attribute_head, 0, padded(value.size()));
    if (!value.empty()) std::memcpy(out + attribute_head, value.data(), value.size());
    return *this;
}

PduWriter& PduWriter::text(Tag tag, std::string_view value) {
    const size_t size = padded(value.size() + 1);
    uint8_t* out = take(attribute_head + size);
    if (!out) return *this;
    store_be<4>(out, uint32_t(tag));
    store_be<4>(out + 4, size);
    std::memset(out + attribute_head, 0, size);
    if (!value.empty()) std::memcpy(out + attribute_head, value.data(), value.size());
    return *this;
}

std::span<const uint8_t> PduWriter::finish() {
    if (!valid_) return {};
    store_be<2>(memory_.data() + offsetof(Header, length), payload_size());
    return memory_.first(used_);
}

}  // namespace tgt::wire::isns
