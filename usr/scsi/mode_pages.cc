// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/mode_pages.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/text.h"
#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr uint8_t all_pages = 0x3f;
constexpr uint8_t all_subpages = 0xff;
constexpr uint8_t subpage_format = 0x40;  // SPF
constexpr size_t short_descriptor = 8;
constexpr size_t max_long_page = 0xffff;
constexpr size_t max_short_page = 0xff;

enum PageControl : uint8_t { current, changeable, defaults, saved };

size_t header_bytes(bool long_header) {
    return long_header ? 8 : 4;
}

// ---- MODE SENSE ----

const std::vector<uint8_t>& values(const ModePage& page, uint8_t control) {
    if (control == changeable) return page.changeable;
    return control == defaults ? page.defaults : page.current;
}

void append_page(std::vector<uint8_t>& out, const ModePage& page, uint8_t control) {
    const size_t length = page.current.size();
    if (page.subcode == 0) {
        out.insert(out.end(), {page.code, uint8_t(length)});
    } else {
        out.insert(out.end(), {uint8_t(subpage_format | page.code), page.subcode,
                               uint8_t(length >> 8), uint8_t(length)});
    }
    const auto& from = values(page, control);
    const size_t given = std::min(length, from.size());
    out.insert(out.end(), from.begin(), from.begin() + ptrdiff_t(given));
    out.insert(out.end(), length - given, 0);
}

bool wanted(const ModePage& page, const ModeSenseRequest& request) {
    if (request.page != all_pages && request.page != page.code) return false;
    return request.subpage == all_subpages || request.subpage == page.subcode;
}

// Whether there is something to return at all, with the pointer to the field that is wrong.
std::optional<Sense> check_selection(const std::vector<ModePage>& pages,
                                     const ModeSenseRequest& request) {
    if (request.control == saved) return sense::saving_parameters_not_supported();
    if (request.page == all_pages) {
        if (request.subpage == 0 || request.subpage == all_subpages) return std::nullopt;
        return sense::invalid_field_in_cdb(3);
    }
    bool code_known = false;
    for (const ModePage& page : pages) {
        if (wanted(page, request)) return std::nullopt;
        code_known = code_known || page.code == request.page;
    }
    return code_known ? sense::invalid_field_in_cdb(3) : sense::invalid_field_in_cdb(2, 5);
}

// SPC-5 7.5.6, 7.5.7: everything before the pages. The lengths follow when they are known.
std::vector<uint8_t> header(const ModeView& view, const ModeSenseRequest& request) {
    const size_t descriptor_bytes = view.descriptor.size();
    std::vector<uint8_t> out(header_bytes(request.long_header), 0);
    if (!request.long_header) {
        out[1] = view.medium_type;
        out[2] = view.device_specific;
        out[3] = uint8_t(descriptor_bytes);
        return out;
    }
    out[2] = view.medium_type;
    out[3] = view.device_specific;
    out[4] = request.long_lba && descriptor_bytes > short_descriptor ? 1 : 0;  // LONGLBA
    wire::store_be<2>(&out[6], uint16_t(descriptor_bytes));
    return out;
}

void set_data_length(std::vector<uint8_t>& out, bool long_header) {
    if (long_header)
        wire::store_be<2>(out.data(), uint16_t(std::min<size_t>(out.size() - 2, 0xffff)));
    else
        out[0] = uint8_t(std::min<size_t>(out.size() - 1, 0xff));
}

}  // namespace

Result<std::vector<uint8_t>, Sense> mode_sense_data(const DeviceType& type, const LunState& state,
                                                    const ModeSenseRequest& request) {
    ModeView view{0, type.device_specific(state), {}, state.mode_pages};
    if (!request.no_descriptors) view.descriptor = type.block_descriptor(state, request.long_lba);
    return mode_sense_data(view, request);
}

