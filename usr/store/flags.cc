// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/core.h>

#include <array>

#include "store/store.h"

namespace tgt::store {

namespace {

struct FlagWord {
    std::string_view word;
    bool OpenFlags::*flag;
};
constexpr std::array<FlagWord, 2> flag_words = {{
    {"sync", &OpenFlags::sync},
    {"direct", &OpenFlags::direct},
}};

// The next word of a list separated by colons; `text` keeps the rest.
std::string_view cut_word(std::string_view& text) {
    size_t colon = text.find(':');
    std::string_view word = text.substr(0, colon);
    text = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    return word;
}

bool honours(const Engine& engine, std::string_view word) {
    for (std::string_view left = engine.flags; !left.empty();)
        if (cut_word(left) == word) return true;
    return false;
}

bool OpenFlags::*flag_named(std::string_view word) {
    for (const FlagWord& one : flag_words)
        if (one.word == word) return one.flag;
    return nullptr;
}

}  // namespace

Result<OpenFlags> parse_flags(const Engine& engine, std::string_view text) {
    OpenFlags flags;
    if (!text.empty() && text.back() == ':')
        return fail(EINVAL, fmt::format("'{}' ends in a colon", text));
    while (!text.empty()) {
        std::string_view word = cut_word(text);
        bool OpenFlags::*flag = flag_named(word);
        if (!flag)
            return fail(
                EINVAL,
                fmt::format("'{}' is not a backing-store flag: use sync, direct or sync:direct",
                            word));
        if (!honours(engine, word))
            return fail(EINVAL,
                        fmt::format("the backing-store type '{}' does not know the flag '{}'{}",
                                    engine.name, word,
                                    engine.flags.empty() ? std::string(": it has none")
                                                         : fmt::format(": use {}", engine.flags)));
        flags.*flag = true;
    }
    return flags;
}

std::string flags_text(const OpenFlags& flags) {
    std::string text;
    for (const FlagWord& one : flag_words) {
        if (!(flags.*one.flag)) continue;
        if (!text.empty()) text += ':';
        text += one.word;
    }
    return text;
}

}  // namespace tgt::store
