// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/directives.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tgt::config {
namespace {

TEST(Directives, ANameHasOneRowAtALevel) {
    for (Level level : {in_global, in_target, in_unit, in_library}) {
        std::set<std::string_view> seen;
        for (const Directive& row : directives()) {
            const bool here = (row.levels & level) != 0;
            EXPECT_TRUE(!here || seen.insert(row.name).second) << row.name;
        }
    }
}

TEST(Directives, EachIsFoundAtItsLevels) {
    for (const Directive& row : directives())
        for (Level level : {in_global, in_target, in_unit, in_library}) {
            const bool here = (row.levels & level) != 0;
            EXPECT_TRUE(!here || find_directive(row.name, level) == &row) << row.name;
        }
    EXPECT_EQ(find_directive("driver", in_unit), nullptr);
    EXPECT_EQ(find_directive("lun", in_global), nullptr);
}

TEST(Directives, EachSaysWhatItDoes) {
    for (const Directive& row : directives()) {
        EXPECT_FALSE(row.about.empty()) << row.name;
        EXPECT_EQ(row.about.back(), '.') << row.name;
    }
}

TEST(Directives, WhatIsForUnitsMayStandInATarget) {
    for (const Directive& row : directives()) {
        const bool for_units = (row.levels & in_unit) != 0;
        EXPECT_TRUE(!for_units || (row.levels & in_target) != 0) << row.name;
    }
}

TEST(Directives, TheNearestNameIsOfTheSameLevel) {
    EXPECT_EQ(nearest_directive("initiator-adress", in_target), "initiator-address");
    EXPECT_EQ(nearest_directive("maxburstlength", in_target), "MaxBurstLength");
    EXPECT_EQ(nearest_directive("initiator-adress", in_unit), "");
    EXPECT_EQ(nearest_directive("lum", in_unit), "lun");
    EXPECT_EQ(nearest_directive("", in_unit), "");
    EXPECT_EQ(nearest_directive(std::string(100000, 'x'), in_unit), "");
}

// The contract with tgt: its directives, none of them an extension.
TEST(Directives, HasAllOfTgts) {
    const std::pair<Level, const char*> tgts[] = {
        {in_global, "default-driver"},
        {in_global, "include"},
        {in_global, "ignore-errors"},
        {in_global, "control-port"},
        {in_global, "iSNS"},
        {in_global, "iSNSServerIP"},
        {in_global, "iSNSServerPort"},
        {in_global, "iSNSAccessControl"},
        {in_global, "incomingdiscoveryuser"},
        {in_global, "outgoingdiscoveryuser"},
        {in_target, "backing-store"},
        {in_target, "direct-store"},
        {in_target, "driver"},
        {in_target, "initiator-address"},
        {in_target, "initiator-name"},
        {in_target, "incominguser"},
        {in_target, "outgoinguser"},
        {in_target, "controller_tid"},
        {in_target, "allow-in-use"},
        {in_target, "MaxRecvDataSegmentLength"},
        {in_target, "MaxXmitDataSegmentLength"},
        {in_target, "HeaderDigest"},
        {in_target, "DataDigest"},
        {in_target, "InitialR2T"},
        {in_target, "MaxOutstandingR2T"},
        {in_target, "ImmediateData"},
        {in_target, "FirstBurstLength"},
        {in_target, "MaxBurstLength"},
        {in_target, "DataPDUInOrder"},
        {in_target, "DataSequenceInOrder"},
        {in_target, "ErrorRecoveryLevel"},
        {in_target, "IFMarker"},
        {in_target, "OFMarker"},
        {in_target, "DefaultTime2Wait"},
        {in_target, "DefaultTime2Retain"},
        {in_target, "OFMarkInt"},
        {in_target, "IFMarkInt"},
        {in_target, "MaxConnections"},
        {in_target, "state"},
        {in_target, "statesman"},
        {in_unit, "lun"},
        {in_unit, "bs-type"},
        {in_unit, "bsopts"},
        {in_unit, "bsoflags"},
        {in_unit, "block-size"},
        {in_unit, "device-type"},
        {in_unit, "write-cache"},
        {in_unit, "scsi_id"},
        {in_unit, "scsi_sn"},
        {in_unit, "vendor_id"},
        {in_unit, "product_id"},
        {in_unit, "product_rev"},
        {in_unit, "sense_format"},
        {in_unit, "removable"},
        {in_unit, "online"},
        {in_unit, "readonly"},
        {in_unit, "path"},
        {in_unit, "mode_page"},
        {in_unit, "lbppbe"},
        {in_unit, "la_lba"},
        {in_unit, "optimal_xfer_gran"},
        {in_unit, "optimal_xfer_len"},
        {in_unit, "params"},
        {in_unit, "allow-in-use"},
    };
    for (const auto& [level, name] : tgts) {
        const Directive* row = find_directive(name, level);
        ASSERT_TRUE(row) << name;
        EXPECT_FALSE(row->extension) << name;
    }
}

}  // namespace
}  // namespace tgt::config
