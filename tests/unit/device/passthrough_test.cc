// SPDX-License-Identifier: GPL-2.0-or-later
// What reaches the device, and what of its answer reaches the initiator.
#include "tests/unit/device/passthrough_fixture.h"

namespace tgt::test {
namespace {

using scsi::Status;
using store::Delivery;
using store::ScsiReply;
using Bytes = std::vector<uint8_t>;

const Bytes fixed_sense{0xf0, 0, 3, 0, 0, 0x12, 0x34, 10, 0, 0, 0, 0, 0x11, 0x05, 0, 0, 0, 0};

ScsiReply status_reply(uint8_t status, Bytes sense = {}) {
    ScsiReply reply = good_reply();
    reply.status = status;
    reply.sense = std::move(sense);
    return reply;
}

TEST_F(PassthroughTest, EveryCommandReachesTheDeviceInItsOwnLength) {
    struct Case {
        uint8_t opcode;
        size_t length;
    };
    // INQUIRY, REPORT LUNS, PERSISTENT RESERVE and reserved ones are no exceptions.
    for (const Case& one : {Case{0x12, 6}, Case{0x1f, 6}, Case{0x28, 10}, Case{0x5f, 10},
                            Case{0x88, 16}, Case{0xa0, 12}, Case{0xc1, 10}}) {
        EXPECT_TRUE(run({one.opcode, 0x40}).good());
        const auto came = port.came().back();
        EXPECT_EQ(came.cdb[0], one.opcode);
        EXPECT_EQ(came.cdb[1], 0x40);
        EXPECT_EQ(came.cdb.size(), one.length) << "opcode " << int(one.opcode);
    }
}

TEST_F(PassthroughTest, AVendorSpecificCdbKeepsAllThatIsNotZero) {
    Bytes cdb(16);
    cdb[0] = 0xc1;
    cdb[11] = 1;
    run(cdb);
    EXPECT_EQ(port.came().back().cdb.size(), 12u);
    cdb[15] = 1;
    run(cdb);
    EXPECT_EQ(port.came().back().cdb, cdb);
}

TEST_F(PassthroughTest, AVariableLengthCdbIsPassedWhole) {
    Bytes cdb(32, 0x5a);
    cdb[0] = 0x7f;
    cdb[7] = 24;
    EXPECT_TRUE(run(cdb).good());
    EXPECT_EQ(port.came().back().cdb, cdb);
}

// SPC-5 4.2.3: ADDITIONAL CDB LENGTH.
TEST_F(PassthroughTest, AVariableLengthCdbThatIsCutIsRefused) {
    Bytes cdb(20);
    cdb[0] = 0x7f;
    cdb[7] = 24;
    const Answer answer = run(cdb);
    EXPECT_EQ(answer.sense(), 0x052400u);
    EXPECT_EQ(answer.outcome.sense->specific_value, 7);
    EXPECT_TRUE(port.came().empty());
}

TEST_F(PassthroughTest, DataFromTheDeviceComesWithItsResidual) {
    ScsiReply reply = good_reply();
    reply.residual = 4;
    port.answer(reply, pattern(12, 5));
    const Answer answer = run({0x12}, in(16));
    EXPECT_EQ(port.came().back().in_length, 16u);
    EXPECT_EQ(answer.data, pattern(12, 5));
    EXPECT_EQ(answer.in_total, 12u);
}

TEST_F(PassthroughTest, AnOverrunIsAnOverflow) {
    ScsiReply reply = good_reply();
    reply.residual = -8;
    port.answer(reply, pattern(16, 5));
    const Answer answer = run({0x12}, in(16));
    EXPECT_EQ(answer.data.size(), 16u);
    EXPECT_EQ(answer.in_total, 24u);
}

TEST_F(PassthroughTest, DataThatTheDeviceOnlyClaimsIsZero) {
    port.answer(good_reply(), pattern(4096, 0xaa));
    run({0x28}, in(4096));
    port.answer(good_reply(), {});
    EXPECT_EQ(run({0x28}, in(4096)).data, Bytes(4096));
}

TEST_F(PassthroughTest, DataOfSeveralPiecesGoesBothWays) {
    const Bytes data = pattern(3 << 20, 9);
    port.answer(good_reply(), data);
    EXPECT_EQ(run({0x28}, in(data.size())).data, data);
    EXPECT_TRUE(run({0x2a}, out(data)).good());
    EXPECT_EQ(port.came().back().data, data);
}

TEST_F(PassthroughTest, DataToTheDeviceComesWithItsResidual) {
    ScsiReply reply = good_reply();
    reply.residual = 500;
    port.answer(reply);
    const Answer answer = run({0x2a}, out(pattern(512, 1)));
    EXPECT_EQ(port.came().back().data, pattern(512, 1));
    EXPECT_EQ(answer.out_total, 12u);
}

TEST_F(PassthroughTest, EveryStatusIsTheDevices) {
    for (uint8_t status : {0x04, 0x08, 0x18, 0x28, 0x30, 0x40})
        EXPECT_EQ(uint8_t(run_answered(status_reply(status)).status()), status);
}

TEST_F(PassthroughTest, SenseDataIsPassedByteForByteAndDataStays) {
    ScsiReply reply = status_reply(0x02, fixed_sense);
    reply.residual = 8;
    port.answer(reply, pattern(8, 3));
    const Answer answer = run({0x28}, in(16));
    EXPECT_EQ(answer.status(), Status::check_condition);
    EXPECT_EQ(answer.sense_data, fixed_sense);
    EXPECT_EQ(answer.data, pattern(8, 3));
    EXPECT_EQ(answer.in_total, 8u);
}

// SPC-5 4.4.1.
TEST_F(PassthroughTest, SenseDataWithGoodIsPassed) {
    const Answer answer = run_answered(status_reply(0x00, fixed_sense));
    EXPECT_EQ(answer.status(), Status::good);
    EXPECT_EQ(answer.sense_data, fixed_sense);
}

// RFC 7143 11.4.7: CHECK CONDITION has sense data.
TEST_F(PassthroughTest, CheckConditionWithoutSenseDataGetsSome) {
    EXPECT_EQ(run_answered(status_reply(0x02), in(512)).sense(), 0x0b4400u);
}

TEST_F(PassthroughTest, WhatTheDeviceDidNotAnswerIsNeverGood) {
    struct Case {
        Delivery delivery;
        Status status;
        uint32_t sense;
    };
    for (const Case& one : {Case{Delivery::no_device, Status::check_condition, 0x020400},
                            Case{Delivery::busy, Status::busy, 0},
                            Case{Delivery::timed_out, Status::check_condition, 0x0b2e02},
                            Case{Delivery::ended, Status::check_condition, 0x0b0000},
                            Case{Delivery::link_failed, Status::check_condition, 0x0b0800},
                            Case{Delivery::conflict, Status::reservation_conflict, 0},
                            Case{Delivery::unsupported, Status::check_condition, 0x052000},
                            Case{Delivery::too_large, Status::check_condition, 0x052400},
                            Case{Delivery::failed, Status::check_condition, 0x044400}}) {
        ScsiReply reply;
        reply.delivery = one.delivery;
        const Answer answer = run_answered(reply, in(512));
        EXPECT_EQ(answer.status(), one.status) << int(one.delivery);
        EXPECT_EQ(answer.sense(), one.sense) << int(one.delivery);
        EXPECT_TRUE(answer.data.empty());
        EXPECT_EQ(answer.in_total, 0u);
    }
}

TEST_F(PassthroughTest, TwoDirectionsAreRefused) {
    Bench::Send send = out(pattern(8, 1));
    send.expected_in = 8;
    EXPECT_EQ(run({0x53}, send).sense(), 0x052000u);
    EXPECT_TRUE(port.came().empty());
}

TEST_F(PassthroughTest, MoreDataThanOneBufferHoldsIsRefused) {
    EXPECT_EQ(run({0x28}, in(io::Buffer::max_bytes + 1)).sense(), 0x052400u);
    EXPECT_TRUE(port.came().empty());
}

TEST_F(PassthroughTest, UnitAttentionsAreTheDevicesAlone) {
    Bench::Send send = in(0);
    send.nexus = bench.login("iqn.i1", 0, true);
    EXPECT_TRUE(run({0x00}, send).good());
    EXPECT_TRUE(run_answered(status_reply(0x02, {0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0}))
                    .sense_data[2] == 6);
}

TEST_F(PassthroughTest, AnOfflineUnitIsNotReady) {
    bench.edit([](scsi::LunState& state) { state.online = false; });
    EXPECT_EQ(run({0x00}).sense(), 0x020403u);
    EXPECT_TRUE(port.came().empty());
}

TEST_F(PassthroughTest, AUnitWhoseHandleWasClosedIsNotReady) {
    bench.store->port = nullptr;
    EXPECT_EQ(run({0x00}).sense(), 0x020400u);
}

struct Observer final : scsi::StoreObserver {
    int error = 0;
    void store_failed(const std::shared_ptr<scsi::LogicalUnit>&, int failure) override {
        error = failure;
    }
    void flush_failed(const std::shared_ptr<scsi::LogicalUnit>&, int) override {}
};

TEST_F(PassthroughTest, ADeviceThatIsGoneIsReported) {
    Observer observer;
    bench.unit->set_observer(&observer);
    ScsiReply reply;
    reply.delivery = Delivery::no_device;
    run_answered(reply);
    bench.settle();
    EXPECT_EQ(observer.error, ENODEV);
}

}  // namespace
}  // namespace tgt::test
