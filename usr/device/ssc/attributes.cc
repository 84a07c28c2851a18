// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/attributes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "device/ssc/alerts.h"
#include "device/ssc/density.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using Format = store::TapeAttribute::Format;
using scsi::Sense;
using store::TapeAttribute;

enum Id : uint16_t {
    remaining_capacity = 0x0000,
    maximum_capacity = 0x0001,
    tape_alert_flags = 0x0002,
    loads = 0x0003,
    space_remaining = 0x0004,
    assigning = 0x0005,
    formatted_density = 0x0006,
    initializations = 0x0007,
    volume_identifier = 0x0008,
    last_device = 0x020a,  // and three more: those before it
    written_in_life = 0x0220,
    read_in_life = 0x0221,
    written_in_load = 0x0222,
    read_in_load = 0x0223,
    manufacturer = 0x0400,
    serial_number = 0x0401,
    medium_length = 0x0402,
    medium_width = 0x0403,
    medium_assigning = 0x0404,
    medium_density = 0x0405,
    manufacture_date = 0x0406,
    memory_capacity = 0x0407,
    medium_type = 0x0408,
    medium_type_information = 0x0409,
    barcode = 0x0806,
};
constexpr unsigned last_devices = 4;
constexpr size_t device_text = 40;
constexpr uint64_t memory_bytes = 16384;
constexpr uint64_t mebibyte = uint64_t(1) << 20;

// SPC-4 7.4.2: host attributes. Texts may be shorter.
struct HostRule {
    uint16_t id;
    Format format;
    uint16_t length;
    bool exact;
};
constexpr HostRule host_rules[] = {
    {0x0800, Format::ascii, 8, false},      // application vendor
    {0x0801, Format::ascii, 32, false},     // application name
    {0x0802, Format::ascii, 8, false},      // application version
    {0x0803, Format::text, 160, false},     // user medium text label
    {0x0804, Format::ascii, 12, false},     // date and time last written
    {0x0805, Format::binary, 1, true},      // text localization identifier
    {0x0806, Format::ascii, 32, false},     // barcode
    {0x0807, Format::text, 80, false},      // owning host textual name
    {0x0808, Format::text, 160, false},     // media pool
    {0x0809, Format::ascii, 16, false},     // partition user text label
    {0x080a, Format::binary, 1, true},      // load/unload at partition
    {0x080b, Format::ascii, 16, false},     // application format version
    {0x080c, Format::binary, 1023, false},  // volume coherency information
    {0x0820, Format::binary, 36, true},     // medium globally unique identifier
    {0x0821, Format::binary, 36, true},     // media pool globally unique identifier
};
// Host attributes of vendors: any.
constexpr uint16_t vendor_host_first = 0x1400, vendor_host_last = 0x17ff;

const HostRule* host_rule(uint16_t id) {
    for (const HostRule& rule : host_rules)
        if (rule.id == id) return &rule;
    return nullptr;
}
bool vendor_host(uint16_t id) {
    return id >= vendor_host_first && id <= vendor_host_last;
}

TapeAttribute number(uint64_t value, unsigned bytes) {
    TapeAttribute attribute;
    for (unsigned i = bytes; i > 0; --i) attribute.value.push_back(uint8_t(value >> 8 * (i - 1)));
    return attribute;
}

TapeAttribute text(std::string_view value, size_t width) {
    TapeAttribute attribute{Format::ascii, std::vector<uint8_t>(width, ' ')};
    std::copy_n(value.begin(), std::min(width, value.size()), attribute.value.begin());
    return attribute;
}

uint64_t kept_number(const store::Tape& tape, uint16_t id) {
    const auto& kept = tape.attributes(0);
    const auto found = kept.find(id);
    uint64_t value = 0;
    if (found == kept.end()) return value;
    for (uint8_t byte : found->second.value) value = value << 8 | byte;
    return value;
}

// Attributes of the whole volume are kept with partition 0.
bool of_partition(uint16_t id) {
    return id == remaining_capacity || id == maximum_capacity || id == 0x0809 || id == 0x080c;
}

size_t kept_bytes(const store::Tape& tape) {
    constexpr size_t header = 5;
    size_t bytes = 0;
    for (uint32_t i = 0; i < tape.partitions(); ++i)
        for (const auto& [id, attribute] : tape.attributes(i))
            bytes += header + attribute.value.size();
    return bytes;
}

uint8_t medium_type_of(store::TapeKind kind) {
    constexpr uint8_t data = 0x00, cleaning = 0x01, worm = 0x80;
    if (kind == store::TapeKind::worm) return worm;
    return kind == store::TapeKind::cleaning ? cleaning : data;
}

