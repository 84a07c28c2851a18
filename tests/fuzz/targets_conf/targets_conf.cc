// SPDX-License-Identifier: GPL-2.0-or-later
// targets.conf: whatever the text, positions lie in it, what is refused has a reason, every entry
// reads back as it was when it is written again, and the checked model holds what it promises.
// Pieces that a form feed and a newline separate are files: "main", then "/f/1", "/f/2", ...
#include "config/targets_conf.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/writer.h"

namespace {

using namespace tgt::config;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_position(const Position& at, size_t size) {
    require(at.line >= 1 && at.line <= size + 1 && at.column >= 1 && at.column <= size + 2);
    require(at.file != nullptr);
}

void check_value(const std::string& value) {
    const auto text = write_entry(" ", "key", value);
    require(text || value.find('\0') != std::string::npos ||
            value.find("\r\n") != std::string::npos);
    if (!text) return;
    MemoryFiles none;
    const auto again = parse_text(none, *text, "again");
    require(again && again->root.entries.size() == 1 && again->root.entries[0].value == value);
}

void check_block(const Block& block, size_t size) {
    for (const Entry& entry : block.entries) {
        check_position(entry.at, size);
        check_position(entry.value_at, size);
        require(!entry.block || !entry.value);
        if (entry.value) check_value(*entry.value);
        if (!entry.block) continue;
        require(entry.block->name == entry.key);
        check_block(*entry.block, size);
        if (!entry.block->argument) continue;
        const auto start = write_block_start("", "target", *entry.block->argument);
        MemoryFiles none;
        const auto again = start ? parse_text(none, *start + "</target>\n", "again") : Tree();
        require(again.has_value());
        require(!start || again->root.entries.at(0).block->argument == entry.block->argument);
    }
}

void check_model(const Config& config) {
    for (const Problem& problem : config.problems) require(!problem.what.problem.empty());
    require(std::is_sorted(config.targets.begin(), config.targets.end(),
                           [](const Target& a, const Target& b) { return a.name < b.name; }));
    for (const Target& target : config.targets) {
        require(!target.name.empty() && config.find_target(target.name) == &target);
        require(std::is_sorted(target.settings.begin(), target.settings.end(),
                               [](const Setting& a, const Setting& b) { return a.name < b.name; }));
        for (const Setting& setting : target.settings) require(setting.directive != nullptr);
        for (const LogicalUnit& unit : target.units) {
            require(!unit.path.empty());
            for (const Setting& setting : unit.settings)
                require((setting.directive->levels & in_unit) != 0 && !setting.value.empty());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    constexpr std::string_view separator = "\f\n";
    MemoryFiles files;
    size_t begin = 0;
    for (int number = 0; begin <= all.size(); ++number) {
        const size_t end = std::min(all.find(separator, begin), all.size());
        files.add(number == 0 ? "/main" : "/f/" + std::to_string(number),
                  std::string(all.substr(begin, end - begin)));
        begin = end + separator.size();
    }
    const auto tree = parse_file(files, "/main");
    if (!tree) {
        require(!tree.error().problem.empty());
        return 0;
    }
    check_block(tree->root, size);
    check_model(check(*tree));
    return 0;
}
