// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/files.h"
#include "config/parser.h"
#include "config/source_line.h"

namespace tgt::config {

// A line as the tree is made of: comments are gone, continued lines are one, files stand where they
// are included.
struct LogicalLine {
    enum class Kind {
        plain,     // text is the line, trimmed
        document,  // text is the key, `value` what the here-document says
        end,       // the end of a block that was written <like this/>
    };

    Kind kind = Kind::plain;
    SourceLine text;
    std::string value;
    Position value_at;
};

// Reads files into logical lines. Owns what it has read; used once, for one configuration.
class LineReader {
  public:
    LineReader(Files& files, const std::string& main_path);

    // The first is for the main file, the second for a text that stands for it. Nothing: it is
    // read.
    std::optional<Diagnostic> read_main();
    std::optional<Diagnostic> read_text(std::string_view text);

    std::vector<LogicalLine> lines;
    std::vector<Diagnostic> warnings;
    std::vector<std::string> read_files;

  private:
    using Problem = std::optional<Diagnostic>;
    friend class FileScan;

    struct Include {
        std::string path;
        Position at;
        std::string folder;  // of the including file
        bool optional = false;
    };

    Problem include(const Include& what);
    Problem include_found(const Include& what, const std::string& path);
    Problem include_glob(const Include& what);
    Problem read_file(const std::string& path, const Position& from);
    Problem scan(std::string_view text, const std::string& name);
    std::vector<std::string> candidates(const Include& what) const;

    Files& files_;
    std::string main_path_;
    unsigned depth_ = 0;
    size_t bytes_ = 0;
    std::map<std::string, std::string> seen_;  // identity to path
};

}  // namespace tgt::config
