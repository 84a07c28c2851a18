// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-lun/listing.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tgt::setup_lun {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<uint64_t>;
using Texts = std::vector<std::string>;

constexpr std::string_view text = R"(Target 1: iqn.2001-04.org.example:one
    System information:
        Driver: iscsi
    I_T nexus information:
        I_T nexus: 3
            Initiator: iqn.i alias: none
            Connection: 0
                IP Address: 127.0.0.1
    LUN information:
        LUN: 0
            Type: controller
            Backing store path: None
        LUN: 300
            Type: disk
            Backing store path: /srv/LUN: 7
    Account information:
        alice
    ACL information:
        10.0.0.0/8
        iqn.2001-04.org.example:host
Target 70000: iqn.2001-04.org.example:two
    LUN information:
        LUN: 0
    Account information:
    ACL information:
        ALL
)";

TEST(Listing, the_text_of_an_old_daemon_is_read) {
    const auto targets = targets_of(text);
    ASSERT_EQ(targets.size(), 2u);
    EXPECT_EQ(targets[0].tid, 1u);
    EXPECT_EQ(targets[0].name, "iqn.2001-04.org.example:one");
    EXPECT_EQ(targets[0].luns, (Numbers{0, 300}));
    EXPECT_EQ(targets[0].rules, (Texts{"10.0.0.0/8", "iqn.2001-04.org.example:host"}));
    EXPECT_EQ(targets[1].tid, 70000u);
    EXPECT_EQ(targets[1].luns, Numbers{0});
    EXPECT_EQ(targets[1].rules, Texts{"ALL"});
}

TEST(Listing, text_that_is_no_listing_gives_no_targets) {
    for (std::string_view other : {"", "\n\n", "Target x: y", "Target 1", "        LUN: 1\n"})
        EXPECT_TRUE(targets_of(other).empty()) << other;
}

TEST(Listing, the_result_of_target_show_is_read) {
    const Json result = {{"targets",
                          {{{"tid", 2},
                            {"name", "iqn.a"},
                            {"luns", {{{"lun", 0}}, {{"lun", 4}}}},
                            {"acl", {{"addresses", {"ALL"}}, {"initiators", {"iqn.b"}}}}}}}};
    const auto targets = targets_of(result);
    ASSERT_EQ(targets.size(), 1u);
    EXPECT_EQ(targets[0].tid, 2u);
    EXPECT_EQ(targets[0].name, "iqn.a");
    EXPECT_EQ(targets[0].luns, (Numbers{0, 4}));
    EXPECT_EQ(targets[0].rules, (Texts{"ALL", "iqn.b"}));
    EXPECT_TRUE(targets_of(Json()).empty());
    EXPECT_TRUE(targets_of(Json{{"targets", 3}}).empty());
}

TEST(LowestFree, fills_the_first_hole) {
    EXPECT_EQ(lowest_free(1, {}), 1u);
    EXPECT_EQ(lowest_free(1, {2, 3}), 1u);
    EXPECT_EQ(lowest_free(1, {3, 1, 2}), 4u);
    EXPECT_EQ(lowest_free(0, {0, 2}), 1u);
    EXPECT_EQ(lowest_free(1, {0, 1, 1, 2}), 3u);
}

TEST(LowestFree, goes_beyond_255) {
    Numbers taken;
    for (uint64_t i = 1; i <= 300; ++i) taken.push_back(i);
    EXPECT_EQ(lowest_free(1, taken), 301u);
}

}  // namespace
}  // namespace tgt::setup_lun
