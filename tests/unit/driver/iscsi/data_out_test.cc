// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/data_out.h"

#include <gtest/gtest.h>

#include "driver/iscsi/command_window.h"

namespace tgt::iscsi {
namespace {

using Error = DataOutError;

wire::DataOutPdu pdu(uint32_t ttt, uint32_t sn, uint32_t offset, bool final) {
    wire::DataOutPdu made;
    made.flags = final ? 0x80 : 0;
    made.target_transfer_tag = ttt;
    made.data_sn = sn;
    made.buffer_offset = offset;
    return made;
}
constexpr uint32_t none = wire::reserved_tag;

struct Transfer {
    DataOut data;
    Transfer(DataOutLimits limits, uint32_t wanted, uint32_t expected, bool more = false) {
        data.begin(limits, wanted, expected, more);
    }
    Error take(uint32_t ttt, uint32_t sn, uint32_t offset, uint32_t length, bool final) {
        auto p = pdu(ttt, sn, offset, final);
        Error error = data.check(p, length);
        if (error == Error::none) data.arrived(p, length);
        return error;
    }
};
constexpr DataOutLimits small{1024, 2048, 2};

TEST(DataOut, ImmediateDataAloneCompletes) {
    Transfer t(small, 512, 512);
    EXPECT_EQ(t.data.immediate(512), Error::none);
    EXPECT_TRUE(t.data.complete());
    EXPECT_FALSE(t.data.next_r2t(1));
}

TEST(DataOut, ImmediateDataIsBoundedByFirstBurstAndByWhatIsExpected) {  // 11.3, 13.14
    EXPECT_EQ(Transfer(small, 4096, 4096).data.immediate(1025), Error::incorrect_amount);
    EXPECT_EQ(Transfer(small, 512, 512).data.immediate(513), Error::incorrect_amount);
    EXPECT_EQ(Transfer(small, 4096, 4096).data.immediate(1024), Error::none);
}

TEST(DataOut, R2tsFollowTheImmediateDataInBurstsWithinTheLimit) {  // 11.8, 13.13, 13.17
    Transfer t(small, 6000, 6000);
    ASSERT_EQ(t.data.immediate(500), Error::none);
    auto a = t.data.next_r2t(10), b = t.data.next_r2t(11);
    ASSERT_TRUE(a && b);
    EXPECT_FALSE(t.data.next_r2t(12)) << "MaxOutstandingR2T is 2";
    EXPECT_EQ(a->offset, 500u);
    EXPECT_EQ(a->length, 2048u);
    EXPECT_EQ(b->offset, 2548u);
    EXPECT_EQ(a->sn, 0u);
    EXPECT_EQ(b->sn, 1u);
    EXPECT_EQ(t.take(10, 0, 500, 2048, true), Error::none);
    auto c = t.data.next_r2t(12);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->offset, 4596u);
    EXPECT_EQ(c->length, 1404u);
    EXPECT_EQ(t.take(11, 0, 2548, 2000, false), Error::none);
    EXPECT_EQ(t.take(11, 1, 4548, 48, true), Error::none);
    EXPECT_FALSE(t.data.complete());
    EXPECT_EQ(t.take(12, 0, 4596, 1404, true), Error::none);
    EXPECT_TRUE(t.data.complete());
    EXPECT_EQ(t.data.r2ts_sent(), 3u);
}

TEST(DataOut, UnsolicitedDataEndsWithTheFinalBit) {
    Transfer t(small, 4096, 4096, true);
    EXPECT_FALSE(t.data.next_r2t(1)) << "not before the unsolicited burst is over";
    EXPECT_EQ(t.take(none, 0, 0, 512, false), Error::none);
    EXPECT_EQ(t.take(none, 1, 512, 512, true), Error::none);
    EXPECT_FALSE(t.data.unsolicited_open());
    EXPECT_EQ(t.take(none, 2, 1024, 4, true), Error::unexpected_unsolicited);
    EXPECT_EQ(t.data.next_r2t(1)->offset, 1024u);
}

TEST(DataOut, UnsolicitedDataBeyondFirstBurstIsWrong) {
    Transfer t(small, 4096, 4096, true);
    ASSERT_EQ(t.data.immediate(1000), Error::none);
    EXPECT_EQ(t.take(none, 0, 1000, 25, true), Error::incorrect_amount);
    EXPECT_EQ(t.take(none, 0, 1000, 24, true), Error::none);
}

TEST(DataOut, UnsolicitedDataInR2tModeIsWrong) {
    Transfer t(small, 4096, 4096);
    EXPECT_EQ(t.take(none, 0, 0, 512, true), Error::unexpected_unsolicited);
}

TEST(DataOut, SequenceErrors) {  // 11.7.3 to 11.7.6
    Transfer t(small, 4096, 4096);
    EXPECT_EQ(t.take(5, 0, 0, 512, false), Error::bad_sequence) << "no R2T yet";
    ASSERT_TRUE(t.data.next_r2t(5) && t.data.next_r2t(6));
    EXPECT_EQ(t.take(6, 0, 2048, 512, false), Error::bad_sequence) << "out of order";
    EXPECT_EQ(t.take(5, 1, 0, 512, false), Error::bad_sequence) << "DataSN";
    EXPECT_EQ(t.take(5, 0, 4, 512, false), Error::bad_sequence) << "offset";
    EXPECT_EQ(t.take(5, 0, 0, 2049, true), Error::incorrect_amount) << "too much";
    EXPECT_EQ(t.take(5, 0, 0, 2047, true), Error::incorrect_amount) << "F too early";
    EXPECT_EQ(t.take(5, 0, 0, 2048, false), Error::bad_sequence) << "F missing";
    EXPECT_EQ(t.take(5, 0, 0xffffffff, 2, true), Error::bad_sequence);
    EXPECT_EQ(t.take(5, 0, 0, 2048, true), Error::none);
}

TEST(DataOut, WhatTheCommandDoesNotTakeIsNotAskedFor) {
    Transfer t(small, 512, 1024, true);
    EXPECT_EQ(t.take(none, 0, 0, 1024, true), Error::none);
    EXPECT_TRUE(t.data.complete());
    EXPECT_FALSE(t.data.next_r2t(1));
}

// --- CommandWindow --------------------------------------------------------------------------

using Verdict = CommandWindow::Verdict;

TEST(CommandWindow, SerialNumbersWrap) {  // RFC 1982
    EXPECT_TRUE(sn_before(1, 2));
    EXPECT_FALSE(sn_before(2, 2));
    EXPECT_TRUE(sn_before(0xffffffff, 0));
    EXPECT_FALSE(sn_before(0, 0xffffffff));
    EXPECT_TRUE(sn_before(0xfffffff0, 0x10));
}

TEST(CommandWindow, JudgesAroundTheWrap) {  // RFC 7143 4.2.2.1
    CommandWindow w;
    w.begin(0xfffffffe, 4);  // fffffffe ffffffff 0 1
    EXPECT_EQ(w.max(), 1u);
    EXPECT_EQ(w.judge(0xfffffffe), Verdict::in_order);
    EXPECT_EQ(w.judge(1), Verdict::early);
    EXPECT_EQ(w.judge(2), Verdict::ignore);
    EXPECT_EQ(w.judge(0xfffffffd), Verdict::ignore);
    for (int i = 0; i < 4; ++i) w.accept();
    EXPECT_EQ(w.judge(2), Verdict::ignore) << "the window is closed";
    w.release(4);
    EXPECT_EQ(w.judge(2), Verdict::in_order);
    EXPECT_EQ(w.judge(3), Verdict::ignore);
}

TEST(CommandWindow, OpensToItsDepthButNeverCloses) {  // RFC 7143 4.2.2.1
    CommandWindow w;
    w.begin(1, 4);
    for (int i = 0; i < 4; ++i) w.accept();
    EXPECT_EQ(w.max(), 4u);
    w.release(2);
    w.release(2);
    EXPECT_EQ(w.max(), 4u) << "two are in flight, and that is all there may be";
    EXPECT_EQ(w.size(), 2u);
    w.release(2);
    EXPECT_EQ(w.max(), 5u);
    w.release(8);
    EXPECT_EQ(w.max(), 12u);
    w.accept();
    w.release(2);
    EXPECT_EQ(w.max(), 12u) << "what was promised stays so";
    EXPECT_EQ(w.size(), 7u);
}

}  // namespace
}  // namespace tgt::iscsi
