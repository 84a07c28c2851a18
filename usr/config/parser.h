// SPDX-License-Identifier: GPL-2.0-or-later
// The syntax of targets.conf, which is that of Perl's Config::General with the options that tgt's
// tgt-admin gives it: blocks, `key value` and `key = value`, quotes, # and C comments, continued
// lines, here-documents, include. Text to tree; what the names mean is targets_conf.h's business.
// Differences from Config::General are listed in tests/contract/config_general.py.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/files.h"
#include "config/position.h"

namespace tgt::config {

struct Block;

// One line of a block: a key with or without a value, or a block of its own.
struct Entry {
    std::string key;                   // of a block: its name
    std::optional<std::string> value;  // nothing: the key stands alone ("key =" has an empty value)
    Position at;                       // of the key, or of the block's "<"
    Position value_at;                 // of the value; of the key when there is none
    std::unique_ptr<Block> block;      // null: key and value
};

// "<name argument> entries </name>". A block that comes again in the same block (same name, same
// argument) continues the first one.
struct Block {
    std::string name;                     // empty: the whole configuration
    std::optional<std::string> argument;  // nothing: "<name>"
    Position at;
    std::vector<Entry> entries;  // in the order of the files
};

struct Tree {
    Block root;
    std::vector<Diagnostic> warnings;
    std::vector<std::string> files;  // in the order in which they were read
};

constexpr unsigned max_include_depth = 32;
constexpr unsigned max_block_depth = 32;
constexpr size_t max_config_bytes = size_t(64) << 20;  // of all files together

// The file and all that it includes. A relative include is looked for in the folder of `path` (in
// the working directory when `path` is relative), then beside the including file. A file is read
// once; naming it again, in a circle too, is a warning. A directory stands for its files.
Result<Tree, Diagnostic> parse_file(Files& files, const std::string& path);

// The same for a text that is in memory; `name` is what positions say, and where includes start.
Result<Tree, Diagnostic> parse_text(Files& files, std::string_view text, const std::string& name);

}  // namespace tgt::config
