// SPDX-License-Identifier: GPL-2.0-or-later
// The directives in the manual page are those of the table. UPDATE_DOC=1 writes them there.
#include "config/directives.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tgt::config {
namespace {

constexpr const char* page = "doc/man/targets.conf.5";
constexpr std::string_view end_mark = ".\\\" end\n";

std::string begin_mark(std::string_view section) {
    return ".\\\" " + std::string(section) + ": made from usr/config/directives.cc\n";
}

// mdoc wants each sentence on a line of its own, and a backslash is its own.
std::string sentences(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool ends =
            text.substr(i, 2) == ". " && i + 2 < text.size() &&
            (std::isupper(static_cast<unsigned char>(text[i + 2])) || text[i + 2] == '$');
        out += text[i] == '\\' ? "\\e" : std::string(1, text[i]);
        if (!ends) continue;
        out += '\n';
        ++i;
    }
    return out + "\n";
}

// A directive stands in the section of the outermost block that it is about.
std::string items(uint8_t levels) {
    std::string out;
    for (const Directive& row : directives()) {
        if (row.levels != levels) continue;
        out += ".It Cm " + std::string(row.name) + "\n" + sentences(row.about);
        if (row.extension) out += "Not in tgt.\n";
    }
    return out;
}

std::string read_page() {
    std::ostringstream text;
    text << std::ifstream(page).rdbuf();
    return text.str();
}

// The page with its lists made anew.
std::string renewed(std::string text) {
    const std::pair<std::string_view, uint8_t> sections[] = {{"global", in_global},
                                                             {"target", in_target},
                                                             {"library", in_library},
                                                             {"unit", in_target | in_unit}};
    for (const auto& [name, levels] : sections) {
        const std::string mark = begin_mark(name);
        const size_t begin = text.find(mark);
        EXPECT_NE(begin, std::string::npos) << name;
        if (begin == std::string::npos) continue;
        const size_t first = begin + mark.size();
        text.replace(first, text.find(end_mark, first) - first, items(levels));
    }
    return text;
}

TEST(Manual, has_every_directive_as_the_table_says_it) {
    const std::string text = read_page();
    ASSERT_FALSE(text.empty()) << "run this test in the tree's folder";
    const std::string wanted = renewed(text);
    if (std::getenv("UPDATE_DOC")) std::ofstream(page) << wanted;
    EXPECT_EQ(read_page(), wanted) << "UPDATE_DOC=1 writes it";
}

TEST(Manual, every_directive_is_in_one_of_the_sections) {
    size_t found = 0;
    for (const Directive& row : directives()) {
        EXPECT_FALSE(row.about.empty()) << row.name;
        found += row.levels == in_global || row.levels == in_target || row.levels == in_library ||
                 row.levels == (in_target | in_unit);
    }
    EXPECT_EQ(found, directives().size());
}

}  // namespace
}  // namespace tgt::config
