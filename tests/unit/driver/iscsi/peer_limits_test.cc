// SPDX-License-Identifier: GPL-2.0-or-later
// What a peer may hold, and for how long: output that it does not take, memory, early PDUs.
#include "tests/unit/driver/iscsi/connection_fixture.h"

namespace tgt::iscsi {
namespace {

constexpr size_t mebibyte = size_t(1) << 20;

class PeerLimitsTest : public ConnectionTest {
  protected:
    // READs of 1 MiB in one piece: those that fit one receive arrive together.
    void ask_for_mebibytes(uint32_t count) {
        std::vector<uint8_t> burst;
        for (uint32_t tag = 1; tag <= count; ++tag) {
            const auto pdu = peer_->command(read10(0, 2048), tag, mebibyte, true, false);
            const auto bytes =
                Peer::encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()));
            burst.insert(burst.end(), bytes.begin(), bytes.end());
        }
        peer_->raw(burst);
    }
    size_t reads() { return bench_.scsi.store->count(store::OpKind::read); }
    WorkerContext& context() { return bench_.registry->context(0); }
    // How many bytes of `pdu`, over and over, the target takes before it stops.
    size_t pour(const std::vector<uint8_t>& pdu, size_t most) {
        std::vector<uint8_t> piece;
        while (piece.size() < 100000) piece.insert(piece.end(), pdu.begin(), pdu.end());
        size_t taken = 0;
        for (size_t n = piece.size(); taken < most && n == piece.size(); taken += n)
            n = peer_->push(piece);
        return taken;
    }
};

TEST_F(PeerLimitsTest, ABurstOfCommandsStopsWhereTheOutputIsFull) {
    ask_for_mebibytes(100);
    EXPECT_LT(reads(), 40u);
    size_t statuses = 0;
    for (const Reply& reply : peer_->replies()) statuses += reply.bhs.flags & 1;
    EXPECT_EQ(statuses, 100u) << "the rest is carried out when there is room again";
}

TEST_F(PeerLimitsTest, APeerThatTakesNothingIsDisconnectedAndItsMemoryIsFree) {
    ask_for_mebibytes(100);
    bench_.scsi.pass(29s);
    EXPECT_TRUE(bench_.connected(peer_->id));
    bench_.scsi.pass(2s);
    EXPECT_FALSE(bench_.connected(peer_->id));
    EXPECT_EQ(bench_.session_count(), 0u);
    EXPECT_EQ(context().tasks.in_use(), 0u);
    EXPECT_EQ(context().worker.buffers().bytes_in_use(), 0u);
}

TEST_F(PeerLimitsTest, CommandsWithTheStoreAreAbandonedWithAPeerThatTakesNothing) {
    ask_for_mebibytes(40);
    begin_hung();
    ask_for_mebibytes(1);
    bench_.scsi.pass(31s);
    EXPECT_FALSE(bench_.connected(peer_->id));
    let_go();
    EXPECT_EQ(context().tasks.in_use(), 0u);
}

TEST_F(PeerLimitsTest, ASlowPeerStays) {
    ask_for_mebibytes(20);
    for (int i = 0; i < 5; ++i) {
        bench_.scsi.pass(20s);
        ASSERT_GT(peer_->drink(100000), 0u);
        bench_.scsi.settle();
    }
    EXPECT_TRUE(bench_.connected(peer_->id));
    for (int i = 0; i < 5; ++i) bench_.scsi.pass(8s);
    EXPECT_FALSE(bench_.connected(peer_->id)) << "it has stopped now";
}

TEST_F(PeerLimitsTest, SendTimeoutIsTheTargets) {
    bench_.parameters.values.set(ParamId::send_timeout, 5);
    open();
    ask_for_mebibytes(20);
    bench_.scsi.pass(6s);
    EXPECT_FALSE(bench_.connected(peer_->id));
}

TEST_F(PeerLimitsTest, WithoutSendTimeoutThePeerMayTakeItsTime) {
    bench_.parameters.values.set(ParamId::send_timeout, 0);
    open();
    ask_for_mebibytes(20);
    bench_.scsi.pass(3600s);
    EXPECT_EQ(peer_->replies().size(), 20 * mebibyte / 8192);
}

TEST_F(PeerLimitsTest, NoAlarmIsLeftWhenAllIsSent) {
    const size_t before = context().worker.timers().size();
    ask_for_mebibytes(20);
    EXPECT_GT(context().worker.timers().size(), before);
    peer_->replies();
    EXPECT_EQ(context().worker.timers().size(), before);
}

