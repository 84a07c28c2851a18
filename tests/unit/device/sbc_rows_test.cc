// SPDX-License-Identifier: GPL-2.0-or-later
// The op tables of the device types as a whole, the controller, and the document made from them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "device/controller/controller.h"
#include "device/opcodes_doc.h"
#include "device/sbc/disk.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::test {
namespace {

TEST(DeviceTypes, AreListedInTheOrderThatTgtadmShows) {
    std::vector<std::string_view> names;
    for (const auto* type : scsi::device_types()) names.push_back(type->name);
    EXPECT_EQ(names,
              (std::vector<std::string_view>{"disk", "controller", "changer", "tape", "pt"}));
    EXPECT_EQ(scsi::find_device_type("disk"), &sbc::disk);
    EXPECT_EQ(scsi::find_device_type("nothing"), nullptr);
}

TEST(Disk, HasEveryCommandThatTgtAnswers) {
    for (int opcode : {0x00, 0x03, 0x04, 0x08, 0x0a, 0x12, 0x15, 0x16, 0x17, 0x1a, 0x1b, 0x1d, 0x1e,
                       0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x34, 0x35, 0x41, 0x42, 0x55, 0x5a, 0x88, 0x89,
                       0x8a, 0x8b, 0x8e, 0x8f, 0x90, 0x91, 0x93, 0xa0, 0xa8, 0xaa, 0xae, 0xaf}) {
        uint8_t cdb[16] = {uint8_t(opcode)};
        bool known = false;
        EXPECT_NE(sbc::disk.ops().find(cdb, known), nullptr) << std::hex << opcode;
    }
    for (auto [opcode, action] : {std::pair(0x9e, 0x10), std::pair(0x9e, 0x12),
                                  std::pair(0xa3, 0x0c), std::pair(0x5e, 0x02)}) {
        uint8_t cdb[16] = {uint8_t(opcode), uint8_t(action)};
        bool known = false;
        EXPECT_NE(sbc::disk.ops().find(cdb, known), nullptr) << std::hex << opcode;
    }
}

// A handler of one command behind another's CDB length or range would show here.
TEST(Disk, RefusesEveryReservedBitOfEveryCommandWithItsPlace) {
    Harness harness(sbc::disk);
    harness.change([](scsi::LunState& state) { state.thin = true; });
    for (const scsi::OpRow& row : sbc::disk.ops().rows()) {
        for (size_t byte = 1; byte < row.cdb_length; ++byte) {
            for (int bit = 0; bit < 8; ++bit) {
                const bool in_action = byte == 1 && row.service_action >= 0 && bit < 5;
                if (in_action || (row.usage[byte] >> bit & 1)) continue;
                Bytes cdb(row.cdb_length);
                cdb[0] = row.opcode;
                if (row.service_action >= 0) cdb[1] = uint8_t(row.service_action);
                cdb[byte] |= uint8_t(1 << bit);
                Answer answer = harness.run(cdb);
                ASSERT_EQ(answer.sense(), invalid_field_in_cdb) << row.name << " byte " << byte;
                EXPECT_EQ(answer.outcome.sense->specific_value, byte) << row.name;
                EXPECT_EQ(answer.outcome.sense->field_bit, bit) << row.name;
            }
        }
    }
}

TEST(Disk, WithoutAMediumAnswersOnlyWhatNeedsNone) {
    Harness::Options options;
    options.medium = false;
    Harness harness(sbc::disk, options);
    for (const scsi::OpRow& row : sbc::disk.ops().rows()) {
        if (row.flags & scsi::op_not_ready) continue;
        Bytes cdb(row.cdb_length);
        cdb[0] = row.opcode;
        if (row.service_action >= 0) cdb[1] = uint8_t(row.service_action);
        if (row.flags & scsi::op_thin_only) continue;
        EXPECT_EQ(harness.run(cdb).sense(), no_medium) << row.name;
    }
}

TEST(Controller, IsReadyAndNamesItself) {
    Harness::Options options;
    options.medium = false;
    Harness harness(controller::controller, options);
    EXPECT_TRUE(harness.run({0x00, 0, 0, 0, 0, 0}).good());
    Answer answer = harness.run({0x12, 0, 0, 0, 0xff, 0});
    ASSERT_TRUE(answer.good());
    EXPECT_EQ(answer.data[0], 0x0c);
    EXPECT_EQ(std::string(answer.data.begin() + 8, answer.data.begin() + 36),
              "IET     Controller      0001");
}

TEST(Controller, AnswersVerifyLikeTestUnitReady) {
    Harness::Options options;
    options.medium = false;
    options.keep_unit_attention = true;
    Harness harness(controller::controller, options);
    EXPECT_EQ(harness.run(block_cdb(0x2f, 7, 1)).sense(), 0x062900u);
    for (uint8_t opcode : {0x2f, 0xaf, 0x8f})
        EXPECT_TRUE(harness.run(block_cdb(opcode, 7, 1)).good());
}

TEST(Controller, KnowsNoBlockCommands) {
    Harness::Options options;
    options.medium = false;
    Harness harness(controller::controller, options);
    for (uint8_t opcode : {0x08, 0x28, 0x2a, 0x25, 0x1a, 0x5a, 0x42})
        EXPECT_EQ(harness.run(block_cdb(opcode, 0, 1)).sense(), invalid_opcode);
}

TEST(OpcodesDocument, IsWhatTheTablesSay) {
    const char* path = "doc/opcodes.md";
    if (std::getenv("UPDATE_DOC")) std::ofstream(path) << scsi::opcodes_document();
    std::ifstream file(path);
    ASSERT_TRUE(file) << "run from the top of the source tree";
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), scsi::opcodes_document());
}

}  // namespace
}  // namespace tgt::test
