// SPDX-License-Identifier: GPL-2.0-or-later
// config-tree [--rewrite SUFFIX] FILE...: prints what the parser makes of each file, one JSON value
// a line, in the shape of Config::General's hashes (config_general.pl prints the same for that).
// With --rewrite it writes the tree to FILE + SUFFIX as text again.
// config-tree --directives: prints the table of directives.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "config/directives.h"
#include "config/parser.h"
#include "config/writer.h"

namespace {

using namespace tgt::config;
using Json = nlohmann::json;

// What Config::General cannot put into one hash.
struct Conflict {
    std::string reason;
};

// Bytes as characters of Latin-1, as Perl sees them.
std::string characters(const std::string& bytes) {
    std::string out;
    for (unsigned char c : bytes) {
        if (c < 0x80) {
            out += char(c);
        } else {
            out += char(0xc0 | c >> 6);
            out += char(0x80 | (c & 0x3f));
        }
    }
    return out;
}

void add_entries(Json& hash, const Block& block);

// A key that comes again makes an array.
void add_value(Json& hash, const std::string& key, Json value) {
    if (!hash.contains(key)) {
        hash[key] = std::move(value);
        return;
    }
    Json& there = hash[key];
    if (!there.is_array()) there = Json::array({std::move(there)});
    there.push_back(std::move(value));
}

Json& hash_for(Json& parent, const std::string& key) {
    if (!parent.contains(key)) parent[key] = Json::object();
    if (!parent[key].is_object()) throw Conflict{"<" + key + "> is a value already"};
    return parent[key];
}

void add_block(Json& hash, const Block& block) {
    Json* inner = &hash_for(hash, characters(block.name));
    if (block.argument) inner = &hash_for(*inner, characters(*block.argument));
    add_entries(*inner, block);
}

void add_entries(Json& hash, const Block& block) {
    for (const Entry& entry : block.entries) {
        if (entry.block)
            add_block(hash, *entry.block);
        else
            add_value(hash, characters(entry.key),
                      entry.value ? Json(characters(*entry.value)) : Json());
    }
}

Json shaped(const tgt::Result<Tree, Diagnostic>& tree) {
    if (!tree) return {{"error", tree.error().text()}};
    Json hash = Json::object();
    try {
        add_entries(hash, tree->root);
    } catch (const Conflict& conflict) {
        return {{"error", conflict.reason}};
    }
    return {{"tree", hash}};
}

std::optional<std::string> written(const Entry& entry, const std::string& indent);

std::optional<std::string> written(const Block& block, const std::string& indent) {
    std::string out;
    for (const Entry& entry : block.entries) {
        const auto text = written(entry, indent);
        if (!text) return {};
        out += *text;
    }
    return out;
}

std::optional<std::string> written(const Entry& entry, const std::string& indent) {
    if (!entry.block)
        return entry.value ? write_entry(indent, entry.key, *entry.value) : std::nullopt;
    const auto inside = written(*entry.block, indent + "    ");
    const auto start = entry.block->argument
                           ? write_block_start(indent, entry.key, *entry.block->argument)
                           : std::nullopt;
    if (!start || !inside) return {};
    return *start + *inside + indent + "</" + entry.key + ">\n";
}

bool rewrite(const tgt::Result<Tree, Diagnostic>& tree, const std::string& path) {
    const auto text = tree ? written(tree->root, "") : std::nullopt;
    if (text) std::ofstream(path, std::ios::binary) << *text;
    return text.has_value();
}

Json directive_table() {
    Json out = Json::array();
    for (const Directive& row : directives())
        out.push_back({{"name", row.name},
                       {"global", (row.levels & in_global) != 0},
                       {"target", (row.levels & in_target) != 0},
                       {"unit", (row.levels & in_unit) != 0},
                       {"to", row.to},
                       {"extension", row.extension}});
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    int first = 1;
    std::string suffix;
    if (argc > 2 && std::string(argv[1]) == "--rewrite") {
        suffix = argv[2];
        first = 3;
    }
    if (argc == 2 && std::string(argv[1]) == "--directives") {
        std::cout << directive_table().dump() << "\n";
        return 0;
    }
    DiskFiles files;
    for (int i = first; i < argc; ++i) {
        const auto tree = parse_file(files, argv[i]);
        Json out = shaped(tree);
        if (!suffix.empty()) out["rewritten"] = rewrite(tree, argv[i] + suffix);
        std::cout << out.dump(-1, ' ', true) << "\n";
    }
    return 0;
}
