// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/inquiry.h"

#include <algorithm>
#include <optional>
#include <string>

#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "scsi/target.h"
#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr size_t standard_bytes = 66;  // version descriptors 1 to 4 included
constexpr size_t version_descriptors_at = 58;
constexpr uint16_t version_iscsi = 0x0960;
constexpr uint16_t version_spc3 = 0x0300;
constexpr uint8_t no_such_unit = 0x7f;

constexpr size_t serial_bytes = 36;
constexpr size_t id_bytes = 36;

constexpr uint8_t vpd_supported_pages = 0x00;
constexpr uint8_t vpd_unit_serial_number = 0x80;
constexpr uint8_t vpd_device_identification = 0x83;
// All portals of a target form one portal group.
constexpr std::string_view portal_group_suffix = ",t,0x0001";

void put_text(uint8_t* to, size_t width, std::string_view text) {
    std::fill_n(to, width, uint8_t(' '));
    std::copy_n(text.begin(), std::min(width, text.size()), to);
}

// In tgt's order: the type's first one, iSCSI, the rest, SPC.
void put_version_descriptors(std::vector<uint8_t>& out, const DeviceType& type) {
    std::vector<uint16_t> descriptors(type.version_descriptors.begin(),
                                      type.version_descriptors.end());
    descriptors.insert(descriptors.begin() + (descriptors.empty() ? 0 : 1), version_iscsi);
    descriptors.push_back(version_spc3);
    const size_t places = (standard_bytes - version_descriptors_at) / 2;
    for (size_t i = 0; i < std::min(places, descriptors.size()); ++i)
        wire::store_be<2>(&out[version_descriptors_at + 2 * i], descriptors[i]);
}

std::optional<uint8_t> hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return uint8_t(digit - '0');
    if (digit >= 'a' && digit <= 'f') return uint8_t(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F') return uint8_t(digit - 'A' + 10);
    return std::nullopt;
}

// "IET     TTTTLLLL", the SCSI ID of a LUN that was given none: target and LUN number.
std::optional<uint32_t> default_id_number(std::string_view scsi_id) {
    constexpr std::string_view prefix = "IET     ";
    if (scsi_id.size() != prefix.size() + 8 || scsi_id.substr(0, prefix.size()) != prefix)
        return std::nullopt;
    uint32_t number = 0;
    for (char c : scsi_id.substr(prefix.size())) {
        auto value = hex_value(c);
        if (!value) return std::nullopt;
        number = number << 4 | *value;
    }
    return number;
}

// FNV-1a
uint64_t hash(std::string_view text) {
    uint64_t value = 0xcbf29ce484222325u;
    for (char c : text) value = (value ^ uint8_t(c)) * 0x100000001b3u;
    return value;
}

// SPC-4 7.8.6.1
struct DesignatorHead {
    uint8_t code_set;     // with the protocol identifier
    uint8_t association;  // with PIV and the designator type
};
constexpr DesignatorHead t10_head{0x02, 0x01};
constexpr DesignatorHead naa_head{0x01, 0x03};
constexpr DesignatorHead relative_port_head{0x51, 0x94};
constexpr DesignatorHead port_name_head{0x53, 0x98};

void append_designator(std::vector<uint8_t>& out, DesignatorHead head,
                       std::span<const uint8_t> designator) {
    out.insert(out.end(), {head.code_set, head.association, 0, uint8_t(designator.size())});
    out.insert(out.end(), designator.begin(), designator.end());
}

// SPC-4 7.8.6.11: UTF-8, at least one NUL, a multiple of four. Longer names than fit are left out.
void append_port_name(std::vector<uint8_t>& out, std::string_view target_name) {
    std::string name = std::string(target_name) + std::string(portal_group_suffix);
    name.resize(name.size() / 4 * 4 + 4);
    if (name.size() > 252) return;
    append_designator(out, port_name_head, std::vector<uint8_t>(name.begin(), name.end()));
}

std::vector<uint8_t> supported_pages(std::span<const VpdPage> more) {
    std::vector<uint8_t> codes = {vpd_supported_pages, vpd_unit_serial_number,
                                  vpd_device_identification};
    for (const VpdPage& page : more) codes.push_back(page.code);
    std::sort(codes.begin(), codes.end());
    return codes;
}

// The page's bytes after the header; nothing when there is no such page.
std::optional<std::vector<uint8_t>> vpd_body(const Command& command, uint8_t code) {
    const DeviceType& type = command.shard->unit.type();
    const LunIdentity& identity = command.state().identity;
    const Target& target = command.nexus->target().target;
    if (code == vpd_supported_pages) return supported_pages(type.vpd_pages);
    if (code == vpd_unit_serial_number) return unit_serial_number(identity);
    if (code == vpd_device_identification)
        return device_identification(identity, target.name(), target.relative_port());
    for (const VpdPage& page : type.vpd_pages) {
        if (page.code != code) continue;
        std::vector<uint8_t> body;
        page.build(command, body);
        return body;
    }
    return std::nullopt;
}