Result<std::vector<uint8_t>, Sense> mode_sense_data(const ModeView& view,
                                                    const ModeSenseRequest& request) {
    if (auto wrong = check_selection(view.pages, request)) return tl::unexpected<Sense>(*wrong);
    auto out = header(view, request);
    out.insert(out.end(), view.descriptor.begin(), view.descriptor.end());
    // Page 00h is vendor specific and comes last (SPC-5 7.5.1).
    for (bool vendor : {false, true})
        for (const ModePage& page : view.pages)
            if ((page.code == 0) == vendor && wanted(page, request))
                append_page(out, page, request.control);
    set_data_length(out, request.long_header);
    return out;
}

// ---- MODE SELECT ----

namespace {

// Reads a MODE SELECT parameter list from front to back into the next state. The checks of form
// and of values go together, as the field pointers need the place in the list.
class ModeSelectReader {
  public:
    ModeSelectReader(const DeviceType& type, LunState& state, bool long_header,
                     std::span<const uint8_t> list)
        : type_(type), state_(state), long_header_(long_header), list_(list) {}

    std::optional<Sense> read() {
        if (auto wrong = read_header()) return wrong;
        while (at_ < list_.size())
            if (auto wrong = read_page()) return wrong;
        return std::nullopt;
    }

  private:
    std::optional<Sense> read_header();
    std::optional<Sense> apply_header(size_t descriptor_bytes, uint16_t length_field);
    Sense sense_of(const ModeFault& fault, size_t part_at) const;
    std::optional<Sense> read_descriptor(size_t length, bool long_lba, uint16_t length_field);
    std::optional<Sense> read_page();
    std::optional<Sense> read_values(ModePage& page, size_t length);
    bool takes_length(const ModePage& page, size_t length) const {
        return length == page.current.size() ||
               (type_.mode_rules.takes_length && type_.mode_rules.takes_length(page, length));
    }
    size_t left() const { return list_.size() - at_; }
    Sense invalid(size_t offset, int8_t bit = -1) const {
        return sense::invalid_field_in_parameters(uint16_t(at_ + offset), bit);
    }

