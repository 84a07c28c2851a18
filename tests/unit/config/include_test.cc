// SPDX-License-Identifier: GPL-2.0-or-later
// Which files are read; that the lines of a file stand where it is included is compared with
// Config::General in tests/contract.
#include <gtest/gtest.h>

#include "config/parser.h"

namespace tgt::config {
namespace {

std::vector<std::string> keys(const Tree& tree) {
    std::vector<std::string> out;
    for (const Entry& entry : tree.root.entries) out.push_back(entry.key);
    return out;
}

using Names = std::vector<std::string>;

TEST(Include, PositionsNameTheIncludedFile) {
    MemoryFiles files({{"/etc/t.conf", "a 1\ninclude /etc/d/x\n"}, {"/etc/d/x", "\nb 2\n"}});
    const auto tree = parse_file(files, "/etc/t.conf");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->root.entries.at(1).at.text(), "/etc/d/x:2:1");
    EXPECT_EQ(tree->files, (Names{"/etc/t.conf", "/etc/d/x"}));
}

TEST(Include, APatternIsRelativeToTheMainFile) {
    MemoryFiles files({{"/etc/tgt/t.conf", "include conf.d/*.conf\n"},
                       {"/etc/tgt/conf.d/b.conf", "b 1\n"},
                       {"/etc/tgt/conf.d/a.conf", "a 1\n"},
                       {"/etc/tgt/conf.d/c", "c 1\n"},
                       {"conf.d/evil.conf", "evil 1\n"}});
    const auto tree = parse_file(files, "/etc/tgt/t.conf");
    ASSERT_TRUE(tree);
    EXPECT_EQ(keys(*tree), (Names{"a", "b"}));
}

// Whoever may write to the folder that a command happens to run in must not add targets.
TEST(Include, TheWorkingDirectoryIsNotLookedInForAMainFileElsewhere) {
    MemoryFiles files({{"/etc/tgt/t.conf", "include x.conf\n"}, {"x.conf", "evil 1\n"}});
    const auto tree = parse_file(files, "/etc/tgt/t.conf");
    ASSERT_FALSE(tree);
    EXPECT_EQ(tree.error().text(),
              "/etc/tgt/t.conf:1:1: the file 'x.conf' does not exist; create it, or write "
              "'includeoptional' if it may be missing");
}

TEST(Include, AMainFileInTheWorkingDirectoryIncludesFromThere) {
    MemoryFiles files({{"d/t.conf", "include x\ninclude y\n"}, {"x", "x 1\n"}, {"d/y", "y 1\n"}});
    const auto tree = parse_file(files, "d/t.conf");
    ASSERT_TRUE(tree);
    EXPECT_EQ(keys(*tree), (Names{"x", "y"}));
}

TEST(Include, LooksBesideTheIncludingFileLast) {
    MemoryFiles files({{"/t.conf", "include d/x\n"},
                       {"/d/x", "include y\ninclude z\n"},
                       {"/y", "first 1\n"},
                       {"/d/y", "second 1\n"},
                       {"/d/z", "third 1\n"}});
    const auto tree = parse_file(files, "/t.conf");
    ASSERT_TRUE(tree);
    EXPECT_EQ(keys(*tree), (Names{"first", "third"}));
}

TEST(Include, ACircleIsNotFollowed) {
    MemoryFiles files({{"/a", "one 1\ninclude /b\n"}, {"/b", "two 2\ninclude /a\nthree 3\n"}});
    const auto tree = parse_file(files, "/a");
    ASSERT_TRUE(tree);
    EXPECT_EQ(keys(*tree), (Names{"one", "two", "three"}));
    ASSERT_EQ(tree->warnings.size(), 1u);
    EXPECT_EQ(tree->warnings[0].text(),
              "/b:2:1: the file '/a' has been read already; it is not read again; include it once");
}

TEST(Include, AChainHasABound) {
    MemoryFiles files;
    for (int i = 0; i < 100; ++i)
        files.add("/f" + std::to_string(i), "include /f" + std::to_string(i + 1) + "\n");
    const auto tree = parse_file(files, "/f0");
    ASSERT_FALSE(tree);
    EXPECT_NE(tree.error().text().find("more than 32 deep"), std::string::npos)
        << tree.error().text();
}

TEST(Include, AFolderStandsForItsFiles) {
    MemoryFiles files(
        {{"/t.conf", "include /d\n"}, {"/d/b", "b 1\n"}, {"/d/a", "a 1\n"}, {"/d/sub/c", "c 1\n"}});
    const auto tree = parse_file(files, "/t.conf");
    ASSERT_TRUE(tree);
    EXPECT_EQ(keys(*tree), (Names{"a", "b"}));
}

TEST(Include, TheMainFileCanBeAFolder) {
    MemoryFiles files({{"/d/b", "b 1\n"}, {"/d/a", "a 1\n"}});
    const auto tree = parse_file(files, "/d");
    ASSERT_TRUE(tree);
    EXPECT_EQ(keys(*tree), (Names{"a", "b"}));
}

TEST(Include, AMissingMainFileIsRefused) {
    MemoryFiles files;
    const auto tree = parse_file(files, "/t.conf");
    ASSERT_FALSE(tree);
    EXPECT_NE(tree.error().text().find("'/t.conf' cannot be read"), std::string::npos);
}

TEST(Include, APatternThatNothingMatchesIsNothing) {
    MemoryFiles files;
    files.add("/t.conf", "include /d/*.conf\nincludeoptional /x\na 1\n");
    const auto tree = parse_file(files, "/t.conf");
    ASSERT_TRUE(tree);
    EXPECT_EQ(keys(*tree), Names{"a"});
}

}  // namespace
}  // namespace tgt::config
