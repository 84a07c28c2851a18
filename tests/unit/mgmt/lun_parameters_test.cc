// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/lun_parameters.h"

#include <gtest/gtest.h>

#include "mgmt/lun_identity.h"

namespace tgt::mgmt {
namespace {

class LunParametersTest : public ::testing::Test {
  protected:
    void SetUp() override {
        state.mode_pages.push_back({0x08, 0, std::vector<uint8_t>(18, 0x14), {}, {}});
        state.mode_pages.push_back(
            {0x0a, 0, std::vector<uint8_t>(10), std::vector<uint8_t>(10), {}});
    }
    ErrorCode set(std::string_view name, std::string_view value) {
        const LunParameter* row = find_lun_parameter(name);
        if (!row) return ErrorCode::unknown_parameter;
        const Status status = row->apply(state, value, {&store}, warnings);
        return status ? ErrorCode::success : status.error().code;
    }
    scsi::LunState state;
    store::Info store;
    std::vector<std::string> warnings;
};

TEST_F(LunParametersTest, IdentityIsCutToItsFieldWithAWarning) {
    EXPECT_EQ(set("vendor_id", "ACME"), ErrorCode::success);
    EXPECT_EQ(state.identity.vendor, "ACME");
    EXPECT_TRUE(warnings.empty());
    EXPECT_EQ(set("product_id", "12345678901234567"), ErrorCode::success);
    EXPECT_EQ(state.identity.product, "1234567890123456");
    EXPECT_EQ(warnings.size(), 1u);
    EXPECT_EQ(set("product_rev", "00012"), ErrorCode::success);
    EXPECT_EQ(state.identity.revision, "0001");
    EXPECT_EQ(set("scsi_sn", "a\tb"), ErrorCode::invalid_request);
}

struct Bad {
    const char* name;
    const char* value;
};

TEST_F(LunParametersTest, BadValuesChangeNothing) {
    const scsi::LunState before = state;
    for (const Bad& row :
         {Bad{"lbppbe", "16"}, Bad{"lbppbe", "x"}, Bad{"la_lba", "16384"},
          Bad{"optimal_xfer_gran", "65536"}, Bad{"optimal_xfer_len", "4294967296"},
          Bad{"rotation_rate", "-1"}, Bad{"removable", "yes"}, Bad{"readonly", ""},
          Bad{"mode_page", "8:0"}, Bad{"mode_page", "63:0:1:0"}, Bad{"mode_page", "8:255:1:0"},
          Bad{"mode_page", "8:0:2:1:2:3"}, Bad{"mode_page", "8:0:1:256"},
          Bad{"mode_page", "8:0:256"}, Bad{"mode_page", "8:0:1:"}})
        EXPECT_EQ(set(row.name, row.value), ErrorCode::invalid_request)
            << row.name << "=" << row.value;
    EXPECT_EQ(state, before);
    EXPECT_EQ(find_lun_parameter("Online"), nullptr);
}

TEST_F(LunParametersTest, ModePageReplacesAndFillsWithZeroes) {
    EXPECT_EQ(set("mode_page", "8:0:18:0x10:0:0xff"), ErrorCode::success);
    const scsi::ModePage* page = state.mode_page(8);
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(page->current.size(), 18u);
    EXPECT_EQ(page->current[0], 0x10);
    EXPECT_EQ(page->current[2], 0xff);
    EXPECT_EQ(page->current[3], 0);
    EXPECT_EQ(page->changeable.size(), 18u);
}

TEST_F(LunParametersTest, NewModePagesKeepTheOrder) {
    EXPECT_EQ(set("mode_page", "2:0:14:0x80"), ErrorCode::success);
    EXPECT_EQ(set("mode_page", "10:1:0x1c"), ErrorCode::success);
    EXPECT_EQ(set("mode_page", "9:0:1:1"), ErrorCode::success);
    std::vector<std::pair<int, int>> order;
    for (const auto& page : state.mode_pages) order.emplace_back(page.code, page.subcode);
    EXPECT_EQ(order, (std::vector<std::pair<int, int>>{{2, 0}, {8, 0}, {9, 0}, {10, 0}, {10, 1}}));
}

TEST_F(LunParametersTest, SenseFormatIsTheDSenseBit) {
    EXPECT_EQ(set("sense_format", "1"), ErrorCode::success);
    EXPECT_TRUE(state.sense_descriptor_format());
    EXPECT_EQ(set("sense_format", "0"), ErrorCode::success);
    EXPECT_FALSE(state.sense_descriptor_format());
}

TEST_F(LunParametersTest, ReadOnlyStoreStaysReadOnly) {
    store.read_only = true;
    state.read_only = true;
    EXPECT_EQ(set("readonly", "0"), ErrorCode::invalid_request);
    EXPECT_TRUE(state.read_only);
    EXPECT_EQ(set("readonly", "1"), ErrorCode::success);
}

TEST_F(LunParametersTest, OnlineNeedsAMedium) {
    state.online = state.medium_present = false;
    EXPECT_EQ(set("online", "1"), ErrorCode::invalid_request);
    state.medium_present = true;
    EXPECT_EQ(set("online", "1"), ErrorCode::success);
    EXPECT_TRUE(state.online);
}

TEST_F(LunParametersTest, ThinWithoutDiscardIsAWarning) {
    EXPECT_EQ(set("thin_provisioning", "1"), ErrorCode::success);
    EXPECT_TRUE(state.thin);
    EXPECT_EQ(warnings.size(), 1u);
}

TEST(LunIdentity, DefaultsAreThoseOfTgt) {
    const auto identity = default_identity(1, 17);
    EXPECT_EQ(identity.scsi_id, "IET     00010011");
    EXPECT_EQ(identity.scsi_sn, "beaf117");
}

TEST(LunIdentity, UniqueIdentityDependsOnHostAndMediumOnly) {
    const auto one = unique_identity("host-a", "/srv/d");
    EXPECT_EQ(one, unique_identity("host-a", "/srv/d"));
    EXPECT_FALSE(one == unique_identity("host-b", "/srv/d"));
    EXPECT_FALSE(one == unique_identity("host-a", "/srv/e"));
    EXPECT_FALSE(one == unique_identity("host-a/srv", "/d"));
    EXPECT_LE(one.scsi_id.size(), 36u);
    EXPECT_LE(one.scsi_sn.size(), 36u);
    EXPECT_TRUE(one.scsi_id.starts_with("IET     "));
}

}  // namespace
}  // namespace tgt::mgmt
