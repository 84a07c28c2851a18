// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/lun_parameters.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "mgmt/numbers.h"

namespace tgt::mgmt {

namespace {

using scsi::LunState;
using Warnings = std::vector<std::string>;
using Context = LunParameterContext;

Status bad_value(std::string_view name, std::string_view value, std::string_view want) {
    return refuse(ErrorCode::invalid_request, "{}={} is refused: the value must be {}", name, value,
                  want);
}

// tgt keeps what fits; so do we, but we say so.
void set_text(std::string& field, std::string_view name, std::string_view value, size_t max,
              Warnings& warnings) {
    if (value.size() > max)
        warnings.push_back(
            fmt::format("{}: only the first {} characters of '{}' are kept", name, max, value));
    field = value.substr(0, max);
}

Status printable(std::string_view name, std::string_view value) {
    const bool clean =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    if (!clean) return bad_value(name, value, "printable ASCII (SPC-5 4.3.1)");
    return {};
}

template <std::string scsi::LunIdentity::*Field, size_t Max>
Status set_identity(std::string_view name, LunState& next, std::string_view value,
                    Warnings& warnings) {
    if (auto status = printable(name, value); !status) return status;
    set_text(next.identity.*Field, name, value, Max, warnings);
    return {};
}

Status scsi_id(LunState& next, std::string_view value, const Context&, Warnings& warnings) {
    return set_identity<&scsi::LunIdentity::scsi_id, 36>("scsi_id", next, value, warnings);
}
Status scsi_sn(LunState& next, std::string_view value, const Context&, Warnings& warnings) {
    return set_identity<&scsi::LunIdentity::scsi_sn, 36>("scsi_sn", next, value, warnings);
}
Status vendor_id(LunState& next, std::string_view value, const Context&, Warnings& warnings) {
    return set_identity<&scsi::LunIdentity::vendor, 8>("vendor_id", next, value, warnings);
}
Status product_id(LunState& next, std::string_view value, const Context&, Warnings& warnings) {
    return set_identity<&scsi::LunIdentity::product, 16>("product_id", next, value, warnings);
}
Status product_rev(LunState& next, std::string_view value, const Context&, Warnings& warnings) {
    return set_identity<&scsi::LunIdentity::revision, 4>("product_rev", next, value, warnings);
}

template <class T>
Status set_number(T& field, std::string_view name, std::string_view value, uint64_t max) {
    const auto number = parse_number(value, max);
    if (!number) return bad_value(name, value, fmt::format("a number from 0 to {}", max));
    field = T(*number);
    return {};
}

Status set_flag(bool& field, std::string_view name, std::string_view value) {
    const auto number = parse_number(value);
    if (!number) return bad_value(name, value, "1 or 0");
    field = *number != 0;
    return {};
}

Status sense_format(LunState& next, std::string_view value, const Context&, Warnings&) {
    auto status = set_flag(next.descriptor_sense, "sense_format", value);
    // D_SENSE (SPC-5 7.5.8) is what commands obey where the page exists.
    scsi::ModePage* control = next.mode_page(0x0a);
    if (!status || !control || control->current.empty()) return status;
    const auto bit = uint8_t(next.descriptor_sense ? 0x04 : 0);
    control->current[0] = uint8_t((control->current[0] & ~0x04) | bit);
    if (!control->defaults.empty())
        control->defaults[0] = uint8_t((control->defaults[0] & ~0x04) | bit);
    return status;
}

Status lbppbe(LunState& next, std::string_view value, const Context&, Warnings&) {
    return set_number(next.geometry.physical_exponent, "lbppbe", value, 15);
}
Status la_lba(LunState& next, std::string_view value, const Context&, Warnings&) {
    return set_number(next.geometry.lowest_aligned_lba, "la_lba", value, 0x3fff);
}
Status optimal_xfer_gran(LunState& next, std::string_view value, const Context&, Warnings&) {
    return set_number(next.geometry.optimal_granularity, "optimal_xfer_gran", value, UINT16_MAX);
}
Status optimal_xfer_len(LunState& next, std::string_view value, const Context&, Warnings&) {
    return set_number(next.geometry.optimal_length, "optimal_xfer_len", value, UINT32_MAX);
}
Status rotation_rate(LunState& next, std::string_view value, const Context&, Warnings&) {
    return set_number(next.geometry.rotation_rate, "rotation_rate", value, UINT16_MAX);
}
Status removable(LunState& next, std::string_view value, const Context&, Warnings&) {
    return set_flag(next.removable, "removable", value);
}

Status readonly(LunState& next, std::string_view value, const Context& context, Warnings&) {
    bool wanted = false;
    if (auto status = set_flag(wanted, "readonly", value); !status) return status;
    if (!wanted && context.store && context.store->read_only)
        return refuse(ErrorCode::invalid_request,
                      "readonly=0 is refused: the backing store could only be opened for reading; "
                      "check its permissions and set the path again");
    next.read_only = wanted;
    return {};
}

Status online(LunState& next, std::string_view value, const Context&, Warnings&) {
    bool wanted = false;
    if (auto status = set_flag(wanted, "online", value); !status) return status;
    if (wanted && !next.medium_present)
        return refuse(ErrorCode::invalid_request,
                      "online=1 is refused: the logical unit has no medium; set path=... first");
    next.online = wanted;
    return {};
}

Status personality(LunState& next, std::string_view value, const Context& context, Warnings&) {
    if (!context.type || !context.type->set_personality)
        return refuse(ErrorCode::invalid_request,
                      "personality={} is refused: this device type has only one", value);
    const auto set = context.type->set_personality(next, value);
    if (!set) return bad_value("personality", value, set.error().text);
    return {};
}

// Only an administrator can judge whether what was lost matters.
Status flush_failed(LunState& next, std::string_view value, const Context&, Warnings&) {
    if (parse_number(value) != 0)
        return bad_value("flush_failed", value, "0, which makes writes durable again");
    next.flush_failed = false;
    return {};
}

Status thin_provisioning(LunState& next, std::string_view value, const Context& context,
                         Warnings& warnings) {
    if (auto status = set_flag(next.thin, "thin_provisioning", value); !status) return status;
    if (next.thin && context.store && !context.store->features.discard)
        warnings.push_back(
            "thin_provisioning: the backing store cannot give back space, UNMAP will not free any");
    return {};
}

void store_page(LunState& next, uint8_t code, uint8_t subcode, std::vector<uint8_t> bytes) {
    scsi::ModePage* page = next.mode_page(code, subcode);
    if (!page) {
        const auto after = std::find_if(
            next.mode_pages.begin(), next.mode_pages.end(), [&](const scsi::ModePage& other) {
                return std::pair(other.code, other.subcode) > std::pair(code, subcode);
            });
        page = &*next.mode_pages.insert(after, scsi::ModePage{code, subcode, {}, {}, {}});
    }
    page->changeable.resize(bytes.size());
    page->defaults = bytes;
    page->current = std::move(bytes);
}

// page:subpage:length:b0:b1:... ; missing bytes are zero.
Status mode_page(LunState& next, std::string_view value, const Context&, Warnings&) {
    constexpr std::string_view want =
        "page:subpage:length:byte:byte:... with page below 63, subpage below 255 and at most as "
        "many bytes as the length says";
    const auto words = split(value, ':');
    std::vector<uint64_t> numbers;
    for (const auto word : words) {
        const auto number = parse_number(word, numbers.size() == 2 ? 0xffff : 0xff);
        if (!number) return bad_value("mode_page", value, want);
        numbers.push_back(*number);
    }
    if (numbers.size() < 3 || numbers[0] >= 0x3f || numbers[1] >= 0xff)
        return bad_value("mode_page", value, want);
    const size_t length = numbers[2];
    // The length of a page without subpage is one byte on the wire (SPC-5 7.5.7).
    if (numbers.size() - 3 > length || (numbers[1] == 0 && length > 0xff))
        return bad_value("mode_page", value, want);
    std::vector<uint8_t> bytes(length);
    std::copy(numbers.begin() + 3, numbers.end(), bytes.begin());
    store_page(next, uint8_t(numbers[0]), uint8_t(numbers[1]), std::move(bytes));
    return {};
}

// --- as text ------------------------------------------------------------------------------------

template <std::string scsi::LunIdentity::*Field>
std::string show_identity(const LunState& state) {
    return state.identity.*Field;
}

template <auto Field>
std::string show_geometry(const LunState& state) {
    return std::to_string(state.geometry.*Field);
}

template <bool LunState::*Field>
std::string show_flag(const LunState& state) {
    return state.*Field ? "1" : "0";
}

using Kind = LunParameter::Kind;
using scsi::Geometry;
using scsi::LunIdentity;
constexpr std::array<LunParameter, 20> table{{
    {"scsi_id", Kind::state, scsi_id, scsi::ua::inquiry_changed,
     show_identity<&LunIdentity::scsi_id>},
    {"scsi_sn", Kind::state, scsi_sn, scsi::ua::inquiry_changed,
     show_identity<&LunIdentity::scsi_sn>},
    {"vendor_id", Kind::state, vendor_id, scsi::ua::inquiry_changed,
     show_identity<&LunIdentity::vendor>},
    {"product_id", Kind::state, product_id, scsi::ua::inquiry_changed,
     show_identity<&LunIdentity::product>},
    {"product_rev", Kind::state, product_rev, scsi::ua::inquiry_changed,
     show_identity<&LunIdentity::revision>},
    {"sense_format", Kind::state, sense_format, scsi::ua::mode_parameters_changed,
     show_flag<&LunState::descriptor_sense>},
    {"lbppbe", Kind::state, lbppbe, scsi::ua::capacity_changed,
     show_geometry<&Geometry::physical_exponent>},
    {"la_lba", Kind::state, la_lba, scsi::ua::capacity_changed,
     show_geometry<&Geometry::lowest_aligned_lba>},
    {"optimal_xfer_gran", Kind::state, optimal_xfer_gran, scsi::ua::inquiry_changed,
     show_geometry<&Geometry::optimal_granularity>},
    {"optimal_xfer_len", Kind::state, optimal_xfer_len, scsi::ua::inquiry_changed,
     show_geometry<&Geometry::optimal_length>},
    {"rotation_rate", Kind::state, rotation_rate, scsi::ua::inquiry_changed,
     show_geometry<&Geometry::rotation_rate>},
    {"removable", Kind::state, removable, scsi::ua::inquiry_changed,
     show_flag<&LunState::removable>},
    {"readonly", Kind::state, readonly, scsi::ua::mode_parameters_changed,
     show_flag<&LunState::read_only>},
    {"online", Kind::online, online, scsi::ua::medium_may_have_changed,
     show_flag<&LunState::online>},
    {"mode_page", Kind::state, mode_page, scsi::ua::mode_parameters_changed, nullptr},
    {"thin_provisioning", Kind::state, thin_provisioning, scsi::ua::capacity_changed,
     show_flag<&LunState::thin>},
    {"personality", Kind::state, personality, scsi::ua::inquiry_changed,
     [](const LunState& state) { return state.personality; }, true},
    {"flush_failed", Kind::state, flush_failed, {}, nullptr},
    {"path", Kind::path, nullptr, {}, nullptr},
    {"capacity", Kind::capacity, nullptr, {}, nullptr},
}};

}  // namespace

std::span<const LunParameter> lun_parameters() {
    return table;
}

const LunParameter* find_lun_parameter(std::string_view name) {
    const auto it = std::find_if(table.begin(), table.end(),
                                 [&](const LunParameter& row) { return row.name == name; });
    return it == table.end() ? nullptr : &*it;
}

}  // namespace tgt::mgmt
