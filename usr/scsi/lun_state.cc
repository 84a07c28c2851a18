// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/lun_state.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace tgt::scsi {

namespace {

using nlohmann::json;

constexpr int format_version = 1;

constexpr char digits[] = "0123456789abcdef";

std::string to_hex(const uint8_t* bytes, size_t count) {
    std::string text;
    text.reserve(2 * count);
    for (size_t i = 0; i < count; ++i) {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

uint8_t nibble(char digit) {
    if (digit >= '0' && digit <= '9') return uint8_t(digit - '0');
    if (digit >= 'a' && digit <= 'f') return uint8_t(digit - 'a' + 10);
    throw std::invalid_argument("not a hexadecimal digit");
}

std::vector<uint8_t> from_hex(const std::string& text) {
    if (text.size() % 2 != 0) throw std::invalid_argument("odd number of hexadecimal digits");
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < text.size(); i += 2)
        bytes.push_back(uint8_t(nibble(text[i]) << 4 | nibble(text[i + 1])));
    return bytes;
}

bool is_printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Texts of a LUN may hold any byte (INQUIRY data are not UTF-8): those that nobody could read
// travel as {"hex": "..."}.
json text_json(const std::string& text) {
    if (is_printable(text)) return text;
    return {{"hex", to_hex(reinterpret_cast<const uint8_t*>(text.data()), text.size())}};
}
std::string json_text(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    auto bytes = from_hex(value.at("hex").get<std::string>());
    return {bytes.begin(), bytes.end()};
}

// Reservation keys as tools for initiators write them.
json key_json(uint64_t key) {
    std::string text = "0x";
    for (int shift = 60; shift >= 0; shift -= 4) text += digits[key >> shift & 15];
    return text;
}
uint64_t json_key(const json& value) {
    const auto text = value.get<std::string>();
    if (text.size() != 18 || text.compare(0, 2, "0x") != 0)
        throw std::invalid_argument("not a reservation key");
    uint64_t key = 0;
    for (size_t i = 2; i < text.size(); ++i) key = key << 4 | nibble(text[i]);
    return key;
}

json bytes_json(const std::vector<uint8_t>& bytes) {
    return to_hex(bytes.data(), bytes.size());
}
std::vector<uint8_t> json_bytes(const json& value) {
    return from_hex(value.get<std::string>());
}

// The library would cut a number that is too large.
template <class Number>
Number json_number(const json& value) {
    if (!value.is_number_unsigned()) throw std::invalid_argument("not a number from 0 on");
    const auto number = value.get<uint64_t>();
    if (number > std::numeric_limits<Number>::max())
        throw std::invalid_argument("number too large");
    return Number(number);
}

json nexus_json(const NexusId& nexus) {
    return {{"initiator_port", text_json(nexus.initiator_port)},
            {"target_port", nexus.relative_target_port}};
}
NexusId json_nexus(const json& value) {
    return {json_text(value.at("initiator_port")), json_number<uint16_t>(value.at("target_port"))};
}

json optional_nexus_json(const std::optional<NexusId>& nexus) {
    return nexus ? nexus_json(*nexus) : json();
}
std::optional<NexusId> json_optional_nexus(const json& value) {
    if (value.is_null()) return std::nullopt;
    return json_nexus(value);
}

json reservations_json(const Reservations& reservations) {
    json registrations = json::array();
    for (const Registration& r : reservations.registrations)
        registrations.push_back({{"nexus", nexus_json(r.nexus)}, {"key", key_json(r.key)}});
    return {{"reserve6_holder", optional_nexus_json(reservations.reserve6_holder)},
            {"generation", reservations.generation},
            {"registrations", registrations},
            {"type", uint8_t(reservations.type)},
            {"holder", optional_nexus_json(reservations.holder)},
            {"aptpl", reservations.aptpl}};
}

Reservations json_reservations(const json& value) {
    Reservations reservations;
    reservations.reserve6_holder = json_optional_nexus(value.at("reserve6_holder"));
    reservations.generation = json_number<uint32_t>(value.at("generation"));
    for (const json& r : value.at("registrations"))
        reservations.registrations.push_back({json_nexus(r.at("nexus")), json_key(r.at("key"))});
    reservations.type = ReservationType(json_number<uint8_t>(value.at("type")));
    reservations.holder = json_optional_nexus(value.at("holder"));
    reservations.aptpl = value.at("aptpl").get<bool>();
    return reservations;
}

json identity_json(const LunIdentity& identity) {
    return {{"scsi_id", text_json(identity.scsi_id)},
            {"scsi_sn", text_json(identity.scsi_sn)},
            {"vendor", text_json(identity.vendor)},
            {"product", text_json(identity.product)},
            {"revision", text_json(identity.revision)}};
}
LunIdentity json_identity(const json& value) {
    return {json_text(value.at("scsi_id")), json_text(value.at("scsi_sn")),
            json_text(value.at("vendor")), json_text(value.at("product")),
            json_text(value.at("revision"))};
}

json geometry_json(const Geometry& geometry) {
    return {{"blocks", geometry.blocks},
            {"block_size", geometry.block_size},
            {"physical_exponent", geometry.physical_exponent},
            {"lowest_aligned_lba", geometry.lowest_aligned_lba},
            {"optimal_granularity", geometry.optimal_granularity},
            {"optimal_length", geometry.optimal_length},
            {"rotation_rate", geometry.rotation_rate}};
}
Geometry json_geometry(const json& value) {
    Geometry geometry;
    value.at("blocks").get_to(geometry.blocks);
    value.at("block_size").get_to(geometry.block_size);
    value.at("physical_exponent").get_to(geometry.physical_exponent);
    value.at("lowest_aligned_lba").get_to(geometry.lowest_aligned_lba);
    value.at("optimal_granularity").get_to(geometry.optimal_granularity);
    value.at("optimal_length").get_to(geometry.optimal_length);
    value.at("rotation_rate").get_to(geometry.rotation_rate);
    return geometry;
}

json mode_page_json(const ModePage& page) {
    return {{"code", page.code},
            {"subcode", page.subcode},
            {"current", bytes_json(page.current)},
            {"defaults", bytes_json(page.defaults)},
            {"changeable", bytes_json(page.changeable)}};
}
ModePage json_mode_page(const json& value) {
    ModePage page;
    value.at("code").get_to(page.code);
    value.at("subcode").get_to(page.subcode);
    page.current = json_bytes(value.at("current"));
    page.defaults = json_bytes(value.at("defaults"));
    page.changeable = json_bytes(value.at("changeable"));
    return page;
}

Backing json_backing(const json& value) {
    const auto number = value.get<unsigned>();
    if (number > unsigned(Backing::gone)) throw std::invalid_argument("unknown backing state");
    return Backing(number);
}

LunState json_state(const json& value) {
    LunState state;
    state.identity = json_identity(value.at("identity"));
    state.personality = value.value("personality", "");
    state.geometry = json_geometry(value.at("geometry"));
    value.at("online").get_to(state.online);
    value.at("removable").get_to(state.removable);
    value.at("medium_present").get_to(state.medium_present);
    value.at("read_only").get_to(state.read_only);
    value.at("thin").get_to(state.thin);
    value.at("descriptor_sense").get_to(state.descriptor_sense);
    state.backing = json_backing(value.at("backing"));
    value.at("flush_failed").get_to(state.flush_failed);
    value.at("keeps_reservations").get_to(state.keeps_reservations);
    value.at("unmap_granularity").get_to(state.unmap_granularity);
    for (const json& page : value.at("mode_pages"))
        state.mode_pages.push_back(json_mode_page(page));
    if (value.contains("mode_parameter"))
        state.mode_parameter = json_number<uint8_t>(value.at("mode_parameter"));
    state.reservations = json_reservations(value.at("reservations"));
    return state;
}

// Bit `bit` of byte `at` (counted from the start of the page, header included: byte 2 is the first)
// of the current values.
bool page_bit(const ModePage* page, size_t at, unsigned bit) {
    if (!page || page->current.size() <= at - 2) return false;
    return (page->current[at - 2] >> bit & 1) != 0;
}

}  // namespace

const ModePage* LunState::mode_page(uint8_t code, uint8_t subcode) const {
    auto found = std::find_if(mode_pages.begin(), mode_pages.end(), [&](const ModePage& page) {
        return page.code == code && page.subcode == subcode;
    });
    return found == mode_pages.end() ? nullptr : &*found;
}

ModePage* LunState::mode_page(uint8_t code, uint8_t subcode) {
    return const_cast<ModePage*>(std::as_const(*this).mode_page(code, subcode));
}

// SBC-4 6.4.5 and SPC-5 7.5.9
bool LunState::write_cache_enabled() const {
    return page_bit(mode_page(0x08), 2, 2);
}
bool LunState::software_write_protected() const {
    return page_bit(mode_page(0x0a), 4, 3);
}
bool LunState::task_aborted_status() const {
    return page_bit(mode_page(0x0a), 5, 6);
}
bool LunState::sense_descriptor_format() const {
    const ModePage* control = mode_page(0x0a);
    return control ? page_bit(control, 2, 2) : descriptor_sense;
}

std::string snapshot(const LunState& state) {
    json pages = json::array();
    for (const ModePage& page : state.mode_pages) pages.push_back(mode_page_json(page));
    json value = {{"version", format_version},
                  {"identity", identity_json(state.identity)},
                  {"personality", state.personality},
                  {"geometry", geometry_json(state.geometry)},
                  {"online", state.online},
                  {"removable", state.removable},
                  {"medium_present", state.medium_present},
                  {"read_only", state.read_only},
                  {"thin", state.thin},
                  {"descriptor_sense", state.descriptor_sense},
                  {"backing", uint8_t(state.backing)},
                  {"flush_failed", state.flush_failed},
                  {"keeps_reservations", state.keeps_reservations},
                  {"unmap_granularity", state.unmap_granularity},
                  {"mode_pages", std::move(pages)},
                  {"mode_parameter", state.mode_parameter},
                  {"reservations", reservations_json(state.reservations)}};
    return value.dump();
}

// The library reports malformed text by exceptions; they end here.
Result<LunState> restore_lun_state(const std::string& text) {
    try {
        json value = json::parse(text);
        if (value.at("version").get<int>() != format_version)
            return fail(EINVAL, "the saved state of the logical unit has an unknown version");
        return json_state(value);
    } catch (const std::exception& error) {
        return fail(EINVAL,
                    std::string("the saved state of the logical unit is damaged: ") + error.what());
    }
}

std::string snapshot_reservations(const Reservations& reservations) {
    return reservations_json(reservations).dump();
}

Result<Reservations> restore_reservations(const std::string& text) {
    try {
        return json_reservations(json::parse(text));
    } catch (const std::exception& error) {
        return fail(EINVAL, std::string("the saved reservations are damaged: ") + error.what());
    }
}

}  // namespace tgt::scsi
