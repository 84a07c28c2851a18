// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/transport_id.h"

#include <algorithm>
#include <array>

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
constexpr std::array<TransportIdForm, 3> forms{{
    {0x0, 8, 8},   // Fibre Channel, N_PORT NAME: SPC-4 7.6.4.2
    {0x4, 8, 16},  // SRP, INITIATOR PORT IDENTIFIER: SPC-4 7.6.4.5
    {0x6, 4, 8},   // SAS, SAS ADDRESS: SPC-4 7.6.4.7
}};

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

bool is_iscsi(uint8_t byte) {
    return (byte & 0x0f) == protocol_iscsi;
}

bool is_zero(uint8_t byte) {
    return byte == 0;
}

bool is_hex_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

using Parsed = Result<std::string, size_t>;

tl::unexpected<size_t> bad(size_t offset) {
    return tl::unexpected<size_t>(offset);
}

// The whole is the name of the port from here on, so what is reserved has one form, too.
Parsed parse_plain(std::span<const uint8_t, plain_bytes> bytes) {
    const TransportIdForm* form = transport_id_form(bytes[0]);  // with FORMAT CODE 00b
    if (!form) return bad(0);
    const auto name = bytes.begin() + form->name_at, end = name + form->name_bytes;
    const auto before = std::find_if_not(bytes.begin() + 1, name, is_zero);
    if (before != name) return bad(size_t(before - bytes.begin()));
    if (std::all_of(name, end, is_zero)) return bad(form->name_at);
    const auto behind = std::find_if_not(end, bytes.end(), is_zero);
    if (behind != bytes.end()) return bad(size_t(behind - bytes.begin()));
    return port_of(bytes);
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

const TransportIdForm* transport_id_form(uint8_t protocol) {
    const auto found = std::find_if(forms.begin(), forms.end(), [&](const TransportIdForm& form) {
        return form.protocol == protocol;
    });
    return found == forms.end() ? nullptr : found;
}

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

Parsed parse_initiator(std::span<const uint8_t> bytes) {
    if (bytes.size() < header_bytes + min_name_bytes) return bad(0);
    if (!is_iscsi(bytes[0]))
        return bytes.size() == plain_bytes ? parse_plain(bytes.first<plain_bytes>()) : bad(0);
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

Parsed parse_transport_id(std::span<const uint8_t> bytes) {
    if (!bytes.empty() && bytes[0] == transport_id_device) return bad(0);
    return parse_initiator(bytes);
}

size_t transport_id_bytes(std::span<const uint8_t> bytes) {
    if (bytes.size() < header_bytes) return 0;
    return is_iscsi(bytes[0]) ? header_bytes + wire::load_be<2>(&bytes[2]) : plain_bytes;
}

}  // namespace tgt::scsi
