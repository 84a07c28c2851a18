// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/writer.h"

#include <gtest/gtest.h>

#include "config/parser.h"

namespace tgt::config {
namespace {

using namespace std::string_literals;

std::string read_back(const std::string& text) {
    MemoryFiles none;
    const auto tree = parse_text(none, "before x\n" + text + "after x\n", "t.conf");
    if (!tree) return "refused: " + tree.error().text();
    if (tree->root.entries.size() != 3 || tree->root.entries[1].key != "key")
        return "not one entry";
    return tree->root.entries[1].value.value_or("no value");
}

TEST(Writer, APlainValueIsWrittenAsItIs) {
    EXPECT_EQ(write_entry("\t", "backing-store", "/dev/sdb"), "\tbacking-store /dev/sdb\n");
    EXPECT_EQ(write_block_start("", "target", "iqn.2001-04.x:y"), "<target iqn.2001-04.x:y>\n");
}

TEST(Writer, EveryValueReadsBack) {
    for (const std::string& value :
         {"a"s,   ""s,       " a "s,    "a#b"s,      "\\"s,   "a\\"s,      "\"a\""s,
          "\""s,  "a\nb"s,   "\n"s,     "a\r"s,      "= a"s,  "<<EOF"s,    "/* a */"s,
          "*/"s,  "${tid}"s, "\\#"s,    "END\nEND"s, "a\tb"s, "\xff\xfe"s, "#"s,
          "'a'"s, " \n "s,   "<a b/>"s, "a=b"s,      "\v\f"s})
        EXPECT_EQ(read_back(write_entry("  ", "key", value).value_or("none\n")), value);
}

TEST(Writer, EveryValueOfThreeOddBytesReadsBack) {
    const std::string odd = "a \n\r\t\\\"#$=<>/*'0E";
    for (char a : odd)
        for (char b : odd)
            for (char c : odd) {
                const std::string value{a, b, c};
                if (value.find("\r\n") != std::string::npos) continue;  // no text says it
                ASSERT_EQ(read_back(write_entry("", "key", value).value_or("none\n")), value);
            }
}

TEST(Writer, ArgumentsReadBack) {
    for (const std::string& argument :
         {"/dev/sdb"s, "a b"s, " a "s, "/d/"s, "a#b"s, "a=b"s, "#"s}) {
        MemoryFiles none;
        const auto start = write_block_start(" ", "target", argument);
        ASSERT_TRUE(start) << argument;
        const auto tree = parse_text(none, *start + "</target>\n", "t.conf");
        ASSERT_TRUE(tree) << argument;
        EXPECT_EQ(tree->root.entries.at(0).block->argument, argument);
    }
}

TEST(Writer, SaysWhenThereIsNoText) {
    EXPECT_FALSE(write_entry("", "key", "a\0b"s));
    EXPECT_FALSE(write_entry("", "key", "a\r\nb"));
    EXPECT_FALSE(write_entry("", "", "a"));
    EXPECT_FALSE(write_entry("", "two words", "a"));
    EXPECT_FALSE(write_block_start("", "target", "a\nb"));
    EXPECT_FALSE(write_block_start("", "target", "a\"b"));
    EXPECT_FALSE(write_block_start("", "target", ""));
}

}  // namespace
}  // namespace tgt::config
