// SPDX-License-Identifier: GPL-2.0-or-later
// The scanner against getopt_long's behaviour, whose messages scripts see.
#include "tgtadm/options.h"

#include <gtest/gtest.h>

#include <set>

namespace tgt::tgtadm {
namespace {

struct Scan {
    std::string words;  // "name=value name= ..." or the message
    std::vector<std::string> stray;
};

Scan scan(const std::vector<std::string>& args, bool posix = false) {
    Scanner scanner("prog", args, posix);
    Scan result;
    while (auto word = scanner.next()) {
        if (!word->option) return {word->value, {}};
        result.words +=
            (result.words.empty() ? "" : " ") + std::string(word->option->name) + "=" + word->value;
    }
    result.stray = scanner.stray();
    return result;
}

TEST(Options, names_and_letters_are_unique) {
    std::set<std::string_view> names;
    std::set<char> letters;
    for (const Option& option : options()) {
        EXPECT_TRUE(names.insert(option.name).second) << option.name;
        if (option.letter) {
            EXPECT_TRUE(letters.insert(option.letter).second) << option.letter;
        }
    }
}

TEST(Scanner, takes_values_in_every_spelling) {
    EXPECT_EQ(scan({"--tid", "5"}).words, "tid=5");
    EXPECT_EQ(scan({"--tid=5"}).words, "tid=5");
    EXPECT_EQ(scan({"-t", "5"}).words, "tid=5");
    EXPECT_EQ(scan({"-t5"}).words, "tid=5");
    EXPECT_EQ(scan({"-dt5"}).words, "debug= tid=5");
    EXPECT_EQ(scan({"-t", "-m"}).words, "tid=-m");
    EXPECT_EQ(scan({"--lld="}).words, "lld=");
    EXPECT_EQ(scan({"--name", ""}).words, "name=");
}

TEST(Scanner, force_and_outgoing_eat_a_word_in_their_short_form_only) {
    EXPECT_EQ(scan({"-F", "x", "-t", "1"}).words, "force=x tid=1");
    EXPECT_EQ(scan({"--force", "-t", "1"}).words, "force= tid=1");
    EXPECT_EQ(scan({"-O", "-t", "1"}).words, "outgoing=-t");
    EXPECT_EQ(scan({"-F"}).words, "prog: option requires an argument -- 'F'");
}

TEST(Scanner, abbreviations_work_unless_ambiguous) {
    EXPECT_EQ(scan({"--param", "a=b"}).words, "params=a=b");
    EXPECT_EQ(scan({"--mod=x"}).words, "mode=x");
    EXPECT_EQ(scan({"--t=5"}).words,
              "prog: option '--t=5' is ambiguous; possibilities: '--tid' '--targetname'");
    EXPECT_EQ(scan({"--o", "x"}).words,
              "prog: option '--o' is ambiguous; possibilities: '--op' '--outgoing'");
}

TEST(Scanner, our_own_options_do_not_disturb_abbreviations_of_tgts) {
    EXPECT_EQ(scan({"--pass", "x"}).words, "password=x");
    EXPECT_EQ(scan({"--password", "x"}).words, "password=x");
    EXPECT_EQ(scan({"--password-file", "x"}).words, "password-file=x");
    EXPECT_EQ(scan({"--json"}).words, "json=");
    EXPECT_EQ(scan({"--js"}).words, "prog: unrecognized option '--js'");
}

TEST(Scanner, mistakes_have_getopts_texts) {
    EXPECT_EQ(scan({"--bogus=x"}).words, "prog: unrecognized option '--bogus=x'");
    EXPECT_EQ(scan({"-dZ"}).words, "prog: invalid option -- 'Z'");
    EXPECT_EQ(scan({"--tid"}).words, "prog: option '--tid' requires an argument");
    EXPECT_EQ(scan({"--ti"}).words, "prog: option '--tid' requires an argument");
    EXPECT_EQ(scan({"--force=x"}).words, "prog: option '--force' doesn't allow an argument");
    EXPECT_EQ(scan({"-t"}).words, "prog: option requires an argument -- 't'");
}

TEST(Scanner, stray_words_are_set_aside) {
    const Scan result = scan({"a", "-t", "1", "-", "", "--", "-d"});
    EXPECT_EQ(result.words, "tid=1");
    EXPECT_EQ(result.stray, (std::vector<std::string>{"a", "-", "", "-d"}));
}

TEST(Scanner, posixly_correct_stops_at_the_first_word) {
    const Scan result = scan({"-t", "1", "a", "-d"}, true);
    EXPECT_EQ(result.words, "tid=1");
    EXPECT_EQ(result.stray, (std::vector<std::string>{"a", "-d"}));
}

}  // namespace
}  // namespace tgt::tgtadm
