// SPDX-License-Identifier: GPL-2.0-or-later
// The example configurations of doc/examples, as they are installed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/source_line.h"
#include "config/targets_conf.h"

namespace tgt::config {
namespace {

const std::filesystem::path folder = "doc/examples";

std::vector<std::filesystem::path> examples() {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".conf") out.push_back(entry.path());
    return out;
}

TEST(Examples, AreReadWithoutAWarning) {
    ASSERT_GE(examples().size(), 6u);
    for (const auto& path : examples()) {
        DiskFiles files;
        const auto tree = parse_file(files, path);
        ASSERT_TRUE(tree) << tree.error().text();
        const Config config = check(*tree);
        for (const Problem& problem : config.problems) ADD_FAILURE() << problem.what.text();
    }
}

// Commented out, too: "#name value".
std::set<std::string> named_in(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::set<std::string> out;
    for (std::string line; std::getline(in, line);) {
        std::string_view text = trim(line);
        if (!text.empty() && text[0] == '#') text.remove_prefix(1);
        if (!text.empty() && text[0] == '<') text.remove_prefix(1);
        out.insert(std::string(text.substr(0, text.find_first_of(" \t>"))));
    }
    return out;
}

TEST(Examples, TargetsConfNamesEveryDirective) {
    const auto named = named_in(folder / "targets.conf");
    for (const Directive& row : directives())
        EXPECT_EQ(named.count(std::string(row.name)), 1u) << row.name;
}

// With the comment sign of directives taken away, what is explained is what the parser takes.
TEST(Examples, TargetsConfIsRightInItsCommentsToo) {
    std::ifstream in(folder / "targets.conf");
    std::string text;
    for (std::string line; std::getline(in, line);) {
        const size_t hash = line.find_first_not_of(" ");
        const bool directive = hash != std::string::npos && line[hash] == '#' &&
                               hash + 1 < line.size() && !is_blank(line[hash + 1]);
        if (directive) line.erase(hash, 1);
        const std::string_view word = trim(line);
        const bool other_file = directive && word.substr(0, 7) == "include";
        text += (other_file ? "" : line) + "\n";
    }
    MemoryFiles none;
    const auto tree = parse_text(none, text, "targets.conf");
    ASSERT_TRUE(tree) << tree.error().text();
    for (const Problem& problem : check(*tree).problems) ADD_FAILURE() << problem.what.text();
}

}  // namespace
}  // namespace tgt::config
