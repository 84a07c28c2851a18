// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/log_pages.h"

#include <algorithm>

#include "scsi/logical_unit.h"
#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr uint8_t all_subpages = 0xff;
constexpr uint8_t subpage_format = 0x40;  // SPF
constexpr uint8_t cumulative_values = 1;  // PC
constexpr size_t parameter_header = 4;

// SPC-4 7.3.2
Outcome reply_page(Command& command, uint8_t code, uint8_t subcode,
                   const std::vector<uint8_t>& body) {
    std::vector<uint8_t> page = {uint8_t(code | (subcode ? subpage_format : 0)), subcode,
                                 uint8_t(body.size() >> 8), uint8_t(body.size())};
    page.insert(page.end(), body.begin(), body.end());
    return command.reply(page, command.extents.bytes);
}

// Pages 00h are lists without parameters: PC does not matter, no parameter can be pointed at.
Outcome run_supported_pages(Command& command, uint8_t subcode, uint16_t pointer) {
    if (subcode != 0 && subcode != all_subpages) return sense::invalid_field_in_cdb(3);
    if (pointer != 0) return sense::invalid_field_in_cdb(5);
    auto pages = command.shard->unit.type().log_pages;
    return reply_page(command, 0, subcode,
                      subcode ? supported_log_subpages(pages) : supported_log_pages(pages));
}

}  // namespace

std::vector<uint8_t> supported_log_pages(std::span<const LogPage> pages) {
    std::vector<uint8_t> codes = {0x00};
    for (const LogPage& page : pages)
        if (page.code != codes.back()) codes.push_back(page.code);
    return codes;
}

std::vector<uint8_t> supported_log_subpages(std::span<const LogPage> pages) {
    std::vector<uint8_t> codes = {0x00, 0x00, 0x00, all_subpages};
    for (const LogPage& page : pages) codes.insert(codes.end(), {page.code, page.subcode});
    return codes;
}

std::vector<uint8_t> parameters_from(std::span<const uint8_t> parameters, uint16_t pointer) {
    std::vector<uint8_t> kept;
    while (parameters.size() >= parameter_header) {
        const size_t length = std::min(parameters.size(), parameter_header + parameters[3]);
        const auto parameter = parameters.first(length);
        if (wire::load_be<2>(parameter.data()) >= pointer)
            kept.insert(kept.end(), parameter.begin(), parameter.end());
        parameters = parameters.subspan(length);
    }
    return kept;
}

Outcome run_log_sense(Command& command) {
    const uint8_t control = command.cdb[2] >> 6, code = command.cdb[2] & 0x3f;
    const uint8_t subcode = command.cdb[3];
    const uint16_t pointer = wire::load_be<2>(&command.cdb[5]);
    if (code == 0) return run_supported_pages(command, subcode, pointer);
    bool code_known = false;
    for (const LogPage& page : command.shard->unit.type().log_pages) {
        code_known = code_known || page.code == code;
        if (page.code != code || page.subcode != subcode) continue;
        // There are no thresholds, and nothing that could go back to a default.
        if (control != cumulative_values) return sense::invalid_field_in_cdb(2, 7);
        std::vector<uint8_t> all;
        page.build(command, all);
        auto kept = parameters_from(all, pointer);
        if (kept.empty() && pointer != 0) return sense::invalid_field_in_cdb(5);
        return reply_page(command, code, subcode, kept);
    }
    return code_known ? sense::invalid_field_in_cdb(3) : sense::invalid_field_in_cdb(2, 5);
}

}  // namespace tgt::scsi
