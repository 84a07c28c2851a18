// SPDX-License-Identifier: GPL-2.0-or-later
// What `tgtadm --mode logicalunit --op update` does beyond the table of parameters.
#include "tests/unit/mgmt/backing_fixture.h"

namespace tgt::mgmt {
namespace {

using test::Json;

class LunUpdateTest : public test::BackingTest {};

TEST_F(LunUpdateTest, AParameterThatIsNoneOfTheLunIsTheStores) {
    make_fake();
    EXPECT_EQ(update("colour", "blue,green;mild"), 0u);
    EXPECT_EQ(lun(1, 1)["store"]["parameters"],
              Json::parse(R"([{"name":"colour","value":"blue,green;mild"}])"));
}

TEST_F(LunUpdateTest, WhatTheStoreRefusesIsSaidAndChangesNothing) {
    make_fake();
    EXPECT_EQ(update("colour", ""), 17u);
    EXPECT_EQ(reason, "colour must not be empty");
    EXPECT_EQ(lun(1, 1)["store"]["parameters"][0]["value"], "red");
}

TEST_F(LunUpdateTest, WhatNeitherKnowsIsAnUnknownParameter) {
    make_fake();
    EXPECT_EQ(update("shape", "round"), 17u);
    EXPECT_THAT(reason, testing::HasSubstr("a disk has no parameter 'shape'; the backing store"));
    make_disk(1, 2, file("d", 1 << 20));
    EXPECT_EQ(update_lun(Json::array({Json::array({"shape", "round"})}), 2), 17u);
    EXPECT_THAT(reason, testing::HasSubstr("a disk has no parameter 'shape'; the backing store"));
    ok("logicalunit.new", {{"tid", 1}, {"lun", 3}});
    EXPECT_EQ(update_lun(Json::array({Json::array({"colour", "blue"})}), 3), 17u);
    EXPECT_EQ(reason, "a disk has no parameter 'colour'");
}

TEST_F(LunUpdateTest, AStoreThatDoesNotAnswerHoldsUpNobody) {
    begin_with(impatient());
    const std::string path = make_fake();
    test::fake::medium(path).updating.shut();
    EXPECT_EQ(update("colour", "blue"), 17u);
    EXPECT_THAT(reason, testing::HasSubstr(path));
    EXPECT_THAT(reason, testing::HasSubstr("colour=blue"));
    EXPECT_EQ(update("scsi_sn", "fine"), 0u);
}

TEST_F(LunUpdateTest, DeletionDoesNotWaitForAnUpdate) {
    const std::string path = make_fake();
    test::fake::medium(path).updating.shut();
    auto waiting =
        begin_request("logicalunit.update",
                      {{"tid", 1}, {"lun", 1}, {"params", Json::parse(R"([["colour", "blue"]])")}});
    test::fake::medium(path).updating.await();
    EXPECT_EQ(remove(1), 0u);
    const Answer answer = waiting->answer.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, "LUN 1 of target 1 was deleted");
}

TEST_F(LunUpdateTest, ALunIsThereAllTheTimeWhileItGetsAnotherMedium) {
    make_fake();
    const std::string other = file("other", 1 << 20);
    EXPECT_EQ(update("online", "0"), 0u);
    EXPECT_TRUE(there_all_the_time([&] { EXPECT_EQ(update("path", other), 0u); }));
    EXPECT_EQ(lun(1, 1)["store"]["path"], other);
}

TEST_F(LunUpdateTest, AFlushFailureIsClearedByTheAdministratorOnly) {
    make_fake();
    EXPECT_EQ(lun(1, 1)["flush_failed"], false);
    EXPECT_EQ(update("flush_failed", "1"), 17u);
    on_control([this] {
        auto unit = registry->targets().at(1).target->luns().at(1);
        unit->change(
            [](const scsi::LunState& now) {
                scsi::LunChange change;
                change.next = std::make_shared<scsi::LunState>(now);
                change.next->flush_failed = true;
                return change;
            },
            runtime->control(), [](const scsi::Outcome&) {});
        return 0;
    });
    EXPECT_EQ(lun(1, 1)["flush_failed"], true);
    EXPECT_EQ(update("flush_failed", "1"), 17u);
    EXPECT_EQ(lun(1, 1)["flush_failed"], true);
    EXPECT_EQ(update("flush_failed", "0"), 0u);
    EXPECT_EQ(lun(1, 1)["flush_failed"], false);
}

}  // namespace
}  // namespace tgt::mgmt
