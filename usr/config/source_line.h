// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/position.h"

namespace tgt::config {

// White space as Perl's \s has it for bytes.
constexpr std::string_view blanks = " \t\n\r\f\v";
inline bool is_blank(char c) {
    return blanks.find(c) != std::string_view::npos;
}

std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);
inline std::string_view trim(std::string_view text) {
    return trim_left(trim_right(text));
}

// Text made of pieces of a file, which knows for each byte where it came from. Plain value.
class SourceLine {
  public:
    SourceLine() = default;
    SourceLine(std::string text, Position at) : text_(std::move(text)), map_{{0, std::move(at)}} {}

    const std::string& text() const { return text_; }
    bool empty() const { return text_.empty(); }
    void append(const SourceLine& more);
    void erase(size_t begin, size_t end);
    void trim();
    void trim_left();
    // Of the byte at `offset`, or behind the last one.
    Position at(size_t offset) const;

  private:
    struct Piece {
        size_t begin;  // offset in the text
        Position at;
    };

    std::string text_;
    std::vector<Piece> map_;  // by offset
};

}  // namespace tgt::config