TEST_F(PeerLimitsTest, EchoesThatAreNotTakenStopTheInput) {  // 11.18
    const auto pdu =
        Peer::encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(nop(7)).data()), pattern(8000, 1));
    const size_t taken = pour(pdu, 64 * mebibyte);
    EXPECT_LT(taken, 4 * mebibyte) << "what the sockets hold, and little more";
    EXPECT_GE(peer_->replies().size(), taken / pdu.size() - 1) << "and goes on from there";
}

TEST_F(PeerLimitsTest, RejectsThatAreNotTakenStopTheInput) {
    wire::Bhs unknown;
    unknown.opcode_byte = 0x5c;
    EXPECT_LT(pour(Peer::encode(unknown), 64 * mebibyte), 4 * mebibyte);
}

TEST_F(PeerLimitsTest, TaskManagementAnswersThatAreNotTakenStopTheInput) {
    const auto pdu = manage(abort_task, 9, 12345);
    const auto bytes = Peer::encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()));
    EXPECT_LT(pour(bytes, 64 * mebibyte), 4 * mebibyte);
}

// SAM-5 5.3: TASK SET FULL. The command asks for 16 MiB each and moves little.
TEST_F(PeerLimitsTest, AHoarderLeavesMemoryToOthers) {
    begin_hung();
    for (uint32_t tag = 1; tag <= 120; ++tag)
        peer_->send(peer_->command(read10(0, 2048), tag, 16 * mebibyte, true, false));
    EXPECT_EQ(peer_->replies().size(), 0u) << "they wait";
    bench_.scsi.pass(11s);
    size_t full = 0;
    for (const Reply& reply : peer_->replies())
        full += reply.as<wire::ScsiResponsePdu>().status == uint8_t(scsi::Status::task_set_full);
    EXPECT_GT(full, 40u);
    EXPECT_LT(full, 100u);
    const uint64_t limit = context().worker.buffers().limit();
    const Session& hoarder = *bench_.session(peer_->tsih);
    EXPECT_LE(hoarder.memory().bytes, limit);

    auto other = bench_.connect();
    other->name = "iqn.other";
    ASSERT_TRUE(other->login("", 2));
    bench_.session(other->tsih)->nexus()->find(1)->attentions.clear_all();
    const size_t held = bench_.scsi.store->held();
    other->send(other->command(read10(0, 2048), 1, mebibyte, true, false));
    EXPECT_EQ(bench_.scsi.store->held(), held + 1);
    let_go();
    peer_->replies();
    EXPECT_EQ(hoarder.memory().bytes, 0u) << "given back with the last response";
}

TEST_F(PeerLimitsTest, ACommandWithoutDataIsTakenFromAHoarder) {
    begin_hung();
    for (uint32_t tag = 1; tag <= 120; ++tag)
        peer_->send(peer_->command(read10(0, 2048), tag, 16 * mebibyte, true, false));
    bench_.scsi.pass(11s);
    peer_->replies();
    peer_->send(peer_->command(tur, 200, 0, false, false));
    const Reply reply = peer_->one();
    EXPECT_EQ(reply.bhs.initiator_task_tag, 200u);
    EXPECT_EQ(reply.as<wire::ScsiResponsePdu>().status, 0);
}

TEST_F(PeerLimitsTest, MemoryThatAnEarlierSessionLeftWithTheStoreCountsForTheNext) {
    begin_hung();
    for (uint32_t tag = 1; tag <= 50; ++tag)
        peer_->send(peer_->command(read10(0, 2048), tag, 16 * mebibyte, true, false));
    peer_->hang_up();
    bench_.scsi.pass(6s);
    open();
    size_t busy = 0;
    for (uint32_t tag = 1; tag <= 50; ++tag)
        peer_->send(peer_->command(read10(0, 2048), tag, 16 * mebibyte, true, false));
    bench_.scsi.pass(11s);
    for (const Reply& reply : peer_->replies()) {
        const auto status = scsi::Status(reply.as<wire::ScsiResponsePdu>().status);
        busy += status == scsi::Status::busy || status == scsi::Status::task_set_full;
    }
    EXPECT_GT(busy, 30u);
    let_go();
    peer_->hang_up();
    bench_.scsi.settle();
    EXPECT_EQ(context().memory.size(), 0u) << "and is forgotten when the store has given it back";
}

TEST_F(PeerLimitsTest, ACommandThatIsAloneIsBusyInsteadOfTaskSetFull) {  // SAM-5 5.3
    begin_hung();
    for (uint32_t tag = 1; tag <= 63; ++tag)
        peer_->send(peer_->command(read10(0, 2048), tag, 16 * mebibyte, true, false));
    peer_->hang_up();
    bench_.scsi.pass(6s);
    open();
    peer_->send(peer_->command(read10(0, 2048), 1, 16 * mebibyte, true, false));
    bench_.scsi.pass(11s);
    EXPECT_EQ(peer_->one().as<wire::ScsiResponsePdu>().status, uint8_t(scsi::Status::busy));
    let_go();
}

