// SPDX-License-Identifier: GPL-2.0-or-later
// SPACE, LOCATE, REWIND, READ POSITION: SSC-4 5.5, 7.3, 7.4, 7.7, 7.8.
#include <gtest/gtest.h>

#include "tests/unit/device/ssc/tape_bench.h"

namespace tgt::test {
namespace {

// Objects: b b F b F F b b F F F; 11 of them.
class Movement : public testing::Test {
  protected:
    void SetUp() override {
        bench.write_blocks(2, 512);
        bench.write_marks(1);
        bench.write_blocks(1, 512);
        bench.write_marks(2);
        bench.write_blocks(2, 512);
        bench.write_marks(3);
    }
    TapeBench bench;
};

struct Case {
    const char* what;
    uint32_t from;
    uint8_t code;
    int32_t count;
    uint32_t sense;  // 0: good
    std::optional<int64_t> residue;
    uint64_t to;
};

const Case cases[] = {
    {"no block", 3, over_blocks, 0, 0, {}, 3},
    {"blocks", 0, over_blocks, 2, 0, {}, 2},
    {"blocks, backwards", 2, over_blocks, -2, 0, {}, 0},
    {"blocks, filemark: behind it", 0, over_blocks, 5, filemark_detected, 3, 3},
    {"blocks, backwards, filemark: in front of it", 4, over_blocks, -3, filemark_detected, 2, 2},
    {"blocks, filemark at once", 2, over_blocks, 4, filemark_detected, 4, 3},
    {"blocks, beginning", 2, over_blocks, -5, beginning_of_partition, 3, 0},
    {"blocks, end of data", 11, over_blocks, 1, end_of_data, 1, 11},
    {"filemark", 0, over_filemarks, 1, 0, {}, 3},
    {"filemarks", 0, over_filemarks, 3, 0, {}, 6},
    {"filemarks, backwards: in front of it", 11, over_filemarks, -4, 0, {}, 5},
    {"filemarks, backwards, from behind one", 3, over_filemarks, -1, 0, {}, 2},
    {"filemarks, end of data", 0, over_filemarks, 8, end_of_data, 2, 11},
    {"filemarks, beginning", 6, over_filemarks, -5, beginning_of_partition, 2, 0},
    {"sequential, two", 0, over_sequential, 2, 0, {}, 6},
    {"sequential, three", 0, over_sequential, 3, 0, {}, 11},
    {"sequential, one", 0, over_sequential, 1, 0, {}, 3},
    {"sequential, from within", 9, over_sequential, 2, 0, {}, 11},
    {"sequential, none", 0, over_sequential, 4, end_of_data, {}, 11},
    {"sequential, backwards", 8, over_sequential, -2, 0, {}, 4},
    {"sequential, backwards, none", 8, over_sequential, -3, beginning_of_partition, {}, 0},
    {"end of data", 1, to_eod, 0, 0, {}, 11},
    {"end of data, whatever the count", 1, to_eod, 7, 0, {}, 11},
};

void expect(const Case& c, const Answer& answer, uint64_t object) {
    EXPECT_EQ(answer.sense(), c.sense) << c.what;
    EXPECT_EQ(information(answer), c.residue) << c.what;
    EXPECT_EQ(object, c.to) << c.what;
    if (!answer.outcome.sense) return;
    EXPECT_EQ(answer.outcome.sense->filemark, c.sense == filemark_detected) << c.what;
    EXPECT_EQ(answer.outcome.sense->end_of_medium, c.sense == beginning_of_partition) << c.what;
}

TEST_F(Movement, Space6_Ssc4_7_8) {
    for (const Case& c : cases) {
        ASSERT_TRUE(bench.run(locate10(c.from)).good());
        const Answer answer = bench.run(space(c.code, c.count));
        expect(c, answer, bench.object());
    }
}

TEST_F(Movement, Space16_Ssc4_7_9) {
    for (const Case& c : cases) {
        ASSERT_TRUE(bench.run(locate10(c.from)).good());
        const Answer answer = bench.run(space16(c.code, c.count));
        expect(c, answer, bench.object());
    }
}

TEST_F(Movement, Space16CountsFurtherThanSpace6) {
    const Answer answer = bench.run(space16(over_filemarks, INT64_MIN));
    EXPECT_EQ(answer.sense(), beginning_of_partition);
    EXPECT_EQ(uint64_t(*information(answer)), (uint64_t(1) << 63) - 6);
    EXPECT_EQ(bench.object(), 0u);
}

TEST_F(Movement, SpaceKnowsNoSetmarks_Ssc4_7_8) {
    for (uint8_t code : {4, 5, 15})
        EXPECT_EQ(bench.run(space(code, 1)).sense(), invalid_field_in_cdb) << int(code);
}

TEST_F(Movement, LocateGoesToAnObject_Ssc4_7_3) {
    for (uint32_t object : {5u, 0u, 11u, 3u}) {
        EXPECT_TRUE(bench.run(locate10(object)).good());
        EXPECT_EQ(bench.object(), object);
        EXPECT_TRUE(bench.run(rewind_cdb).good());
        EXPECT_TRUE(bench.run(locate16(0, object)).good());
        EXPECT_EQ(bench.object(), object);
    }
}

TEST_F(Movement, LocateBehindTheDataEndsThere_Ssc4_7_3) {
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(locate10(12)).sense(), end_of_data);
    EXPECT_EQ(bench.object(), 11u);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(locate16(1, 7)).sense(), end_of_data);
    EXPECT_EQ(bench.object(), 11u);
}