void add_device_attributes(Attributes& all, const store::Tape& tape, uint32_t partition,
                           const Counters& counters) {
    const store::TapeRoom room = tape.room(partition);
    const uint64_t left = room.capacity - std::min(room.capacity, room.used);
    const uint64_t written = counters.mount.bytes_written.get() / mebibyte;
    const uint64_t read = counters.mount.bytes_read.get() / mebibyte;
    const uint64_t kept = kept_bytes(tape);
    auto add = [&](uint16_t id, TapeAttribute value) { all[id] = {std::move(value), true}; };
    add(remaining_capacity, number(left / mebibyte, 8));
    add(maximum_capacity, number(room.capacity / mebibyte, 8));
    add(tape_alert_flags, number(shown_alerts(counters.alerts), 8));
    add(loads, number(load_count(tape), 8));
    add(space_remaining, number(memory_bytes - std::min(memory_bytes, kept), 8));
    add(assigning, text(assigning_organisation, 8));
    add(formatted_density, number(tape.info().density, 1));
    add(initializations, number(kept_number(tape, initializations), 2));
    add(volume_identifier, text(tape.info().barcode, 32));
    add(written_in_life, number(kept_number(tape, written_in_life) + written, 8));
    add(read_in_life, number(kept_number(tape, read_in_life) + read, 8));
    add(written_in_load, number(written, 8));
    add(read_in_load, number(read, 8));
}

void add_medium_attributes(Attributes& all, const store::Tape& tape) {
    const store::TapeInfo& info = tape.info();
    // What the factory has written on the cartridge is as good.
    auto add = [&](uint16_t id, TapeAttribute value) {
        all.try_emplace(id, Attribute{std::move(value), true});
    };
    add(manufacturer, text("IET", 8));
    add(serial_number, text(info.serial, 32));
    add(medium_length, number(0, 4));
    add(medium_width, number(tape_width, 4));
    add(medium_assigning, text(assigning_organisation, 8));
    add(medium_density, number(info.density, 1));
    add(manufacture_date, text("", 8));
    add(memory_capacity, number(memory_bytes, 8));
    add(medium_type, number(medium_type_of(info.kind), 1));
    add(medium_type_information, number(0, 2));
    if (!info.barcode.empty()) all.try_emplace(barcode, Attribute{text(info.barcode, 32), false});
}

// AVAILABLE DATA, and what follows it.
std::vector<uint8_t> header() {
    return std::vector<uint8_t>(4);
}
std::vector<uint8_t> finished(std::vector<uint8_t> out) {
    wire::store_be<4>(out.data(), uint32_t(out.size() - 4));
    return out;
}

Sense invalid(size_t at) {
    return scsi::sense::invalid_field_in_parameters(uint16_t(std::min<size_t>(at, 0xffff)));
}

constexpr size_t attribute_header = 5;

// What may not be written about the attribute at `at`.
std::optional<Sense> check(uint16_t id, const TapeAttribute& given, size_t at) {
    if (vendor_host(id)) return std::nullopt;
    const HostRule* rule = host_rule(id);
    if (!rule) return invalid(at);
    const size_t length = given.value.size();
    if (length == 0) return std::nullopt;
    if (given.format != rule->format) return invalid(at + 2);
    if (length > rule->length || (rule->exact && length != rule->length)) return invalid(at + 3);
    return std::nullopt;
}

Sense auxiliary_memory_full() {
    return scsi::sense::make(scsi::SenseKey::illegal_request, 0x55, 0x06);
}
Sense auxiliary_memory_write_error() {
    return scsi::sense::make(scsi::SenseKey::medium_error, 0x0c, 0x0b);
}

Sense sense_of(int error) {
    if (error == EROFS) return scsi::sense::write_protected();
    return error == ENOSPC ? auxiliary_memory_full() : auxiliary_memory_write_error();
}

uint32_t keeper(uint32_t partition, uint16_t id) {
    return of_partition(id) ? partition : 0;
}

}  // namespace

uint64_t load_count(const store::Tape& tape) {
    return kept_number(tape, loads);
}

Attributes attributes_of(const store::Tape& tape, uint32_t partition, const Counters& counters) {
    Attributes all;
    auto take = [&](uint32_t from, bool of_a_partition) {
        for (const auto& [id, value] : tape.attributes(from))
            if (of_partition(id) == of_a_partition)
                all[id] = {value, !host_rule(id) && !vendor_host(id)};
    };
    take(0, false);
    take(partition, true);
    add_device_attributes(all, tape, partition, counters);
    add_medium_attributes(all, tape);
    return all;
}

std::vector<uint8_t> attribute_values(const Attributes& all, uint16_t first) {
    constexpr uint8_t read_only = 0x80;
    auto out = header();
    for (auto at = all.lower_bound(first); at != all.end(); ++at) {
        const auto& [id, attribute] = *at;
        const size_t length = attribute.value.value.size();
        const uint8_t form =
            uint8_t(uint8_t(attribute.value.format) | (attribute.read_only ? read_only : 0));
        out.insert(out.end(),
                   {uint8_t(id >> 8), uint8_t(id), form, uint8_t(length >> 8), uint8_t(length)});
        out.insert(out.end(), attribute.value.value.begin(), attribute.value.value.end());
    }
    return finished(std::move(out));
}

