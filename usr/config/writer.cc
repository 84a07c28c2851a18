// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/writer.h"

#include "config/source_line.h"

namespace tgt::config {

namespace {

constexpr std::string_view special = "\\\"#$";

std::string escaped(std::string_view value) {
    std::string out;
    for (char c : value) {
        if (special.find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

// Also: what a line would not keep as it is.
bool needs_quotes(std::string_view value) {
    return value.empty() || is_blank(value.front()) || is_blank(value.back()) ||
           value.front() == '=';
}

// What would be a comment, or the beginning of a here-document, even in quotes.
bool needs_document(std::string_view value) {
    return value.find_first_of("\n\r") != std::string_view::npos ||
           value.find("/*") != std::string_view::npos ||
           value.find("*/") != std::string_view::npos || value.find("<<") != std::string_view::npos;
}

std::string document(std::string_view indent, std::string_view key, std::string_view value) {
    std::string marker = "END";
    while (value.find(marker) != std::string_view::npos) marker += "_END";
    std::string out(indent);
    out += key;
    return out + " <<" + marker + "\n\"" + escaped(value) + "\"\n" + marker + "\n";
}

bool is_word(std::string_view key) {
    return !key.empty() && key.find_first_of(" \t\n\r\f\v=#<>\\\"'/*") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> write_entry(std::string_view indent, std::string_view key,
                                       std::string_view value) {
    if (!is_word(key) || value.find('\0') != std::string_view::npos ||
        value.find("\r\n") != std::string_view::npos)
        return {};
    if (needs_document(value)) return document(indent, key, value);
    std::string out(indent);
    out += key;
    const std::string text = escaped(value);
    return out + ' ' + (needs_quotes(value) ? '"' + text + '"' : text) + '\n';
}

std::optional<std::string> write_block_start(std::string_view indent, std::string_view name,
                                             std::string_view argument) {
    constexpr std::string_view impossible("\n\r\"\\\0", 5);
    if (!is_word(name) || argument.empty() ||
        argument.find_first_of(impossible) != std::string_view::npos || needs_document(argument))
        return {};
    std::string text;
    for (char c : argument) text += c == '#' ? "\\#" : std::string(1, c);
    std::string out(indent);
    out += '<';
    out += name;
    const bool plain =
        !is_blank(argument.front()) && !is_blank(argument.back()) && argument.back() != '/';
    return out + ' ' + (plain ? text : '"' + text + '"') + ">\n";
}

}  // namespace tgt::config