TEST_F(Movement, LocateGoesToAFileAndToTheEnd_Ssc4_7_4) {
    EXPECT_TRUE(bench.run(locate16(1, 3)).good());
    EXPECT_EQ(bench.object(), 6u);
    EXPECT_TRUE(bench.run(locate16(1, 0)).good());
    EXPECT_EQ(bench.object(), 0u);
    EXPECT_TRUE(bench.run(locate16(3, 0)).good());
    EXPECT_EQ(bench.object(), 11u);
    EXPECT_EQ(bench.run(locate16(2, 0)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.run(locate16(5, 0)).sense(), invalid_field_in_cdb);
}

TEST(Partitions, LocateChangesThemWithCpOnly_Ssc4_7_3) {
    TapeBench bench(mib, [](MemoryTape& tape) {
        const uint64_t sizes[] = {mib / 2, mib / 4};
        tape.format(sizes);
    });
    bench.write_blocks(2, 512);
    ASSERT_TRUE(bench.run(locate10(0, 1)).good());
    EXPECT_EQ(bench.partition(), 1u);
    bench.write_blocks(1, 100);
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.partition(), 1u);
    ASSERT_TRUE(bench.run(locate16(3, 0, 0)).good());
    EXPECT_EQ(bench.partition(), 0u);
    EXPECT_EQ(bench.object(), 2u);
    Bytes without_cp = locate10(1, 1);
    without_cp[1] = 0;
    ASSERT_TRUE(bench.run(without_cp).good());
    EXPECT_EQ(bench.partition(), 0u);
    const Answer answer = bench.run(locate10(0, 2));
    EXPECT_EQ(answer.sense(), invalid_field_in_cdb);
    EXPECT_EQ(answer.outcome.sense->specific_value, 8);
    EXPECT_EQ(bench.tape->all[1].objects.size(), 1u);
}

TEST_F(Movement, ReadPositionShortForm_Ssc4_7_7_2) {
    ASSERT_TRUE(bench.run(locate10(6)).good());
    for (uint8_t action : {0x00, 0x01}) {
        Bytes wanted(20);
        wanted[7] = wanted[11] = 6;
        EXPECT_EQ(bench.run(read_position(action)).data, wanted);
    }
    ASSERT_TRUE(bench.run(rewind_cdb).good());
    EXPECT_EQ(bench.run(read_position(0)).data[0], 0x80);  // BOP
}

TEST_F(Movement, ReadPositionLongForm_Ssc4_7_7_3) {
    ASSERT_TRUE(bench.run(locate10(6)).good());
    Bytes wanted(32);
    wanted[15] = 6;
    wanted[23] = 3;
    EXPECT_EQ(bench.run(read_position(0x06)).data, wanted);
}

TEST_F(Movement, ReadPositionExtendedForm_Ssc4_7_7_4) {
    ASSERT_TRUE(bench.run(locate10(6)).good());
    Bytes wanted(32);
    wanted[3] = 0x1c;
    wanted[15] = wanted[23] = 6;
    EXPECT_EQ(bench.run(read_position(0x08, 32)).data, wanted);
    EXPECT_EQ(bench.run(read_position(0x08, 4)).data, Bytes({0, 0, 0, 0x1c}));
    EXPECT_TRUE(bench.run(read_position(0x08, 0)).data.empty());
}

TEST_F(Movement, ReadPositionKnowsNoOtherForm_Ssc4_7_7) {
    EXPECT_EQ(bench.run(read_position(0x02)).sense(), invalid_field_in_cdb);
    EXPECT_EQ(bench.run(read_position(0x00, 20)).sense(), invalid_field_in_cdb);
}

}  // namespace
}  // namespace tgt::test
