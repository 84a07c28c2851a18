// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/library.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/writer.h"

namespace tgt::config {

namespace {

// As tgtadm has them: element type codes of SMC-3.
constexpr unsigned drive_type = 4;

void put(LogicalUnit& unit, std::string_view name, std::string value) {
    unit.settings.push_back(
        {find_directive(name, in_unit), std::string(name), std::move(value), unit.at, false});
}

LogicalUnit unit_at(uint64_t lun, std::string path, const Position& at) {
    LogicalUnit out;
    out.path = std::move(path);
    out.at = at;
    out.lun = lun;
    out.of_library = true;
    return out;
}

LogicalUnit drive_unit(const Library& library, unsigned index, const Position& at) {
    LogicalUnit out = unit_at(library.first_lun + index,
                              fmt::format("NONE:drive {} of {}", index + 1, library.folder), at);
    put(out, "device-type", "tape");
    put(out, "personality",
        library.drive_personality.empty() ? personality_for(library.media).value_or("")
                                          : library.drive_personality);
    return out;
}

LogicalUnit changer_unit(const Library& library, const Position& at) {
    LogicalUnit out = unit_at(library.first_lun + library.drives, changer_file(library.folder), at);
    put(out, "device-type", "changer");
    if (!library.personality.empty()) put(out, "personality", library.personality);
    put(out, "params", "media_home=" + library.folder);
    put(out, "params",
        fmt::format("arms=1,slots={},ports={},drives={}", library.slots, library.ports,
                    library.drives));
    for (unsigned i = 0; i < library.drives; ++i)
        put(out, "params",
            fmt::format("element_type={},number={},tid=${{tid}},lun={}", drive_type, i + 1,
                        library.first_lun + i));
    return out;
}

}  // namespace

std::string_view folder_fault(std::string_view folder) {
    if (folder.empty() || folder.front() != '/') return "it must be an absolute path";
    if (folder.find(',') != std::string_view::npos) return "it must have no comma";
    return {};
}

std::optional<std::string> personality_for(std::string_view media) {
    constexpr std::string_view family = "LTO-";
    if (media.size() != family.size() + 1 || !equal_any_case(media.substr(0, 4), family))
        return std::nullopt;
    if (media.back() < '1' || media.back() > '9') return std::nullopt;
    return std::string("lto") + media.back();
}

std::string changer_file(std::string_view folder) {
    return std::string(folder) + "/changer";
}

std::vector<LogicalUnit> library_units(const Library& library, const Position& at) {
    std::vector<LogicalUnit> out;
    for (unsigned i = 0; i < library.drives; ++i) out.push_back(drive_unit(library, i, at));
    out.push_back(changer_unit(library, at));
    return out;
}

std::optional<std::string> write_library(std::string_view indent, const Library& library) {
    auto out = write_block_start(indent, "library", library.folder);
    if (!out) return {};
    const std::string inner = std::string(indent) + "\t";
    const auto line = [&](std::string_view key, const std::string& value) {
        const auto text = value.empty() ? std::string() : write_entry(inner, key, value);
        if (out && text)
            *out += *text;
        else
            out.reset();
    };
    line("lun", std::to_string(library.first_lun));
    line("drives", std::to_string(library.drives));
    line("slots", std::to_string(library.slots));
    line("ports", std::to_string(library.ports));
    line("media", library.media);
    if (!library.personality.empty()) line("personality", library.personality);
    if (!library.drive_personality.empty()) line("drive-personality", library.drive_personality);
    if (out) *out += std::string(indent) + "</library>\n";
    return out;
}

}  // namespace tgt::config
