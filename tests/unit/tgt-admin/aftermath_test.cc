// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/aftermath.h"

#include <gtest/gtest.h>

namespace tgt::tgt_admin {
namespace {

using ipc::CallError;
using ipc::ErrorCode;

Step step(Command command, size_t needs = 0) {
    return {Step::Kind::run, "", std::move(command), false, needs};
}

CallError refused(ErrorCode code) {
    CallError error{};
    error.kind = CallError::Kind::daemon;
    error.code = int(code);
    return error;
}

TEST(AftermathTest, NothingIsDoneToAnotherTargetThatHasTheNumber) {
    Plan plan;
    plan.steps = {step(target_new({"iscsi", 5}, "iqn.x:new")),
                  step(account_new("iscsi", "bob", "secret"), 1),
                  step(account_bind({"iscsi", 5}, "bob", false), 1),
                  step(acl_bind({"iscsi", 5}, Subject::address, "ALL"), 1),
                  step(acl_bind({"iscsi", 6}, Subject::address, "ALL")),
                  step(target_delete(5))};
    Aftermath aftermath(plan);
    for (const Step& one : plan.steps) EXPECT_FALSE(aftermath.forbids(one));
    aftermath.failed(plan.steps[0], refused(ErrorCode::target_exists));
    EXPECT_FALSE(aftermath.forbids(plan.steps[1]));  // it may be for others as well
    EXPECT_TRUE(aftermath.forbids(plan.steps[2]));
    EXPECT_TRUE(aftermath.forbids(plan.steps[3]));
    EXPECT_FALSE(aftermath.forbids(plan.steps[4]));
    EXPECT_FALSE(aftermath.forbids(plan.steps[5]));  // it is meant
}

TEST(AftermathTest, NobodyIsLetIntoATargetThatLacksItsAccount) {
    Plan plan;
    plan.steps = {step(account_bind({"iscsi", 5}, "bob", false)),
                  step(acl_bind({"iscsi", 5}, Subject::address, "ALL")),
                  step(account_unbind({"iscsi", 5}, "alice", false)),
                  step(target_state(5, "", true)),
                  step(target_state(5, "", false)),
                  step(acl_unbind(5, Subject::address, "ALL")),
                  step(acl_bind({"iscsi", 6}, Subject::address, "ALL"))};
    Aftermath aftermath(plan);
    aftermath.failed(plan.steps[0], refused(ErrorCode::no_account));
    for (size_t i = 1; i < 4; ++i) EXPECT_TRUE(aftermath.forbids(plan.steps[i])) << i;
    for (size_t i = 4; i < 7; ++i) EXPECT_FALSE(aftermath.forbids(plan.steps[i])) << i;
}

TEST(AftermathTest, AnAccountThatIsBoundAlreadyGuardsTheTarget) {
    Plan plan;
    plan.steps = {step(account_bind({"iscsi", 5}, "bob", false)),
                  step(account_bind({"iscsi", 5}, "bob", true)),
                  step(acl_bind({"iscsi", 5}, Subject::address, "ALL"))};
    Aftermath aftermath(plan);
    aftermath.failed(plan.steps[0], refused(ErrorCode::account_exists));
    aftermath.failed(plan.steps[1], refused(ErrorCode::no_account));
    EXPECT_FALSE(aftermath.forbids(plan.steps[2]));
}

}  // namespace
}  // namespace tgt::tgt_admin