// --- commands that wait for memory ---------------------------------------------------------------

// With a store that hangs, 16 MiB each: so many get their buffers.
class StarvingTest : public PeerLimitsTest {
  protected:
    void SetUp() override {
        PeerLimitsTest::SetUp();
        begin_hung();
        while (tags_ < 120) read_much();
        begun_ = bench_.scsi.store->held();
        ASSERT_EQ(peer_->replies().size(), 0u);
        ASSERT_LT(begun_, tags_);
    }
    void read_much() {
        peer_->send(peer_->command(read10(0, 2048), ++tags_, 16 * mebibyte, true, false));
    }
    Session& session() { return *bench_.session(peer_->tsih); }
    // The tags of those that have ended with GOOD.
    std::vector<uint32_t> good() {
        std::vector<uint32_t> tags;
        for (const Reply& reply : peer_->replies()) {
            const bool status = reply.opcode() == Opcode::scsi_response || (reply.bhs.flags & 1);
            if (status && reply.as<wire::DataInPdu>().status == 0)
                tags.push_back(reply.bhs.initiator_task_tag);
        }
        return tags;
    }

    uint32_t tags_ = 0;
    size_t begun_ = 0;
};

TEST_F(StarvingTest, TheirNumbersAreNotTakenSoThatTheWindowStandsStill) {  // RFC 7143 4.2.2.1
    const CommandWindow& window = session().window();
    EXPECT_EQ(window.expected(), peer_->cmd_sn - tags_ + begun_);
    EXPECT_EQ(window.max(), peer_->cmd_sn - tags_ + 128 - 1);
    peer_->send(manage(wire::TaskFunction::abort_task, 999));
    const auto answer = peer_->one().as<wire::TaskManagementResponsePdu>();
    EXPECT_EQ(answer.exp_cmd_sn, window.expected());
    EXPECT_EQ(answer.max_cmd_sn, window.max());
    let_go();
}

TEST_F(StarvingTest, AllEndInTheirOrderWhenThereIsMemoryAgain) {
    let_go();
    std::vector<uint32_t> all = good();
    EXPECT_EQ(all.size(), tags_);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_FALSE(session().starving());
    EXPECT_EQ(session().window().size(), 128u);
    EXPECT_EQ(context().held_bytes, 0u);
}

TEST_F(StarvingTest, DataThatCameWithAWriteIsKept) {
    const auto data = pattern(512, 7);
    auto write = peer_->command({0x2a, 0, 0, 0, 0, 5, 0, 0, 1, 0}, ++tags_, 512, false, true);
    write.flags |= wire::FinalFlag::mask;
    peer_->send(write, data);
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 0u);
    let_go();
    EXPECT_EQ(good().size(), tags_);
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 1u);
    peer_->send(peer_->command(read10(5, 1), ++tags_, 512, true, false));
    EXPECT_EQ(peer_->one().data, data);
}

TEST_F(StarvingTest, WriteWhoseDataThereIsNoRoomForIsRefused) {
    context().held_bytes += context().windows.most();
    auto write = peer_->command({0x2a, 0, 0, 0, 0, 5, 0, 0, 1, 0}, ++tags_, 512, false, true);
    write.flags |= wire::FinalFlag::mask;
    peer_->send(write, pattern(512, 7));
    context().held_bytes -= context().windows.most();
    let_go();
    EXPECT_EQ(good().size(), tags_ - 1);
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 0u);
    EXPECT_FALSE(peer_->closed());
}

TEST_F(StarvingTest, PingIsNotAnsweredWithoutItsData) {  // RFC 7143 11.19
    context().held_bytes += context().windows.most();
    auto ping = nop(++tags_);
    ping.opcode_byte &= 0x3f;  // not immediate: it waits for its turn
    peer_->send(ping, pattern(33, 1));
    context().held_bytes -= context().windows.most();
    EXPECT_TRUE(peer_->closed());
}

TEST_F(StarvingTest, WhatIsAbortedNeverBegins) {  // 11.5.1
    auto abort = manage(wire::TaskFunction::abort_task, 999, tags_);
    abort.ref_cmd_sn = peer_->cmd_sn - 1;
    peer_->send(abort);
    EXPECT_EQ(peer_->one().as<wire::TaskManagementResponsePdu>().response, 0);
    peer_->send(manage(wire::TaskFunction::logical_unit_reset, 1000));
    let_go();
    bench_.scsi.pass(6s);
    EXPECT_EQ(reads(), begun_) << "neither the one that was named, nor those of the LUN";
    EXPECT_FALSE(session().starving());
    EXPECT_EQ(session().window().expected(), peer_->cmd_sn);
    EXPECT_EQ(session().window().size(), 128u);
}

