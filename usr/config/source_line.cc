// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/source_line.h"

#include <algorithm>

namespace tgt::config {

std::string_view trim_left(std::string_view text) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(blanks)));
    return text;
}

std::string_view trim_right(std::string_view text) {
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

void SourceLine::append(const SourceLine& more) {
    for (const Piece& piece : more.map_) map_.push_back({text_.size() + piece.begin, piece.at});
    text_ += more.text_;
}

void SourceLine::erase(size_t begin, size_t end) {
    if (begin >= end) return;
    std::vector<Piece> kept;
    for (const Piece& piece : map_)
        if (piece.begin < begin) kept.push_back(piece);
    kept.push_back({begin, at(end)});
    for (const Piece& piece : map_)
        if (piece.begin > end) kept.push_back({piece.begin - (end - begin), piece.at});
    map_ = std::move(kept);
    text_.erase(begin, end - begin);
}

void SourceLine::trim() {
    erase(config::trim_right(text_).size(), text_.size());
    trim_left();
}

void SourceLine::trim_left() {
    erase(0, text_.size() - config::trim_left(text_).size());
}

Position SourceLine::at(size_t offset) const {
    const Piece* last = nullptr;
    for (const Piece& piece : map_)
        if (!last || piece.begin <= offset) last = &piece;
    if (!last) return {};
    Position out = last->at;
    out.column += unsigned(offset - last->begin);
    return out;
}

}  // namespace tgt::config
