// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/line_reader.h"

namespace tgt::config {

// One file on its way into logical lines: what is open at the end of a line (a comment, a continued
// line, a here-document) ends with the file. Lives while the file is read.
class FileScan {
  public:
    using Problem = std::optional<Diagnostic>;

    FileScan(LineReader& reader, const std::string& name);

    Problem line(std::string_view text);
    Problem end();

  private:
    struct Document {
        SourceLine key;
        std::string marker;
        std::vector<std::pair<std::string, Position>> lines;
    };

    void document_line(std::string_view text);
    void close_document(std::string_view indent);
    bool comment(SourceLine& line);
    void closing_comment(SourceLine& line);
    bool opens_document(const SourceLine& line);
    Problem complete(SourceLine line);
    Problem plain(SourceLine line);
    void push(SourceLine line);
    void empty_block(SourceLine line);
    Diagnostic problem(const Position& at, std::string what, std::string advice) const;

    LineReader& reader_;
    Position here_;  // the beginning of the current line
    std::string folder_;
    bool in_comment_ = false;
    Position comment_at_;
    std::optional<Document> document_;
    SourceLine continued_;
};

}  // namespace tgt::config
