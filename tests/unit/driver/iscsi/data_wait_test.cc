// SPDX-License-Identifier: GPL-2.0-or-later
// Data-Out that comes late or never: the bound of the wait, and aborted commands.
#include "tests/unit/driver/iscsi/connection_fixture.h"
#include "wire/endian.h"

namespace tgt::iscsi {
namespace {

class DataWaitTest : public ConnectionTest {
  protected:
    void SetUp() override { open("ImmediateData=No|"); }
    wire::R2tPdu begin_write(uint32_t tag, uint16_t blocks = 4) {
        peer_->send(peer_->command(write10(0, blocks), tag, blocks * 512u, false, true));
        return peer_->one().as<wire::R2tPdu>();
    }
    // Key, ASC and ASCQ of a SCSI Response as one number; 0 without sense.
    static uint32_t sense_of(const Reply& reply) {
        if (reply.opcode() != Opcode::scsi_response || reply.data.size() < 16) return 0;
        const uint8_t* sense = &reply.data[2];
        return uint32_t(sense[2] & 15) << 16 | uint32_t(sense[12]) << 8 | sense[13];
    }
    size_t timers() { return bench_.registry->context(0).worker.timers().size(); }
    size_t buffers() { return bench_.registry->context(0).worker.buffers().bytes_in_use(); }
};
constexpr uint32_t response_timeout = 0x0b4b06;  // INITIATOR RESPONSE TIMEOUT

TEST_F(DataWaitTest, ACommandForWhichNoDataComesEndsAndFreesItsMemory) {
    const auto r2t = begin_write(5);
    bench_.scsi.pass(179s);
    EXPECT_TRUE(peer_->replies().empty());
    bench_.scsi.pass(2s);
    const Reply reply = peer_->one();
    EXPECT_EQ(sense_of(reply), response_timeout);
    EXPECT_EQ(reply.as<wire::ScsiResponsePdu>().residual_count, 2048u);
    EXPECT_EQ(buffers(), 0u);
    peer_->send(peer_->data_out(r2t, 0, 0, true), pattern(2048, 1));
    peer_->send(nop(7));
    EXPECT_EQ(peer_->one().opcode(), Opcode::nop_in) << "what comes later is dropped in silence";
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 0u);
}

TEST_F(DataWaitTest, EachPieceOfDataPutsTheEndOff) {
    const auto r2t = begin_write(5);
    for (uint32_t i = 0; i < 3; ++i) {
        bench_.scsi.pass(170s);
        peer_->send(peer_->data_out(r2t, i, i * 512, false), pattern(512, 1));
        EXPECT_TRUE(peer_->replies().empty());
    }
    bench_.scsi.pass(181s);
    EXPECT_EQ(sense_of(peer_->one()), response_timeout);
}

TEST_F(DataWaitTest, EmptyPdusDoNotPutTheEndOff) {
    const auto r2t = begin_write(5);
    bench_.scsi.pass(170s);
    peer_->send(peer_->data_out(r2t, 0, 0, false));
    EXPECT_TRUE(peer_->replies().empty());
    bench_.scsi.pass(11s);
    EXPECT_EQ(sense_of(peer_->one()), response_timeout);
}

TEST_F(DataWaitTest, UnsolicitedDataThatDoesNotComeIsNotWaitedForEither) {
    bench_.parameters.values.set(ParamId::initial_r2t, 0);
    open("InitialR2T=No|ImmediateData=No|");
    auto pdu = peer_->command(write10(0, 4), 5, 2048, false, true);
    pdu.flags &= 0x7f;
    peer_->send(pdu);
    EXPECT_TRUE(peer_->replies().empty());
    bench_.scsi.pass(181s);
    EXPECT_EQ(sense_of(peer_->one()), response_timeout);
}

TEST_F(DataWaitTest, EveryCommandHasItsOwnEnd) {
    begin_write(5);
    bench_.scsi.pass(60s);
    begin_write(6);
    bench_.scsi.pass(121s);
    EXPECT_EQ(peer_->one().bhs.initiator_task_tag, 5u);
    bench_.scsi.pass(58s);
    EXPECT_TRUE(peer_->replies().empty());
    bench_.scsi.pass(2s);
    EXPECT_EQ(peer_->one().bhs.initiator_task_tag, 6u);
}

TEST_F(DataWaitTest, TheBoundIsTheTargets) {
    bench_.parameters.values.set(ParamId::data_out_timeout, 4);
    open("ImmediateData=No|");
    begin_write(5);
    bench_.scsi.pass(5s);
    EXPECT_EQ(sense_of(peer_->one()), response_timeout);
    bench_.parameters.values.set(ParamId::data_out_timeout, 0);
    open("ImmediateData=No|");
    begin_write(5);
    bench_.scsi.pass(std::chrono::hours(24));
    EXPECT_TRUE(peer_->replies().empty()) << "0: for ever";
}

TEST_F(DataWaitTest, OneAlarmForAllCommandsAndNoneWhenNothingWaits) {
    const size_t idle = timers();
    std::vector<wire::R2tPdu> r2ts;
    for (uint32_t tag = 1; tag <= 20; ++tag) r2ts.push_back(begin_write(tag, 1));
    EXPECT_EQ(timers(), idle + 1);
    for (const auto& r2t : r2ts) peer_->send(peer_->data_out(r2t, 0, 0, true), pattern(512, 1));
    EXPECT_EQ(peer_->replies().size(), 20u);
    EXPECT_EQ(timers(), idle);
}

TEST_F(DataWaitTest, TheEndMayComeInTheMiddleOfAPdu) {
    const auto r2t = begin_write(5, 64);
    auto bytes = Peer::encode(
        wire::from_bytes<wire::Bhs>(wire::bytes_of(peer_->data_out(r2t, 0, 0, true)).data()),
        pattern(32768, 1));
    const auto half = bytes.begin() + 20000;
    peer_->raw({bytes.begin(), half});
    bench_.scsi.pass(181s);
    EXPECT_EQ(sense_of(peer_->one()), response_timeout);
    EXPECT_EQ(buffers(), 0u);
    peer_->raw({half, bytes.end()});
    peer_->send(nop(7));
    EXPECT_EQ(peer_->one().opcode(), Opcode::nop_in);
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 0u);
}

