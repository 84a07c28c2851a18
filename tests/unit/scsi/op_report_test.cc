// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/op_report.h"

#include <gtest/gtest.h>

#include "scsi/log_pages.h"
#include "scsi/spc_commands.h"
#include "wire/endian.h"

namespace tgt::scsi {
namespace {

using Bytes = std::vector<uint8_t>;

OpReportRequest request(uint8_t options, uint8_t opcode = 0, uint16_t action = 0) {
    OpReportRequest out;
    out.options = options;
    out.opcode = opcode;
    out.service_action = action;
    return out;
}
auto report(const OpReportRequest& wanted, bool thin = false) {
    return supported_operation_codes(spc_rows, thin, wanted);
}
const Bytes unsupported = {0, 1, 0, 0};
const Bytes inquiry_usage = {0, 3, 0, 6, 0x12, 0x01, 0xff, 0xff, 0xff, 0x00};

TEST(ReportOpcodes, AllCommandsAsDescriptors_Spc4_6_35_2) {
    const auto data = report(request(0));
    ASSERT_EQ(data->size(), 4 + 8 * spc_rows.size());
    EXPECT_EQ(wire::load_be<4>(data->data()), 8 * spc_rows.size());
    EXPECT_EQ(Bytes(data->begin() + 4, data->begin() + 12), Bytes({0, 0, 0, 0, 0, 0, 0, 6}));
    const size_t read_reservation = 4 + 8 * 14;
    EXPECT_EQ(Bytes(data->begin() + read_reservation, data->begin() + read_reservation + 8),
              Bytes({0x5e, 0, 0, 1, 0, 1, 0, 10}));
}

TEST(ReportOpcodes, TimeoutDescriptorsFollowWithRctd_Spc4_6_35_4) {
    auto wanted = request(0);
    wanted.timeouts = true;
    const auto all = report(wanted);
    ASSERT_EQ(all->size(), 4 + 20 * spc_rows.size());
    EXPECT_EQ(Bytes(all->begin() + 4, all->begin() + 24),
              Bytes({0, 0, 0, 0, 0, 2, 0, 6, 0, 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0}));
    wanted = request(1, 0x12);
    wanted.timeouts = true;
    const auto one = report(wanted);
    EXPECT_EQ((*one)[1], 0x83);
    EXPECT_EQ(one->size(), 4u + 6 + 12);
}

TEST(ReportOpcodes, OneCommandShowsItsUsage_Spc4_6_35_3) {
    EXPECT_EQ(*report(request(1, 0x12)), inquiry_usage);
    EXPECT_EQ(*report(request(3, 0x12)), inquiry_usage);
    EXPECT_EQ(*report(request(2, 0x5e, 3)),
              Bytes({0, 3, 0, 10, 0x5e, 3, 0, 0, 0, 0, 0, 0xff, 0xff, 0}));
    EXPECT_EQ(*report(request(3, 0x5e, 3)), *report(request(2, 0x5e, 3)));
}

TEST(ReportOpcodes, UnknownCommandsAreNotSupported) {
    for (uint8_t options : {1, 2, 3}) EXPECT_EQ(*report(request(options, 0xc1)), unsupported);
    EXPECT_EQ(*report(request(2, 0x5e, 9)), unsupported);
    EXPECT_EQ(*report(request(3, 0x5e, 9)), unsupported);
    EXPECT_EQ(*report(request(3, 0x12, 1)), unsupported);
}

TEST(ReportOpcodes, OptionsMustFitTheOpcode_Spc4Table190) {
    const Sense wrong = sense::invalid_field_in_cdb(2, 2);
    EXPECT_EQ(report(request(1, 0x5e)).error(), wrong);
    EXPECT_EQ(report(request(2, 0x12)).error(), wrong);
    for (uint8_t options : {4, 5, 6, 7}) EXPECT_EQ(report(request(options)).error(), wrong);
}

TEST(ReportOpcodes, ThinOnlyCommandsCountOnThinUnitsOnly) {
    std::array<OpRow, 1> rows = {spc_rows[0]};
    rows[0].flags |= op_thin_only;
    EXPECT_EQ(supported_operation_codes(rows, false, request(0))->size(), 4u);
    EXPECT_EQ(supported_operation_codes(rows, true, request(0))->size(), 12u);
    EXPECT_EQ(*supported_operation_codes(rows, false, request(1, 0)), unsupported);
}

TEST(ReportTaskFunctions, BasicAndExtended_Spc4_6_36) {
    EXPECT_EQ(supported_task_functions(false), Bytes({0xda, 0, 0, 0}));
    const Bytes extended = supported_task_functions(true);
    ASSERT_EQ(extended.size(), 16u);
    EXPECT_EQ(extended[3], 0x0c);
}

void nothing(const Command&, std::vector<uint8_t>&) {}
constexpr LogPage pages[] = {{0x0d, 0, nothing}, {0x0d, 1, nothing}, {0x11, 0, nothing}};

TEST(LogPages, SupportedPagesNameEachCodeOnce_Spc4_7_3) {
    EXPECT_EQ(supported_log_pages(pages), Bytes({0x00, 0x0d, 0x11}));
    EXPECT_EQ(supported_log_pages({}), Bytes({0x00}));
    EXPECT_EQ(supported_log_subpages(pages), Bytes({0, 0, 0, 0xff, 0x0d, 0, 0x0d, 1, 0x11, 0}));
}

TEST(LogPages, ParameterPointerDropsLowerCodes) {
    const Bytes parameters = {0, 1, 3, 1, 9, 1, 0, 3, 2, 8, 7};
    EXPECT_EQ(parameters_from(parameters, 0), parameters);
    EXPECT_EQ(parameters_from(parameters, 2), Bytes({1, 0, 3, 2, 8, 7}));
    EXPECT_TRUE(parameters_from(parameters, 0x101).empty());
}

}  // namespace
}  // namespace tgt::scsi
