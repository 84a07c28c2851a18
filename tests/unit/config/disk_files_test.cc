// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/parser.h"

namespace tgt::config {
namespace {

// A folder that goes with the test.
class DiskFilesTest : public testing::Test {
  protected:
    DiskFilesTest() {
        char name[] = "/tmp/tgt-config-XXXXXX";
        folder_ = mkdtemp(name);
    }
    ~DiskFilesTest() override { std::filesystem::remove_all(folder_); }

    std::string put(const std::string& name, const std::string& text) {
        const std::string path = folder_ + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

    std::string folder_;
    DiskFiles files_;
};

TEST_F(DiskFilesTest, ReadsAFileOfAnyLength) {
    std::string text(200000, 'x');
    text += "\nend";
    EXPECT_EQ(files_.read(put("x", text)), text);
    EXPECT_EQ(files_.read(put("y", "")), "");
}

TEST_F(DiskFilesTest, SaysWhyAFileCannotBeRead) {
    EXPECT_EQ(files_.read(folder_ + "/missing").error().code, ENOENT);
    EXPECT_EQ(files_.read(folder_).error().code, EISDIR);
}

TEST_F(DiskFilesTest, ListsRegularFilesInByteOrder) {
    put("b", "");
    put("A", "");
    put(".hidden", "");
    put("folder/c", "");
    EXPECT_EQ(files_.list(folder_), (std::vector<std::string>{".hidden", "A", "b"}));
    EXPECT_FALSE(files_.list(folder_ + "/missing"));
}

TEST_F(DiskFilesTest, PatternsGiveRegularFiles) {
    const std::string a = put("a.conf", ""), b = put("b.conf", "");
    put("c.conf/x", "");
    EXPECT_EQ(files_.glob(folder_ + "/*.conf"), (std::vector<std::string>{a, b}));
    EXPECT_EQ(files_.glob(folder_ + "/{b,a}.*"), (std::vector<std::string>{b, a}));
    EXPECT_TRUE(files_.glob(folder_ + "/*.none").empty());
}

TEST_F(DiskFilesTest, AFileHasOneIdentityByAllItsNames) {
    const std::string path = put("a", "");
    const std::string link = folder_ + "/link";
    ASSERT_EQ(symlink(path.c_str(), link.c_str()), 0);
    EXPECT_EQ(files_.identity(link), files_.identity(path));
    EXPECT_EQ(files_.identity(folder_ + "/./a"), files_.identity(path));
    EXPECT_NE(files_.identity(put("b", "")), files_.identity(path));
}

TEST_F(DiskFilesTest, AFileThatIncludesItselfByALinkIsReadOnce) {
    const std::string path = put("a.conf", "key 1\ninclude *.conf\n");
    ASSERT_EQ(symlink(path.c_str(), (folder_ + "/b.conf").c_str()), 0);
    const auto tree = parse_file(files_, path);
    ASSERT_TRUE(tree) << tree.error().text();
    EXPECT_EQ(tree->root.entries.size(), 1u);
    EXPECT_EQ(tree->warnings.size(), 2u);
}

// As with a shell's <(command).
TEST_F(DiskFilesTest, APipeCanBeTheMainFile) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(write(ends[1], "a b\n", 4), 4);
    close(ends[1]);
    const auto tree = parse_file(files_, "/dev/fd/" + std::to_string(ends[0]));
    close(ends[0]);
    ASSERT_TRUE(tree) << tree.error().text();
    EXPECT_EQ(tree->root.entries.at(0).value, "b");
}

}  // namespace
}  // namespace tgt::config
