// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/accounts.h"

#include <gtest/gtest.h>

namespace tgt::mgmt {
namespace {

ErrorCode code(const Status& status) {
    return status ? ErrorCode::success : status.error().code;
}

class AccountsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(accounts.add("alice", "one"));
        ASSERT_TRUE(accounts.add("bob", "two"));
    }
    Accounts accounts;
};

TEST_F(AccountsTest, AreListedNewestFirst) {
    EXPECT_EQ(accounts.newest_first(), (std::vector<std::string>{"bob", "alice"}));
}

TEST_F(AccountsTest, HaveUniqueNamesOfBoundedLength) {
    EXPECT_EQ(code(accounts.add("alice", "x")), ErrorCode::account_exists);
    EXPECT_EQ(code(accounts.add("", "x")), ErrorCode::invalid_request);
    EXPECT_EQ(code(accounts.add("c", "")), ErrorCode::invalid_request);
    EXPECT_EQ(code(accounts.add(std::string(256, 'a'), "x")), ErrorCode::invalid_request);
    EXPECT_EQ(code(accounts.add(std::string(255, 'a'), std::string(255, 's'))), ErrorCode::success);
}

TEST_F(AccountsTest, BindManyIncomingAndOneOutgoing) {
    EXPECT_TRUE(accounts.bind(1, "alice", Direction::incoming));
    EXPECT_TRUE(accounts.bind(1, "bob", Direction::incoming));
    EXPECT_EQ(code(accounts.bind(1, "bob", Direction::incoming)), ErrorCode::account_exists);
    EXPECT_TRUE(accounts.bind(1, "bob", Direction::outgoing));
    EXPECT_EQ(code(accounts.bind(1, "alice", Direction::outgoing)),
              ErrorCode::outgoing_account_exists);
    EXPECT_EQ(code(accounts.bind(1, "eve", Direction::incoming)), ErrorCode::no_account);
    EXPECT_EQ(accounts.incoming(1), (std::vector<Account>{{"alice", "one"}, {"bob", "two"}}));
    EXPECT_EQ(accounts.outgoing(1)->secret, "two");
    EXPECT_TRUE(accounts.incoming(2).empty());
}

TEST_F(AccountsTest, UnbindOnlyWhatIsBound) {
    EXPECT_EQ(code(accounts.unbind(1, "alice", Direction::incoming)), ErrorCode::no_account);
    ASSERT_TRUE(accounts.bind(1, "alice", Direction::outgoing));
    EXPECT_EQ(code(accounts.unbind(1, "alice", Direction::incoming)), ErrorCode::no_account);
    EXPECT_TRUE(accounts.unbind(1, "alice", Direction::outgoing));
    EXPECT_FALSE(accounts.outgoing(1));
}

TEST_F(AccountsTest, DeletingUnbindsEverywhere) {
    ASSERT_TRUE(accounts.bind(1, "alice", Direction::incoming));
    ASSERT_TRUE(accounts.bind(2, "alice", Direction::outgoing));
    ASSERT_TRUE(accounts.remove("alice"));
    EXPECT_TRUE(accounts.bound(1).incoming.empty());
    EXPECT_TRUE(accounts.bound(2).outgoing.empty());
    EXPECT_EQ(code(accounts.remove("alice")), ErrorCode::no_account);
}

}  // namespace
}  // namespace tgt::mgmt
