// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/command.h"

#include <gtest/gtest.h>
#include <wordexp.h>

#include <nlohmann/json.hpp>

#include "tgtadm/parse.h"

namespace tgt::tgt_admin {
namespace {

using Json = nlohmann::json;

// As a shell would run it.
std::vector<std::string> words_of(const std::string& line) {
    wordexp_t words{};
    EXPECT_EQ(wordexp(line.c_str(), &words, WRDE_NOCMD), 0) << line;
    std::vector<std::string> out(words.we_wordv, words.we_wordv + words.we_wordc);
    wordfree(&words);
    return out;
}

// What tgtadm sends for the printed line is what is sent.
void expect_printed_is_sent(const Command& command) {
    const std::string line = command_line(command, 7, true);
    const auto parsed = tgtadm::parse(words_of(line), {});
    const auto* request = std::get_if<tgtadm::Parsed>(&parsed);
    ASSERT_NE(request, nullptr) << line << "\n" << std::get<tgtadm::Exit>(parsed).err;
    EXPECT_EQ(request->method, command.method) << line;
    Json sent = *command.params;
    sent.erase("force");
    EXPECT_EQ(*request->params, sent) << line;
    EXPECT_EQ(request->control_port, 7u);
}

const TargetId target{"iscsi", 3};

TEST(CommandTest, ThePrintedLineMeansWhatIsSent) {
    expect_printed_is_sent(show_targets());
    expect_printed_is_sent(system_update("iSNSServerIP", "10.0.0.1"));
    expect_printed_is_sent(portal_new("iscsi", "[::1]:3260"));
    expect_printed_is_sent(account_new("iscsi", "bob", "it's a $secret"));
    expect_printed_is_sent(account_new("", "bob", "x"));
    expect_printed_is_sent(account_delete("bob"));
    expect_printed_is_sent(account_bind({}, "bob", false));
    expect_printed_is_sent(account_bind({}, "bob", true));
    expect_printed_is_sent(account_bind({"iscsi", 3}, "bob", true));
    expect_printed_is_sent(account_unbind({"iscsi", 3}, "bob", false));
    expect_printed_is_sent(target_new(target, "iqn.2001-04.org.example:t"));
    expect_printed_is_sent(target_update(target, "RedirectAddress", ""));
    expect_printed_is_sent(target_state(3, "iqn.t", false));
    expect_printed_is_sent(target_delete(3));
    expect_printed_is_sent(connection_delete(3, 70000, 1));
    expect_printed_is_sent(acl_bind(target, Subject::address, "10.0.0.0/8"));
    expect_printed_is_sent(acl_bind(target, Subject::name, "iqn.x"));
    expect_printed_is_sent(acl_unbind(3, Subject::name, "iqn.x"));
    expect_printed_is_sent(unit_new(target, 1, {"/a b'c$", "cd", "mmc", "x=1;y", "sync", "2048"}));
    expect_printed_is_sent(unit_new(target, 1, {}));
    expect_printed_is_sent(unit_delete(target, 1));
    expect_printed_is_sent(unit_update(target, 1, {{"vendor_id", "My Co"}}, Form::quoted));
    expect_printed_is_sent(unit_update(target, 1, {{"vendor_id", "A,B"}}, Form::quoted));
    expect_printed_is_sent(unit_update(target, 1, {{"mode_page", "8:0:1:0"}}, Form::plain));
    expect_printed_is_sent(unit_update(target, 1, {{"a", "1"}, {"b", "2"}}, Form::whole));
}

TEST(CommandTest, BlanksStandWhereTgtHasThem) {
    EXPECT_EQ(command_line(unit_new(target, 1, {"/a", "", "", "", "", ""}), 0, true),
              "tgtadm -C 0 --lld iscsi --op new --mode logicalunit --tid 3 --lun 1 -b '/a'     ");
    EXPECT_EQ(command_line(account_bind({}, "a", true), 0, true),
              "tgtadm -C 0 --mode account --op bind --user=a  --outgoing");
}

TEST(CommandTest, PasswordsAreShownOnlyToThoseWhoAsk) {
    const Command command = account_new("", "secret", "secret");
    EXPECT_EQ(command_line(command, 0, false),
              "tgtadm -C 0 --mode account --op new --user=secret --password=***");
    EXPECT_EQ(command_line(command, 0, true),
              "tgtadm -C 0 --mode account --op new --user=secret --password=secret");
}

TEST(CommandTest, PairsAreSplitAsTgtadmSplitsThem) {
    EXPECT_EQ(split_pairs("a=1,b=x=y,,c"), (Pairs{{"a", "1"}, {"b", "x=y"}, {"c", ""}}));
}

}  // namespace
}  // namespace tgt::tgt_admin