TEST_F(DataWaitTest, AClosedConnectionLeavesNoAlarm) {
    begin_write(5);
    peer_->hang_up();
    bench_.scsi.pass(200s);
    EXPECT_EQ(bench_.registry->context(0).tasks.in_use(), 0u);
}

// open-iscsi's FastAbort: R2Ts of aborted tasks are never answered. Others answer them late.
class AbortedWrites : public DataWaitTest,
                      public testing::WithParamInterface<wire::TaskFunction> {};

TEST_P(AbortedWrites, AreAnsweredAtOnceAndTheirLateDataIsDropped) {  // 11.5.1, 4.2.3.3
    std::vector<wire::R2tPdu> r2ts;
    for (uint32_t tag = 1; tag <= 128; ++tag) r2ts.push_back(begin_write(tag));
    peer_->send(manage(GetParam(), 1000));
    const Reply done = peer_->one();
    ASSERT_EQ(done.opcode(), Opcode::task_management_response);
    EXPECT_EQ(done.as<wire::TaskManagementResponsePdu>().response, 0);
    EXPECT_EQ(buffers(), 0u);
    for (const auto& r2t : r2ts) peer_->send(peer_->data_out(r2t, 0, 0, true), pattern(2048, 1));
    EXPECT_TRUE(peer_->replies().empty());
    EXPECT_TRUE(bench_.connected(peer_->id));
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 0u);
    if (GetParam() == wire::TaskFunction::logical_unit_reset)  // raised a unit attention
        bench_.session(peer_->tsih)->nexus()->find(1)->attentions.clear_all();
    begin_write(1);
}

INSTANTIATE_TEST_SUITE_P(Functions, AbortedWrites,
                         testing::Values(wire::TaskFunction::abort_task_set,
                                         wire::TaskFunction::clear_task_set,
                                         wire::TaskFunction::logical_unit_reset));

TEST_F(DataWaitTest, AWindowOfCommandsThatFailBeforeTheirDataCameIsNoError) {
    bench_.parameters.values.set(ParamId::initial_r2t, 0);
    open("InitialR2T=No|ImmediateData=No|");
    for (uint32_t tag = 1; tag <= 128; ++tag) {
        auto pdu = peer_->command(write10(0xffffff, 4), tag, 2048, false, true);
        pdu.flags &= 0x7f;
        peer_->send(pdu);
    }
    EXPECT_EQ(peer_->replies().size(), 128u);
    for (uint32_t tag = 1; tag <= 128; ++tag) {
        wire::R2tPdu unsolicited;
        unsolicited.initiator_task_tag = tag;
        unsolicited.target_transfer_tag = wire::reserved_tag;
        peer_->send(peer_->data_out(unsolicited, 0, 0, true), pattern(2048, 1));
    }
    EXPECT_TRUE(peer_->replies().empty());
}

}  // namespace
}  // namespace tgt::iscsi