    const DeviceType& type_;
    LunState& state_;
    const bool long_header_;
    const std::span<const uint8_t> list_;
    size_t at_ = 0;
};

// MODE DATA LENGTH is reserved here and WP, DPOFUA are ignored (SPC-5 7.5.6, SBC-4 6.5.1):
// initiators send back what MODE SENSE gave them.
std::optional<Sense> ModeSelectReader::read_header() {
    const size_t size = header_bytes(long_header_);
    if (list_.size() < size) return sense::parameter_list_length_error();
    const size_t medium_type = long_header_ ? 2 : 1;
    if (type_.mode_rules.select_header) {
        at_ = size;
        return long_header_ ? apply_header(wire::load_be<2>(&list_[6]), 6)
                            : apply_header(list_[3], 3);
    }
    if (list_[medium_type] != 0) return invalid(medium_type);
    const bool long_lba = long_header_ && (list_[4] & 1);
    const size_t descriptors = long_header_ ? wire::load_be<2>(&list_[6]) : list_[3];
    at_ = size;
    return read_descriptor(descriptors, long_lba, long_header_ ? 6 : 3);
}

// The device type takes header and descriptor.
std::optional<Sense> ModeSelectReader::apply_header(size_t descriptor_bytes,
                                                    uint16_t length_field) {
    if (descriptor_bytes != 0 && descriptor_bytes != short_descriptor)
        return sense::invalid_field_in_parameters(length_field);
    if (left() < descriptor_bytes) return sense::parameter_list_length_error();
    const size_t medium_type = long_header_ ? 2 : 1;
    const ModeHeader header{list_[medium_type], list_[medium_type + 1],
                            list_.subspan(at_, descriptor_bytes)};
    if (auto fault = type_.mode_rules.select_header(state_, header)) return sense_of(*fault, at_);
    at_ += descriptor_bytes;
    return std::nullopt;
}

Sense ModeSelectReader::sense_of(const ModeFault& fault, size_t part_at) const {
    const size_t medium_type = long_header_ ? 2 : 1;
    if (fault.part == ModeFault::Part::medium_type) part_at = medium_type;
    if (fault.part == ModeFault::Part::device_specific) part_at = medium_type + 1;
    return sense::invalid_field_in_parameters(uint16_t(part_at + fault.byte), fault.bit);
}

// One descriptor, with the values in force; as number of blocks zero or all ones will do, too
// (SBC-4 6.5.2).
std::optional<Sense> ModeSelectReader::read_descriptor(size_t length, bool long_lba,
                                                       uint16_t length_field) {
    if (length == 0) return std::nullopt;
    const auto now = type_.block_descriptor(state_, long_lba);
    if (length != now.size()) return sense::invalid_field_in_parameters(length_field);
    if (left() < length) return sense::parameter_list_length_error();
    const auto given = list_.subspan(at_, length);
    const size_t count_bytes = long_lba ? 8 : 4;
    auto all = [&](uint8_t value) {
        return std::all_of(given.begin(), given.begin() + ptrdiff_t(count_bytes),
                           [value](uint8_t byte) { return byte == value; });
    };
    const bool any_count = all(0) || all(0xff);
    if (!any_count &&
        !std::equal(given.begin(), given.begin() + ptrdiff_t(count_bytes), now.begin()))
        return invalid(0);
    for (size_t i = count_bytes; i < length; ++i)
        if (given[i] != now[i]) return invalid(i);
    at_ += length;
    return std::nullopt;
}

// SPC-5 7.5.8
std::optional<Sense> ModeSelectReader::read_page() {
    if (left() < 2) return sense::parameter_list_length_error();
    const uint8_t first = list_[at_];
    const bool sub = (first & subpage_format) != 0;
    const size_t head = sub ? 4 : 2;
    if (left() < head) return sense::parameter_list_length_error();
    if (first & 0x80) return invalid(0, 7);  // PS is reserved here
    ModePage* page = state_.mode_page(first & 0x3f, sub ? list_[at_ + 1] : 0);
    // A subpage 00h has no long form.
    if (!page || (sub && page->subcode == 0)) return invalid(sub ? 1 : 0, sub ? -1 : 5);
    const size_t length = sub ? wire::load_be<2>(&list_[at_ + 2]) : list_[at_ + 1];
    if (!takes_length(*page, length)) return invalid(sub ? 2 : 1);
    if (left() < head + length) return sense::parameter_list_length_error();
    at_ += head;
    return read_values(*page, length);
}

std::optional<Sense> ModeSelectReader::read_values(ModePage& page, size_t length) {
    for (size_t i = 0; i < page.current.size(); ++i) {
        const uint8_t given = i < length ? list_[at_ + i] : 0;
        const uint8_t mask = i < page.changeable.size() ? page.changeable[i] : 0;
        const uint8_t wrong = uint8_t((given ^ page.current[i]) & ~mask);
        if (wrong != 0) return invalid(i, int8_t(std::bit_width(wrong) - 1));
        page.current[i] = given;
    }
    if (type_.mode_rules.selected)
        if (auto fault = type_.mode_rules.selected(state_, page)) return sense_of(*fault, at_);
    at_ += length;
    return std::nullopt;
}

}  // namespace

Result<LunState, Sense> mode_select(const DeviceType& type, const LunState& now, bool long_header,
                                    std::span<const uint8_t> list) {
    LunState next = now;
    if (list.empty()) return next;  // SPC-5 6.13: not an error
    if (auto wrong = ModeSelectReader(type, next, long_header, list).read())
        return tl::unexpected<Sense>(*wrong);
    return next;
}

// ---- tgtadm ----

