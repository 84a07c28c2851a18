// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/spc_commands.h"

#include <gtest/gtest.h>

#include "tests/unit/scsi/harness.h"
#include "tests/unit/scsi/test_device.h"

namespace tgt::scsi {
namespace {

using Bytes = std::vector<uint8_t>;
using test::Harness;

class SpcCommands : public testing::Test {
  protected:
    test::Answer run(Bytes cdb) { return h_.run(std::move(cdb)); }
    test::Answer run_at(uint64_t lun, Bytes cdb) {
        Harness::Send send;
        send.lun = lun;
        return h_.run(std::move(cdb), std::move(send));
    }
    void raise(UnitAttention attention) {
        h_.on_worker([&] { h_.nexus(0).find(1)->attentions.raise(attention); });
    }
    Sense sense_of(Bytes cdb) { return run(std::move(cdb)).outcome.sense.value_or(Sense()); }

    Harness h_{test::spc_device()};
};

const Bytes test_unit_ready(6, 0);
Bytes request_sense(bool descriptor = false) {
    return {0x03, descriptor, 0, 0, 252, 0};
}
Bytes report_luns(uint8_t select = 0, uint8_t length = 64) {
    return {0xa0, 0, select, 0, 0, 0, 0, 0, 0, length, 0, 0};
}
Bytes log_sense(uint8_t page, uint8_t subpage = 0, uint8_t control = 1, uint8_t pointer = 0) {
    return {0x4d, 0, uint8_t(control << 6 | page), subpage, 0, 0, pointer, 0, 255, 0};
}

TEST_F(SpcCommands, TestUnitReadyIsGoodWhenReady_Spc4_6_47) {
    EXPECT_TRUE(run(test_unit_ready).good());
    h_.change([](LunState& state) { state.online = false; });
    EXPECT_EQ(run(test_unit_ready).sense(), 0x020403u);
    h_.change([](LunState& state) { state.removable = true; });
    EXPECT_EQ(run(test_unit_ready).sense(), 0x023a00u);
}

TEST_F(SpcCommands, RequestSenseWithNothingToSay_Spc4_6_39) {
    EXPECT_EQ(run(request_sense()).data,
              Bytes({0x70, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(run(request_sense(true)).data, Bytes({0x72, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_F(SpcCommands, RequestSenseReportsAndClearsAUnitAttentionWithGood) {
    raise(ua::capacity_changed);
    const auto answer = run(request_sense(true));
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data, Bytes({0x72, 6, 0x2a, 9, 0, 0, 0, 0}));
    EXPECT_TRUE(run(test_unit_ready).good());
}

TEST_F(SpcCommands, RequestSenseSaysWhyTheUnitIsNotReady) {
    h_.change([](LunState& state) { state.medium_present = false; });
    EXPECT_EQ(run(request_sense(true)).data, Bytes({0x72, 2, 0x04, 3, 0, 0, 0, 0}));
}

TEST_F(SpcCommands, RequestSenseToAnUnknownLunIs5_25_00InTheData) {
    const auto answer = run_at(9, request_sense(true));
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data, Bytes({0x72, 5, 0x25, 0, 0, 0, 0, 0}));
}

TEST_F(SpcCommands, ReportLunsOfEachSelection_Spc4_6_33) {
    const Bytes one = {0, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(run(report_luns(0)).data, one);
    EXPECT_EQ(run(report_luns(1)).data, Bytes(8, 0));
    EXPECT_EQ(run(report_luns(2)).data, one);
    EXPECT_EQ(run_at(9, report_luns()).data, one);
}

TEST_F(SpcCommands, ReportLunsChecksSelectionAndAllocationLength) {
    EXPECT_EQ(sense_of(report_luns(3)), sense::invalid_field_in_cdb(2));
    EXPECT_EQ(sense_of(report_luns(0, 15)), sense::invalid_field_in_cdb(6));
}

TEST_F(SpcCommands, ReportLunsClearsTheLunsChangedAttentionOnly) {
    raise(ua::reported_luns_changed);
    raise(ua::capacity_changed);
    EXPECT_TRUE(run(report_luns()).good());
    EXPECT_EQ(run(test_unit_ready).sense(), 0x062a09u);
    EXPECT_TRUE(run(test_unit_ready).good());
}

TEST(ReportLuns, UsesPeripheralFlatAndExtendedAddressing_Sam5_4_7) {
    EXPECT_EQ(report_luns_data({0, 255, 256, 16384}),
              Bytes({0,    0,    0,    32, 0, 0, 0, 0,     // header
                     0,    0,    0,    0,  0, 0, 0, 0,     // 0
                     0,    0xff, 0,    0,  0, 0, 0, 0,     // 255
                     0x41, 0,    0,    0,  0, 0, 0, 0,     // 256
                     0xd2, 0,    0x40, 0,  0, 0, 0, 0}));  // 16384
}

TEST_F(SpcCommands, LogSenseListsItsPages) {
    EXPECT_EQ(run(log_sense(0)).data, Bytes({0, 0, 0, 2, 0x00, 0x0d}));
    EXPECT_EQ(run(log_sense(0, 0xff)).data, Bytes({0x40, 0xff, 0, 6, 0, 0, 0, 0xff, 0x0d, 0}));
}

TEST_F(SpcCommands, LogSenseAnswersThePagesOfTheType) {
    EXPECT_EQ(run(log_sense(0x0d)).data,
              Bytes({0x0d, 0, 0, 12, 0, 0, 3, 2, 0, 0x20, 0, 1, 3, 2, 0, 0x41}));
    EXPECT_EQ(run(log_sense(0x0d, 0, 1, 1)).data, Bytes({0x0d, 0, 0, 6, 0, 1, 3, 2, 0, 0x41}));
}

TEST_F(SpcCommands, LogSenseRefusesWithExactPointers) {
    EXPECT_EQ(sense_of(log_sense(0x11)), sense::invalid_field_in_cdb(2, 5));
    EXPECT_EQ(sense_of(log_sense(0x0d, 7)), sense::invalid_field_in_cdb(3));
    EXPECT_EQ(sense_of(log_sense(0, 7)), sense::invalid_field_in_cdb(3));
    EXPECT_EQ(sense_of(log_sense(0x0d, 0, 0)), sense::invalid_field_in_cdb(2, 7));
    EXPECT_EQ(sense_of(log_sense(0x0d, 0, 1, 2)), sense::invalid_field_in_cdb(5));
    EXPECT_EQ(sense_of(log_sense(0, 0, 1, 1)), sense::invalid_field_in_cdb(5));
    EXPECT_EQ(sense_of({0x4d, 1, 0, 0, 0, 0, 0, 0, 255, 0}), sense::invalid_field_in_cdb(1, 0));
}

TEST_F(SpcCommands, SendDiagnosticDoesTheDefaultSelfTestOnly_Spc4_6_42) {
    EXPECT_TRUE(run({0x1d, 0x04, 0, 0, 0, 0}).good());
    EXPECT_EQ(sense_of({0x1d, 0x00, 0, 0, 0, 0}), sense::invalid_field_in_cdb(1, 2));
    EXPECT_EQ(sense_of({0x1d, 0x24, 0, 0, 0, 0}), sense::invalid_field_in_cdb(1, 5));
    EXPECT_EQ(sense_of({0x1d, 0x04, 0, 0, 1, 0}), sense::invalid_field_in_cdb(4, 0));
}

TEST_F(SpcCommands, ReportsOnCommandsAndTaskFunctions) {
    const auto one = run({0xa3, 0x0c, 1, 0x12, 0, 0, 0, 0, 0, 255, 0, 0});
    EXPECT_EQ(one.data, Bytes({0, 3, 0, 6, 0x12, 0x01, 0xff, 0xff, 0xff, 0}));
    const auto cut = run({0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0});
    EXPECT_EQ(cut.data.size(), 4u);
    EXPECT_EQ(run({0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0}).data, Bytes({0xda, 0, 0, 0}));
    EXPECT_EQ(run({0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 64, 0, 0}).data.size(), 16u);
    EXPECT_EQ(sense_of({0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0}), sense::invalid_field_in_cdb(6));
    EXPECT_EQ(sense_of({0xa3, 0x0c, 0x08, 0, 0, 0, 0, 0, 0, 64, 0, 0}),
              sense::invalid_field_in_cdb(2, 3));
}

TEST_F(SpcCommands, ALargerAllocationThanExpectedTransferIsAResidual) {
    Harness::Send send;
    send.expected_in = 36;
    const auto answer = h_.run({0x12, 0, 0, 0, 255, 0}, send);
    EXPECT_TRUE(answer.good());
    EXPECT_EQ(answer.data.size(), 36u);
    EXPECT_EQ(answer.in_total, 66u);
}

TEST(SpcRows, DiscoveryCommandsRunWhateverStandsInTheWay) {
    for (const OpRow& row : spc_rows) {
        const bool discovers = row.opcode == 0x03 || row.opcode == 0x12 || row.opcode == 0xa0;
        EXPECT_EQ((row.flags & op_any_lun) != 0, discovers) << row.name;
        EXPECT_EQ((row.flags & op_with_unit_attention) != 0, discovers) << row.name;
    }
}

TEST(SpcRows, PickTakesTheRowsOfSomeOpcodes) {
    constexpr auto picked = pick_rows<5>(spc_rows, {0x00, 0x5e});
    EXPECT_EQ(picked[0].opcode, 0x00);
    EXPECT_EQ(picked[4].service_action, 3);
    static_assert(valid_table(picked));
}

}  // namespace
}  // namespace tgt::scsi
