// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/transport_id.h"

#include <algorithm>

#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr uint8_t protocol_iscsi = 5;
constexpr uint8_t transport_id_device = 0x00 | protocol_iscsi;  // FORMAT CODE 00b
constexpr uint8_t transport_id_port = 0x40 | protocol_iscsi;    // FORMAT CODE 01b
constexpr std::string_view port_separator = ",i,0x";
constexpr size_t header_bytes = 4;
constexpr size_t min_name_bytes = 20;
constexpr size_t isid_digits = 12;
constexpr size_t max_iscsi_name = 223;  // RFC 7143 4.2.7.1

// Of a protocol other than iSCSI.
constexpr std::string_view plain_prefix = "tid:";
constexpr size_t plain_bytes = 24;

bool is_plain(std::string_view initiator) {
    return initiator.size() == plain_prefix.size() + 2 * plain_bytes &&
           initiator.substr(0, plain_prefix.size()) == plain_prefix;
}

uint8_t value_of(char digit) {
    return uint8_t(digit >= 'a' ? digit - 'a' + 10 : digit - '0');
}

void append_plain(std::vector<uint8_t>& out, std::string_view port) {
    const std::string_view digits = port.substr(plain_prefix.size());
    for (size_t i = 0; i < digits.size(); i += 2)
        out.push_back(uint8_t(value_of(digits[i]) << 4 | value_of(digits[i + 1])));
}

bool is_zero(uint8_t byte) {
    return byte == 0;
}

bool is_hex_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// The digits are compared as text from here on, so they get one form.
bool normalise_isid(std::string& port) {
    const size_t separator = port.find(port_separator);
    if (separator == 0 || separator == std::string::npos) return false;
    const auto digits = port.begin() + ptrdiff_t(separator + port_separator.size());
    if (port.end() - digits != isid_digits) return false;
    std::transform(digits, port.end(), digits,
                   [](char c) { return c >= 'A' && c <= 'F' ? char(c - 'A' + 'a') : c; });
    return std::all_of(digits, port.end(), is_hex_digit);
}

}  // namespace

bool names_port(std::string_view initiator) {
    return initiator.find(port_separator) != std::string_view::npos || is_plain(initiator);
}

std::string port_of(std::span<const uint8_t, 24> transport_id) {
    std::string port(plain_prefix);
    for (const uint8_t byte : transport_id)
        for (const unsigned digit : {byte >> 4, byte & 15}) port += "0123456789abcdef"[digit];
    return port;
}

std::string_view device_of(std::string_view initiator) {
    return initiator.substr(0, initiator.find(port_separator));
}

void append_transport_id(std::vector<uint8_t>& out, std::string_view initiator) {
    if (is_plain(initiator)) return append_plain(out, initiator);
    const size_t padded = (initiator.size() + 1 + 3) / 4 * 4;  // a NUL at least
    const size_t length = std::max(padded, min_name_bytes);
    out.insert(out.end(), {names_port(initiator) ? transport_id_port : transport_id_device, 0,
                           uint8_t(length >> 8), uint8_t(length)});
    out.insert(out.end(), initiator.begin(), initiator.end());
    out.insert(out.end(), length - initiator.size(), 0);
}

Result<std::string, size_t> parse_initiator(std::span<const uint8_t> bytes) {
    auto bad = [](size_t offset) { return tl::unexpected<size_t>(offset); };
    if (bytes.size() < header_bytes + min_name_bytes) return bad(0);
    const bool is_port = bytes[0] == transport_id_port;
    if (!is_port && bytes[0] != transport_id_device) return bad(0);
    if (wire::load_be<2>(&bytes[2]) != bytes.size() - header_bytes || bytes.size() % 4 != 0)
        return bad(2);
    const auto field = bytes.subspan(header_bytes);
    const auto end = std::find(field.begin(), field.end(), 0);
    if (end == field.end() || !std::all_of(end, field.end(), is_zero)) return bad(header_bytes);
    std::string initiator(field.begin(), end);
    if (is_port ? !normalise_isid(initiator) : initiator.empty() || names_port(initiator))
        return bad(header_bytes);
    if (device_of(initiator).size() > max_iscsi_name) return bad(header_bytes);
    return initiator;
}

Result<std::string, size_t> parse_transport_id(std::span<const uint8_t> bytes) {
    if (!bytes.empty() && bytes[0] == transport_id_device) return tl::unexpected<size_t>(0);
    return parse_initiator(bytes);
}

size_t transport_id_bytes(std::span<const uint8_t> bytes) {
    return bytes.size() < header_bytes ? 0 : header_bytes + wire::load_be<2>(&bytes[2]);
}

}  // namespace tgt::scsi