std::vector<uint8_t> attribute_list(const Attributes& all, uint16_t first) {
    auto out = header();
    for (auto at = all.lower_bound(first); at != all.end(); ++at)
        out.insert(out.end(), {uint8_t(at->first >> 8), uint8_t(at->first)});
    return finished(std::move(out));
}

std::vector<uint8_t> supported_attributes(uint16_t first) {
    std::vector<uint16_t> ids = {
        remaining_capacity, maximum_capacity, tape_alert_flags,       loads,
        space_remaining,    assigning,        formatted_density,      initializations,
        volume_identifier,  last_device,      last_device + 1,        last_device + 2,
        last_device + 3,    written_in_life,  read_in_life,           written_in_load,
        read_in_load,       manufacturer,     serial_number,          medium_length,
        medium_width,       medium_assigning, medium_density,         manufacture_date,
        memory_capacity,    medium_type,      medium_type_information};
    for (const HostRule& rule : host_rules) ids.push_back(rule.id);
    auto out = header();
    for (uint16_t id : ids)
        if (id >= first) out.insert(out.end(), {uint8_t(id >> 8), uint8_t(id)});
    return finished(std::move(out));
}

std::vector<uint8_t> numbers_from_zero(uint8_t count) {
    return {0, 2, 0, count};
}

Result<Changes, Sense> parse_attributes(std::span<const uint8_t> list) {
    Changes changes;
    if (list.empty()) return changes;
    if (list.size() < 4) return tl::unexpected<Sense>(scsi::sense::parameter_list_length_error());
    const auto length = wire::load_be<4>(list.data());
    if (length > list.size() - 4)
        return tl::unexpected<Sense>(scsi::sense::parameter_list_length_error());
    list = list.first(4 + length);
    for (size_t at = 4; at < list.size();) {
        if (list.size() - at < attribute_header) return tl::unexpected<Sense>(invalid(at));
        const uint16_t id = uint16_t(wire::load_be<2>(&list[at]));
        const size_t bytes = wire::load_be<2>(&list[at + 3]);
        if (list.size() - at - attribute_header < bytes)
            return tl::unexpected<Sense>(invalid(at + 3));
        const uint8_t form = list[at + 2] & 0x03;
        if (form > uint8_t(Format::text)) return tl::unexpected<Sense>(invalid(at + 2));
        TapeAttribute given{Format(form), {}};
        const auto value = list.subspan(at + attribute_header, bytes);
        given.value.assign(value.begin(), value.end());
        if (auto wrong = check(id, given, at)) return tl::unexpected<Sense>(*wrong);
        changes.emplace_back(id, std::move(given));
        at += attribute_header + bytes;
    }
    return changes;
}

scsi::Outcome write_attributes(store::Tape& tape, uint32_t partition, const Changes& changes) {
    Changes before;
    for (const auto& [id, attribute] : changes) {
        const auto& kept = tape.attributes(keeper(partition, id));
        const auto found = kept.find(id);
        before.emplace_back(id, found == kept.end() ? TapeAttribute() : found->second);
        const int error = tape.set_attribute(keeper(partition, id), id, attribute);
        if (error == 0) continue;
        before.pop_back();
        for (auto at = before.rbegin(); at != before.rend(); ++at)
            tape.set_attribute(keeper(partition, at->first), at->first, at->second);
        return sense_of(error);
    }
    return {};
}

// SPC-4 7.4.2.2.8: the vendor (8 bytes) and serial number of the devices of the last four loads.
void note_load(store::Tape& tape, const scsi::LunIdentity& drive) {
    if (tape.info().read_only) return;
    tape.set_attribute(0, loads, number(load_count(tape) + 1, 8));
    for (uint16_t i = last_devices - 1; i > 0; --i) {
        const auto& kept = tape.attributes(0);
        const auto found = kept.find(uint16_t(last_device + i - 1));
        if (found != kept.end())
            tape.set_attribute(0, uint16_t(last_device + i), TapeAttribute(found->second));
    }
    std::string vendor = drive.vendor;
    vendor.resize(8, ' ');
    tape.set_attribute(0, last_device, text(vendor + drive.scsi_sn, device_text));
}

void note_unload(store::Tape& tape, const Counters& counters) {
    if (tape.info().read_only) return;
    auto add = [&](uint16_t id, uint64_t more) {
        if (more > 0) tape.set_attribute(0, id, number(kept_number(tape, id) + more, 8));
    };
    add(written_in_life, counters.mount.bytes_written.get() / mebibyte);
    add(read_in_life, counters.mount.bytes_read.get() / mebibyte);
}

void note_format(store::Tape& tape) {
    if (tape.info().read_only) return;
    tape.set_attribute(
        0, initializations,
        number(std::min<uint64_t>(kept_number(tape, initializations) + 1, 0xffff), 2));
}

}  // namespace tgt::ssc
