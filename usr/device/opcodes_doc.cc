// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/opcodes_doc.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "scsi/device_type.h"

namespace tgt::scsi {

namespace {

constexpr std::string_view direction_text[] = {"-", "in", "out", "both"};
constexpr std::string_view reservation_text[] = {"always", "status", "read", "write"};

std::string code(const OpRow& row) {
    if (row.service_action < 0) return fmt::format("{:02X}h", row.opcode);
    return fmt::format("{:02X}h/{:02X}h", row.opcode, unsigned(row.service_action));
}

std::string usage(const OpRow& row) {
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(row.cdb_length, row.usage.size()); ++i)
        text += fmt::format("{}{:02X}", i ? " " : "", row.usage[i]);
    return text;
}

std::string notes(const OpRow& row) {
    struct Note {
        uint16_t flag;
        std::string_view text;
    };
    constexpr Note all[] = {
        {op_writes, "writes"},
        {op_thin_only, "thin provisioned only"},
        {op_zero_is_rest, "0 blocks = to the end"},
        {op_not_ready, "also when not ready"},
        {op_with_unit_attention, "also with a unit attention"},
    };
    std::string text;
    for (const Note& note : all)
        if (row.flags & note.flag) text += fmt::format("{}{}", text.empty() ? "" : ", ", note.text);
    return text;
}

std::string table(const DeviceType& type) {
    std::vector<OpRow> rows(type.ops().rows().begin(), type.ops().rows().end());
    std::stable_sort(rows.begin(), rows.end(), [](const OpRow& a, const OpRow& b) {
        return std::pair(a.opcode, a.service_action) < std::pair(b.opcode, b.service_action);
    });
    std::string text = fmt::format("\n## {} (peripheral device type {:02X}h): {} commands\n\n",
                                   type.name, type.peripheral_type, rows.size());
    text += "| code | command | data | reservation class | CDB usage data | notes |\n";
    text += "|---|---|---|---|---|---|\n";
    for (const OpRow& row : rows)
        text += fmt::format("| {} | {} | {} | {} | `{}` | {} |\n", code(row), row.name,
                            direction_text[size_t(row.direction)],
                            reservation_text[size_t(row.reservation)], usage(row), notes(row));
    return text;
}

std::string passed_through(const DeviceType& type) {
    return fmt::format(
        "\n## {} ({})\n\nEvery CDB goes to the device: it says itself what it supports.\n",
        type.name, type.shown);
}

}  // namespace

std::string opcodes_document() {
    std::string text =
        "# SCSI commands by device type\n\n"
        "Made from the op tables; `tests/unit/device` compares it with them "
        "(`UPDATE_DOC=1` rewrites it). CDB usage data is what REPORT SUPPORTED OPERATION CODES "
        "says: a bit that is not set must be zero in the CDB.\n";
    for (const DeviceType* type : device_types())
        text += type->passes_through() ? passed_through(*type) : table(*type);
    return text;
}

}  // namespace tgt::scsi