Outcome run_vpd(Command& command, uint8_t code, uint64_t allocation_length) {
    std::optional<std::vector<uint8_t>> body;
    uint8_t peripheral = no_such_unit;
    if (command.itl) {
        body = vpd_body(command, code);
        peripheral = command.shard->unit.type().peripheral_type;
    } else if (code == vpd_supported_pages) {
        body = std::vector<uint8_t>{vpd_supported_pages};
    }
    if (!body) return sense::invalid_field_in_cdb(2);
    std::vector<uint8_t> page = {peripheral, code, uint8_t(body->size() >> 8),
                                 uint8_t(body->size())};
    page.insert(page.end(), body->begin(), body->end());
    return command.reply(page, allocation_length);
}

}  // namespace

std::vector<uint8_t> standard_inquiry(const DeviceType& type, const LunState& state, bool exists) {
    std::vector<uint8_t> out(standard_bytes, 0);
    out[0] = exists ? type.peripheral_type : no_such_unit;
    out[1] = exists && state.removable ? 0x80 : 0;  // RMB
    out[2] = 0x05;                                  // SPC-3
    out[3] = 0x12;                                  // HISUP, response data format 2
    out[4] = standard_bytes - 5;
    out[7] = 0x02;  // CMDQUE
    put_text(&out[8], 8, state.identity.vendor);
    put_text(&out[16], 16, state.identity.product);
    put_text(&out[32], 4, state.identity.revision);
    put_version_descriptors(out, type);
    return out;
}

std::vector<uint8_t> unit_serial_number(const LunIdentity& identity) {
    std::vector<uint8_t> out(serial_bytes, ' ');
    const size_t length = std::min(serial_bytes, identity.scsi_sn.size());
    std::copy_n(identity.scsi_sn.begin(), length, out.end() - ptrdiff_t(length));
    return out;
}

// tgt puts target and LUN number here. They stand in the default SCSI ID; for other IDs a hash of
// the ID keeps the designator equal on every path to the unit.
std::array<uint8_t, 8> naa_locally_assigned(std::string_view scsi_id) {
    uint64_t value = hash(scsi_id) & 0x0fffffffffffffffu;
    if (auto number = default_id_number(scsi_id))
        value = uint64_t(*number >> 16) << 32 | (*number & 0xffff);
    std::array<uint8_t, 8> out;
    wire::store_be<8>(out.data(), uint64_t(3) << 60 | value);
    return out;
}

// NAA 6, then the last 31 characters of the SCSI ID as nibbles, right aligned; what is no
// hexadecimal digit counts as 0.
std::array<uint8_t, 16> naa_extended(std::string_view scsi_id) {
    constexpr size_t nibbles = 31;
    if (scsi_id.size() > nibbles) scsi_id.remove_prefix(scsi_id.size() - nibbles);
    std::array<uint8_t, 16> out{0x60};
    size_t at = 32 - scsi_id.size();
    for (char c : scsi_id) {
        const uint8_t value = hex_value(c).value_or(0);
        out[at / 2] |= at % 2 == 0 ? uint8_t(value << 4) : value;
        ++at;
    }
    return out;
}

std::vector<uint8_t> device_identification(const LunIdentity& identity,
                                           std::string_view target_name, uint16_t relative_port) {
    std::vector<uint8_t> out;
    std::array<uint8_t, id_bytes> t10{};
    std::copy_n(identity.scsi_id.begin(), std::min(id_bytes, identity.scsi_id.size()), t10.begin());
    append_designator(out, t10_head, t10);
    append_designator(out, naa_head, naa_locally_assigned(identity.scsi_id));
    append_designator(out, naa_head, naa_extended(identity.scsi_id));
    const std::array<uint8_t, 4> port = {0, 0, uint8_t(relative_port >> 8), uint8_t(relative_port)};
    append_designator(out, relative_port_head, port);
    append_port_name(out, target_name);
    return out;
}

Outcome run_inquiry(Command& command) {
    const bool vital = (command.cdb[1] & 0x01) != 0;  // EVPD
    const uint64_t allocation_length = command.extents.bytes;
    if (vital) return run_vpd(command, command.cdb[2], allocation_length);
    if (command.cdb[2] != 0) return sense::invalid_field_in_cdb(2);
    const auto data =
        standard_inquiry(command.shard->unit.type(), command.state(), command.itl != nullptr);
    return command.reply(data, allocation_length);
}

}  // namespace tgt::scsi
