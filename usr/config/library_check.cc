// SPDX-License-Identifier: GPL-2.0-or-later
// A <library> block, checked.
#include <set>

#include "base/text.h"
#include "config/target_check.h"

namespace tgt::config {

namespace {

constexpr std::string_view block_name = "library";

// A value that has been looked at.
void put(Library& library, const std::string& name, const std::string& value) {
    const uint64_t number = parse_number(value).value_or(0);
    if (name == "lun") library.first_lun = number;
    if (name == "drives") library.drives = unsigned(number);
    if (name == "slots") library.slots = unsigned(number);
    if (name == "ports") library.ports = unsigned(number);
    if (name == "media") library.media = value;
    if (name == "personality") library.personality = value;
    if (name == "drive-personality") library.drive_personality = value;
}

// Null: it cannot be used, and that has been said.
const Directive* row_of(const Entry& entry, const Speaker& say) {
    const Directive* row = find_directive(entry.key, in_library);
    if (entry.block) {
        if (row)
            say.multiple(entry.key, block_name, entry.at);
        else
            say.unknown_block(*entry.block, in_library);
        return nullptr;
    }
    if (!row) {
        say.unknown(entry, in_library);
        return nullptr;
    }
    if (!entry.value || entry.value->empty()) {
        say.missing_value(entry.key, entry.at);
        return nullptr;
    }
    if (row->name == "media" && !personality_for(*entry.value)) {
        say.error(entry.value_at, "there is no medium '" + *entry.value + "'",
                  "write one of LTO-1 to LTO-9");
        return nullptr;
    }
    return say.value_is_good(*row, *entry.value, entry.value_at) ? row : nullptr;
}

std::string without_slashes(std::string folder) {
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    return folder;
}

}  // namespace

std::optional<Library> check_library(const Entry& entry, uint64_t next_lun, const Speaker& say) {
    if (!entry.block) {
        say.error(entry.at, "'library' is a block", "write <library FOLDER> ... </library>");
        return {};
    }
    const auto& folder = entry.block->argument;
    if (!folder || folder->empty()) {
        say.missing_value(entry.key, entry.at);
        return {};
    }
    if (const auto fault = folder_fault(*folder); !fault.empty()) {
        say.error(entry.at, "the folder of a library is wrong: " + std::string(fault),
                  "correct it");
        return {};
    }
    Library out;
    out.folder = without_slashes(*folder);
    out.first_lun = next_lun;
    std::set<std::string> seen;
    for (const Entry& line : entry.block->entries) {
        const Directive* row = row_of(line, say);
        if (row && !seen.insert(line.key).second)
            say.multiple(line.key, block_name, line.at);
        else if (row)
            put(out, line.key, *line.value);
    }
    return out;
}

}  // namespace tgt::config