TEST_F(StarvingTest, OthersAreServed) {
    auto other = bench_.connect();
    other->name = "iqn.other";
    ASSERT_TRUE(other->login("", 2));
    bench_.session(other->tsih)->nexus()->find(1)->attentions.clear_all();
    other->send(other->command(read10(0, 1), 1, 512, true, false));
    EXPECT_EQ(bench_.scsi.store->held(), begun_ + 1);
    let_go();
}

TEST_F(StarvingTest, TheyGoWithTheirSession) {
    peer_->hang_up();
    let_go();
    bench_.scsi.pass(6s);
    EXPECT_EQ(bench_.session_count(), 0u);
    EXPECT_EQ(context().held_bytes, 0u);
    EXPECT_EQ(context().tasks.in_use(), 0u);
}

TEST(WindowBudget, IsSharedEvenlyAndNeverPromisesMoreThanItHas) {
    WindowBudget budget(1000);
    budget.join();
    EXPECT_EQ(budget.window(0, 64, 10), 64u);
    EXPECT_EQ(budget.window(0, 128, 10), 100u);
    budget.promise(0, 1000);
    budget.join();
    EXPECT_EQ(budget.window(0, 128, 10), 4u) << "the first has all of it, and a session needs some";
    EXPECT_EQ(budget.window(100, 128, 10), 50u) << "which the first has to leave to the other";
    budget.promise(1000, 500);
    EXPECT_EQ(budget.window(4, 128, 10), 50u);
    budget.leave(500);
    EXPECT_EQ(budget.window(4, 128, 10), 100u);
}

// -------------------------------------------------------------------------------------------------

TEST_F(PeerLimitsTest, TaskFunctionsAreBounded) {
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 1, 512, true, false));
    for (uint32_t tag = 100; tag < 200; ++tag)
        peer_->send(manage(wire::TaskFunction::logical_unit_reset, tag));
    size_t rejected = 0;
    for (const Reply& reply : peer_->replies())
        rejected += reply.as<wire::TaskManagementResponsePdu>().response == 255;
    EXPECT_EQ(rejected, 36u);
    bench_.scsi.pass(6s);
    EXPECT_EQ(peer_->replies().size(), 64u) << "those that were taken are answered";
    let_go();
}

TEST_F(PeerLimitsTest, EarlyPdusOfAllSessionsTogetherAreBounded) {
    Session& session = *bench_.session(peer_->tsih);
    context().held_bytes = context().windows.most();
    HeldPdu pdu;
    pdu.cmd_sn = peer_->cmd_sn + 1;
    EXPECT_FALSE(session.hold(std::move(pdu)));
    context().held_bytes = 0;
}

TEST_F(PeerLimitsTest, OneTextRequestAtATime) {  // 11.10
    open("SessionType=Discovery|");
    const auto request = [&](uint32_t tag) {
        const std::string key("SendTargets=All\0", 16);
        const auto pdu = text(tag);
        return Peer::encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()),
                            {key.begin(), key.end()});
    };
    auto both = request(3);
    const auto second = request(4);
    both.insert(both.end(), second.begin(), second.end());
    peer_->raw(both);
    auto all = peer_->replies();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].opcode(), Opcode::reject);
    EXPECT_EQ(all[1].opcode(), Opcode::text_response);
    EXPECT_EQ(all[1].bhs.initiator_task_tag, 3u);
    peer_->raw(request(5));
    EXPECT_EQ(peer_->one().bhs.initiator_task_tag, 5u);
}

TEST_F(PeerLimitsTest, TextThatGoesOnForEverIsRefused) {  // 11.10.2: the C bit
    auto pdu = text(3);
    pdu.flags = 0x40;
    Reply reply;
    size_t rounds = 0;
    for (; rounds < 100; ++rounds) {
        peer_->send(pdu, pattern(8000, 'a'));
        reply = peer_->one();
        if (reply.opcode() != Opcode::text_response) break;
        EXPECT_FALSE(reply.bhs.final());
        pdu.target_transfer_tag = reply.as<wire::TextResponsePdu>().target_transfer_tag.get();
    }
    EXPECT_EQ(rounds, 8u);  // 64 KiB
    EXPECT_EQ(reply.opcode(), Opcode::reject);
}

TEST_F(PeerLimitsTest, TextThatBeginsWithNothingIsContinued) {  // 11.10.2
    auto pdu = text(3);
    pdu.flags = 0x40;
    peer_->send(pdu);
    const auto response = peer_->one().as<wire::TextResponsePdu>();
    EXPECT_EQ(response.flags, 0);
    EXPECT_NE(response.target_transfer_tag, wire::reserved_tag);
}

}  // namespace
}  // namespace tgt::iscsi