namespace {

Result<std::vector<unsigned>> parse_fields(std::string_view text) {
    std::vector<unsigned> fields;
    while (!text.empty()) {
        const size_t colon = std::min(text.find(':'), text.size());
        const auto field = text.substr(0, colon);
        auto value = parse_number(field, fields.size() == 2 ? max_long_page : 0xff);
        if (!value)
            return fail(EINVAL, "mode_page: '" + std::string(field) + "' is not a number in range");
        fields.push_back(unsigned(*value));
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    if (fields.size() < 3) return fail(EINVAL, "mode_page needs page:subpage:length:bytes");
    return fields;
}

// The place of a page in the order of code, then subcode.
auto place_of(std::vector<ModePage>& pages, uint8_t code, uint8_t subcode) {
    return std::lower_bound(pages.begin(), pages.end(), std::pair(code, subcode),
                            [](const ModePage& page, const std::pair<uint8_t, uint8_t>& key) {
                                return std::pair(page.code, page.subcode) < key;
                            });
}

std::optional<std::string> wrong_page(const std::vector<unsigned>& fields) {
    const size_t given = fields.size() - 3;
    if (fields[0] >= all_pages || fields[1] == all_subpages)
        return "mode_page: there is no such page to set";
    if (fields[1] == 0 && fields[2] > max_short_page)
        return "mode_page: a page without subpage has at most 255 bytes";
    if (given > fields[2])
        return "mode_page: " + std::to_string(given) + " bytes are given for a page of " +
               std::to_string(fields[2]);
    return std::nullopt;
}

}  // namespace

Result<std::vector<ModePage>> replace_mode_page(const std::vector<ModePage>& pages,
                                                std::string_view text) {
    auto fields = parse_fields(text);
    if (!fields) return tl::unexpected<Error>(fields.error());
    if (auto wrong = wrong_page(*fields)) return fail(EINVAL, *wrong);
    const auto code = uint8_t((*fields)[0]), subcode = uint8_t((*fields)[1]);
    std::vector<uint8_t> bytes(fields->begin() + 3, fields->end());
    bytes.resize((*fields)[2]);
    auto result = pages;
    auto place = place_of(result, code, subcode);
    if (place == result.end() || place->code != code || place->subcode != subcode) {
        place = result.insert(place, ModePage{});
        place->code = code;
        place->subcode = subcode;
    }
    place->current = place->defaults = bytes;
    place->changeable.resize(bytes.size());
    return result;
}

// ---- handlers ----

namespace {

constexpr uint8_t mode_sense_10 = 0x5a;

Outcome run_mode_sense(Command& command) {
    auto data =
        mode_sense_data(command.shard->unit.type(), command.state(), mode_sense_request(command));
    if (!data) return data.error();
    return command.reply(*data, command.extents.bytes);
}

LunChange select_change(const DeviceType& type, const LunState& now, bool long_header,
                        const std::vector<uint8_t>& list, const NexusId& nexus) {
    LunChange change;
    auto next = mode_select(type, now, long_header, list);
    if (!next) {
        change.outcome = next.error();
    } else if (*next != now) {
        change.next = std::make_shared<LunState>(std::move(*next));
        change.attentions.push_back({ua::mode_parameters_changed, std::nullopt, nexus});
    }
    return change;
}

Step start_mode_select(Command& command, bool long_header) {
    const bool page_format = (command.cdb[1] & 0x10) != 0;
    auto list = command.parameter_list();
    if (!page_format) {
        command.outcome = sense::invalid_field_in_cdb(1, 4);
        return Step::done;
    }
    if (list.size() < command.out_total) {
        command.outcome = sense::parameter_list_length_error();
        return Step::done;
    }
    const DeviceType& type = command.shard->unit.type();
    return change_state(command, [&type, long_header, list = std::move(list),
                                  nexus = command.nexus->id()](const LunState& now) {
        return select_change(type, now, long_header, list, nexus);
    });
}

}  // namespace

ModeSenseRequest mode_sense_request(const Command& command) {
    const auto& cdb = command.cdb;
    ModeSenseRequest request;
    request.long_header = cdb[0] == mode_sense_10;
    request.long_lba = request.long_header && (cdb[1] & 0x10);
    request.no_descriptors = (cdb[1] & 0x08) != 0;
    request.control = cdb[2] >> 6;
    request.page = cdb[2] & 0x3f;
    request.subpage = cdb[3];
    return request;
}

Outcome run_mode_sense_6(Command& command) {
    return run_mode_sense(command);
}
Outcome run_mode_sense_10(Command& command) {
    return run_mode_sense(command);
}
Step start_mode_select_6(Command& command) {
    return start_mode_select(command, false);
}
Step start_mode_select_10(Command& command) {
    return start_mode_select(command, true);
}

}  // namespace tgt::scsi
