// SPDX-License-Identifier: GPL-2.0-or-later
// LOG SENSE of a tape drive (SSC-4 8.2).
#include "device/ssc/log_pages.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/device/ssc_pages/paper_tape.h"
#include "wire/endian.h"

namespace tgt::ssc {
namespace {

using Page = void (*)(const LogFacts&, LogBody&);

struct Parameter {
    uint8_t control = 0;
    std::vector<uint8_t> value;
    uint64_t number() const {
        uint64_t n = 0;
        for (uint8_t byte : value) n = n << 8 | byte;
        return n;
    }
};

std::map<unsigned, Parameter> parameters(Page page, const LogFacts& facts) {
    LogBody body;
    page(facts, body);
    std::map<unsigned, Parameter> all;
    int last = -1;
    for (size_t at = 0; at < body.size();) {
        const unsigned code = unsigned(wire::load_be<2>(&body[at]));
        EXPECT_GT(int(code), last) << "in ascending order";
        last = int(code);
        const size_t length = body[at + 3];
        EXPECT_LE(at + 4 + length, body.size());
        all[code] = {body[at + 2],
                     {body.begin() + ptrdiff_t(at + 4), body.begin() + ptrdiff_t(at + 4 + length)}};
        at += 4 + length;
    }
    return all;
}

class TapeLogPages : public ::testing::Test {
  protected:
    TapeLogPages() {
        counters.mount.bytes_written.add(5000000007);
        counters.mount.stored_bytes_written.add(2500000000);
        counters.mount.bytes_read.add(3000000);
        counters.mount.stored_bytes_read.add(3000000);
        counters.mount.blocks_written.add(11);
        counters.mount.write_errors.add(2);
        counters.mount.read_errors.add(3);
        tape.facts.barcode = "ABC123L8";
        tape.facts.serial = "S0001";
        tape.facts.capacity = 12000000000000;
        tape.rooms = {{10000000000000, 1000000000000, 2000000000000}, {2000000000000, 0, 0}};
    }
    LogFacts facts() {
        LogFacts f{counters, "DRIVE1"};
        f.cartridge = &tape;
        f.loaded = true;
        f.thread_count = 42;
        return f;
    }
    Counters counters;
    test::PaperTape tape;
};

TEST_F(TapeLogPages, Spc4_7_3_5_ErrorCounters) {
    auto writes = parameters(log_write_errors, facts());
    ASSERT_EQ(writes.size(), 7u);
    EXPECT_EQ(writes[5].number(), 5000000007u);
    EXPECT_EQ(writes[6].number(), 2u);
    auto reads = parameters(log_read_errors, facts());
    EXPECT_EQ(reads[5].number(), 3000000u);
    EXPECT_EQ(reads[6].number(), 3u);
    EXPECT_EQ(parameters(log_non_medium_errors, facts())[0].number(), 0u);
}

TEST_F(TapeLogPages, Ssc4_8_2_3_SequentialAccess) {
    auto page = parameters(log_sequential_access, facts());
    EXPECT_EQ(page[0].number(), 5000000007u);
    EXPECT_EQ(page[1].number(), 2500000000u);
    EXPECT_EQ(page[2].number(), 3000000u);
    EXPECT_EQ(page[3].number(), 3000000u);
    EXPECT_EQ(page[4].number(), 2000000u);
    EXPECT_EQ(page[5].number(), 10000000u);
    EXPECT_EQ(page[7].number(), 1000000u);
    EXPECT_EQ(page[0].value.size(), 8u);
    LogFacts empty{counters, ""};
    EXPECT_EQ(parameters(log_sequential_access, empty).count(4), 0u);
}

TEST_F(TapeLogPages, Adc3_6_1_2_DeviceStatus) {
    auto with = facts();
    auto page = parameters(log_device_status, with);
    EXPECT_EQ(page[0].value, (std::vector<uint8_t>{0x01, 0x33, 0, 0}));
    with.prevented = with.compresses = with.write_protected = true;
    with.loaded = false;
    page = parameters(log_device_status, with);
    EXPECT_EQ(page[0].value, (std::vector<uint8_t>{0x99, 0x10, 0, 0}));
}

TEST_F(TapeLogPages, Ssc4_8_2_5_AlertsOneByOneAndTogether) {
    counters.raise(Alert::hard_error);
    counters.raise(Alert::worm_overwrite_attempted);
    auto page = parameters(log_alerts, facts());
    ASSERT_EQ(page.size(), 64u);
    for (unsigned flag = 1; flag <= 64; ++flag)
        EXPECT_EQ(page[flag].number(), flag == 3 || flag == 60 ? 1u : 0u) << flag;
    EXPECT_EQ(parameters(log_alert_response, facts())[0].number(), 0x2000000000000010u);
}

TEST_F(TapeLogPages, Ssc4_8_2_12_VolumeStatistics) {
    tape.facts.kind = store::TapeKind::worm;
    auto page = parameters(log_volume_statistics, facts());
    EXPECT_EQ(page[0].number(), 1u);
    EXPECT_EQ(page[1].number(), 42u);
    EXPECT_EQ(page[0x0e].number(), 5000u);
    EXPECT_EQ(page[0x12].number(), 200u);
    EXPECT_EQ(page[0x13].number(), 100u);
    EXPECT_EQ(page[0x16].number(), 12000000u);
    EXPECT_EQ(page[0x17].number(), 2000000u);
    EXPECT_EQ(std::string(page[0x42].value.begin(), page[0x42].value.end()),
              "ABC123L8                        ");
    EXPECT_EQ(page[0x81].number(), 1u);
    EXPECT_EQ(page[0x204].value, (std::vector<uint8_t>{7, 0, 0, 0, 0, 0x7a, 0x12, 0x00,  //
                                                       7, 0, 0, 1, 0, 0x1e, 0x84, 0x80}));
}

TEST_F(TapeLogPages, Ssc4_8_2_12_WithoutAVolumeThePageIsNotValid) {
    auto without = facts();
    without.loaded = false;
    auto page = parameters(log_volume_statistics, without);
    ASSERT_EQ(page.size(), 1u);
    EXPECT_EQ(page[0].number(), 0u);
}

TEST_F(TapeLogPages, Ssc4_8_2_10_CompressionRatiosAndAmounts) {
    auto with = facts();
    with.compresses = true;
    auto page = parameters(log_data_compression, with);
    EXPECT_EQ(page[0].number(), 100u);
    EXPECT_EQ(page[1].number(), 200u);
    EXPECT_EQ(page[2].number(), 3u);
    EXPECT_EQ(page[6].number(), 5000u);
    EXPECT_EQ(page[7].number(), 7u);
    EXPECT_EQ(page[8].number(), 2500u);
    EXPECT_EQ(page[0x100].number(), 1u);
    EXPECT_EQ(parameters(log_compression, with).count(0x100), 0u);
}

TEST_F(TapeLogPages, NothingStoredIsARatioOfOne) {
    Counters none;
    EXPECT_EQ(parameters(log_compression, {none, ""})[1].number(), 100u);
}

TEST_F(TapeLogPages, CapacityOfBothPartitionsInMebibytes) {
    auto page = parameters(log_capacity, facts());
    EXPECT_EQ(page[1].number(), 8000000000000u >> 20);
    EXPECT_EQ(page[2].number(), 2000000000000u >> 20);
    EXPECT_EQ(page[3].number(), 10000000000000u >> 20);
    EXPECT_EQ(page[4].number(), 2000000000000u >> 20);
    EXPECT_EQ(parameters(log_capacity, {counters, ""})[3].number(), 0u);
}

TEST_F(TapeLogPages, UsageAndStatisticsCountLoads) {
    counters.loads.add(7);
    counters.cleanings.add(1);
    EXPECT_EQ(parameters(log_usage, facts())[1].number(), 42u);
    auto page = parameters(log_device_statistics, facts());
    EXPECT_EQ(page[0].number(), 7u);
    EXPECT_EQ(page[1].number(), 1u);
    EXPECT_EQ(std::string(page[0x40].value.begin(), page[0x40].value.end()), "DRIVE1");
}

TEST_F(TapeLogPages, NumbersThatDoNotFitStayAtTheirMaximum) {
    counters.mount.write_errors.add(0x12345);
    EXPECT_EQ(parameters(log_usage, facts())[4].number(), 0xffffu);
}

}  // namespace
}  // namespace tgt::ssc
