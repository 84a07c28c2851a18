// SPDX-License-Identifier: GPL-2.0-or-later
// Places and refusals; what a text means is compared with Config::General in tests/contract.
#include "config/parser.h"

#include <gtest/gtest.h>

namespace tgt::config {
namespace {

Result<Tree, Diagnostic> parsed(std::string_view text) {
    MemoryFiles none;
    return parse_text(none, text, "t.conf");
}

std::string error_of(std::string_view text) {
    const auto tree = parsed(text);
    return tree ? "" : tree.error().text();
}

TEST(Parser, SaysWhereKeysAndValuesAre) {
    const auto tree = parsed("\n  key   value\nother =  v\n");
    ASSERT_TRUE(tree);
    const auto& entries = tree->root.entries;
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].at.text(), "t.conf:2:3");
    EXPECT_EQ(entries[0].value_at.text(), "t.conf:2:9");
    EXPECT_EQ(entries[1].at.text(), "t.conf:3:1");
    EXPECT_EQ(entries[1].value_at.text(), "t.conf:3:10");
}

TEST(Parser, SaysWhereABlockBegan) {
    const auto tree = parsed("a b\n  <target x>\n    c d\n  </target>\n");
    ASSERT_TRUE(tree);
    const Entry& entry = tree->root.entries.at(1);
    ASSERT_TRUE(entry.block);
    EXPECT_EQ(entry.block->at.text(), "t.conf:2:3");
    EXPECT_EQ(entry.block->name, "target");
    EXPECT_EQ(entry.block->argument, "x");
    EXPECT_EQ(entry.block->entries.at(0).at.text(), "t.conf:3:5");
}

TEST(Parser, FollowsAContinuedLineToTheLineOfTheValue) {
    const auto tree = parsed("key \\\n   value\n");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->root.entries.at(0).value, "value");
    EXPECT_EQ(tree->root.entries.at(0).at.text(), "t.conf:1:1");
    EXPECT_EQ(tree->root.entries.at(0).value_at.text(), "t.conf:2:4");
}

TEST(Parser, CountsTheColumnsOfCommentsToo) {
    const auto tree = parsed("/* x */ key value\n");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->root.entries.at(0).at.text(), "t.conf:1:9");
    EXPECT_EQ(tree->root.entries.at(0).value_at.text(), "t.conf:1:13");
}

TEST(Parser, SaysWhereAHereDocumentBegins) {
    const auto tree = parsed("x y\nkey <<END\n  a\n  b\n  END\n");
    ASSERT_TRUE(tree);
    const Entry& entry = tree->root.entries.at(1);
    EXPECT_EQ(entry.value, "a\nb");
    EXPECT_EQ(entry.at.text(), "t.conf:2:1");
    EXPECT_EQ(entry.value_at.text(), "t.conf:3:1");
}

TEST(Parser, AKeyAloneHasNoValueAndAnEmptyOneIsEmpty) {
    const auto tree = parsed("a\nb =\n");
    ASSERT_TRUE(tree);
    EXPECT_FALSE(tree->root.entries.at(0).value);
    EXPECT_EQ(tree->root.entries.at(1).value, "");
}

TEST(Parser, ABlockThatComesAgainContinuesTheFirst) {
    const auto tree = parsed("<a b>\nc 1\n</a>\n<a z/>\n<a b>\nc 2\n</a>\n");
    ASSERT_TRUE(tree);
    ASSERT_EQ(tree->root.entries.size(), 2u);
    EXPECT_EQ(tree->root.entries[0].block->entries.size(), 2u);
}

TEST(Parser, NothingIsAnEmptyTree) {
    const auto tree = parsed("");
    ASSERT_TRUE(tree);
    EXPECT_TRUE(tree->root.entries.empty());
    EXPECT_EQ(tree->files, std::vector<std::string>{"t.conf"});
}

TEST(Parser, ABlockWithoutAnEndIsRefusedWhereItBegan) {
    EXPECT_EQ(error_of("a b\n <target x>\n<backing-store y>\n</backing-store>\n"),
              "t.conf:2:2: block <target> has no end; add </target>");
}

TEST(Parser, AnEndWithoutABlockIsRefused) {
    EXPECT_EQ(error_of("a b\n  </target>\n").substr(0, 12), "t.conf:2:3: ");
}

TEST(Parser, AHereDocumentWithoutAnEndIsRefusedWhereItBegan) {
    EXPECT_EQ(error_of("a b\n key <<END\n<target x>\n").substr(0, 12), "t.conf:2:2: ");
    EXPECT_NE(error_of("key <<END\n").find("END on a line of its own"), std::string::npos);
}

TEST(Parser, ACommentWithoutAnEndIsRefusedWhereItBegan) {
    EXPECT_EQ(error_of("a b\n  /* c\n<target x>\n").substr(0, 12), "t.conf:2:3: ");
}

TEST(Parser, ANulByteIsRefused) {
    using namespace std::string_view_literals;
    EXPECT_EQ(error_of("a b\nc d\0\n"sv).substr(0, 12), "t.conf:2:4: ");
}

TEST(Parser, AHereDocumentOnAContinuedLineIsRefused) {
    EXPECT_EQ(error_of("a \\\n b <<END\nEND\n").substr(0, 7), "t.conf:");
}

TEST(Parser, BlocksInBlocksHaveABound) {
    std::string text, ends;
    for (unsigned i = 0; i < max_block_depth; ++i) {
        text += "<a b>\n";
        ends += "</a>\n";
    }
    EXPECT_TRUE(parsed(text + ends));
    EXPECT_EQ(error_of(text + "<a b>\n"),
              "t.conf:33:1: blocks are nested more than 32 deep; check "
              "that every block has its end");
}

TEST(Parser, AnEndOfAnotherNameIsAWarning) {
    const auto tree = parsed("<target x>\n</targets>\n");
    ASSERT_TRUE(tree);
    ASSERT_EQ(tree->warnings.size(), 1u);
    EXPECT_EQ(tree->warnings[0].text(),
              "t.conf:2:1: </targets> ends <target> of line 1; write </target>");
}

TEST(Parser, ALastLineThatIsContinuedIsKept) {
    const auto tree = parsed("a b \\\n");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->root.entries.at(0).value, "b");
    EXPECT_EQ(tree->warnings.size(), 1u);
}

TEST(Parser, CarriageReturnsAreNotThere) {
    const auto tree = parsed("a b \\\r\n c\r\nd <<E\r\nx\r\ny\r\nE\r\n");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->root.entries.at(0).value, "b c");
    EXPECT_EQ(tree->root.entries.at(1).value, "x\ny");
}

TEST(Parser, TenThousandTargetsAreAllThere) {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
        const std::string number = std::to_string(i);
        text += "<target iqn.2001-04.x:" + number + ">\nbacking-store /dev/" + number +
                "\nlun 1\nwrite-cache off\n</target>\n";
    }
    const auto tree = parsed(text);
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->root.entries.size(), 10000u);
}

}  // namespace
}  // namespace tgt::config
