// SPDX-License-Identifier: GPL-2.0-or-later
// Sessions, connections and the TCP transport together, over a socketpair.
#include <sys/socket.h>

#include "tests/unit/driver/iscsi/connection_fixture.h"

namespace tgt::iscsi {
namespace {

TEST_F(ConnectionTest, NopIsEchoed) {  // RFC 7143 11.18
    peer_->send(nop(7), pattern(33, 1));
    Reply reply = peer_->one();
    EXPECT_EQ(reply.opcode(), Opcode::nop_in);
    EXPECT_EQ(reply.bhs.initiator_task_tag, 7u);
    EXPECT_EQ(reply.data, pattern(33, 1));
}

TEST_F(ConnectionTest, WriteAndReadBackWithoutResidual) {
    peer_->send(peer_->command(write10(3, 2), 1, 1024, false, true), pattern(1024, 9));
    auto written = peer_->one().as<wire::ScsiResponsePdu>();
    EXPECT_EQ(written.status, 0);
    EXPECT_EQ(written.flags, 0x80);
    EXPECT_EQ(written.exp_cmd_sn, peer_->cmd_sn);
    peer_->send(peer_->command(read10(3, 2), 2, 1024, true, false));
    Reply read = peer_->one();
    EXPECT_EQ(read.opcode(), Opcode::data_in);
    EXPECT_EQ(read.bhs.flags, 0x81);
    EXPECT_EQ(read.data, pattern(1024, 9));
    EXPECT_EQ(read.as<wire::DataInPdu>().stat_sn, written.stat_sn + 1);
}

TEST_F(ConnectionTest, ResidualsBothWays) {  // 11.4.5
    peer_->send(peer_->command(read10(0, 1), 1, 2048, true, false));
    auto under = peer_->one().as<wire::DataInPdu>();
    EXPECT_EQ(under.flags & 0x06, 0x02);
    EXPECT_EQ(under.residual_count, 1536u);
    peer_->send(peer_->command(read10(0, 4), 2, 512, true, false));
    Reply over = peer_->one();
    EXPECT_EQ(over.bhs.flags & 0x06, 0x04);
    EXPECT_EQ(over.as<wire::DataInPdu>().residual_count, 1536u);
    EXPECT_EQ(over.data.size(), 512u);
    peer_->send(peer_->command(write10(0, 4), 3, 512, false, true), pattern(512, 1));
    auto write = peer_->one().as<wire::ScsiResponsePdu>();
    EXPECT_EQ(write.flags & 0x06, 0x04);
    EXPECT_EQ(write.residual_count, 1536u);
}

TEST_F(ConnectionTest, DataInIsCutByPduAndBurst) {  // 11.7
    open("MaxRecvDataSegmentLength=1024|MaxBurstLength=2560|FirstBurstLength=1024|");
    peer_->send(peer_->command(read10(0, 8), 1, 4096, true, false));
    auto all = peer_->replies();
    struct Cut {
        uint32_t offset, length;
        uint8_t flags;
    };
    const Cut cuts[] = {
        {0, 1024, 0}, {1024, 1024, 0}, {2048, 512, 0x80}, {2560, 1024, 0}, {3584, 512, 0x81}};
    ASSERT_EQ(all.size(), 5u);
    for (uint32_t i = 0; i < 5; ++i) {
        auto pdu = all[i].as<wire::DataInPdu>();
        EXPECT_EQ(pdu.buffer_offset, cuts[i].offset);
        EXPECT_EQ(all[i].data.size(), cuts[i].length);
        EXPECT_EQ(pdu.flags, cuts[i].flags);
        EXPECT_EQ(pdu.data_sn, i);
    }
}

TEST_F(ConnectionTest, SolicitedWrite) {  // 11.8
    open("ImmediateData=No|MaxBurstLength=1024|FirstBurstLength=1024|");
    peer_->send(peer_->command(write10(0, 3), 5, 1536, false, true));
    auto r2t = peer_->one().as<wire::R2tPdu>();
    EXPECT_EQ(r2t.desired_data_transfer_length, 1024u);
    auto data = pattern(1536, 4);
    peer_->send(peer_->data_out(r2t, 0, 0, true), {data.begin(), data.begin() + 1024});
    r2t = peer_->one().as<wire::R2tPdu>();
    EXPECT_EQ(r2t.buffer_offset, 1024u);
    EXPECT_EQ(r2t.r2t_sn, 1u);
    peer_->send(peer_->data_out(r2t, 0, 1024, true), {data.begin() + 1024, data.end()});
    EXPECT_EQ(peer_->one().as<wire::ScsiResponsePdu>().status, 0);
    EXPECT_EQ(bench_.scsi.store->bytes(0, 1536), data);
}

TEST_F(ConnectionTest, ABrokenSequenceFailsTheCommandAndLaterDataIsDropped) {  // 7.9
    open("ImmediateData=No|");
    peer_->send(peer_->command(write10(0, 2), 5, 1024, false, true));
    auto r2t = peer_->one().as<wire::R2tPdu>();
    peer_->send(peer_->data_out(r2t, 9, 0, true), pattern(1024, 4));
    auto all = peer_->replies();
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all[0].opcode(), Opcode::scsi_response);
    EXPECT_EQ(all[0].as<wire::ScsiResponsePdu>().status, 2);
    peer_->send(peer_->data_out(r2t, 0, 0, true), pattern(1024, 4));
    EXPECT_TRUE(peer_->replies().empty());
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 0u);
}

TEST_F(ConnectionTest, AnInitiatorTaskTagInUseIsRejected) {  // 11.17.1
    bench_.scsi.store->hold(true);
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    peer_->send(peer_->command(tur, 5, 0, false, false));
    Reply reply = peer_->one();
    EXPECT_EQ(reply.opcode(), Opcode::reject);
    EXPECT_EQ(reply.as<wire::RejectPdu>().reason, uint8_t(wire::RejectReason::task_in_progress));
    let_go();
    EXPECT_EQ(peer_->one().opcode(), Opcode::data_in);
}

TEST_F(ConnectionTest, TheTagOfAnAbortedCommandIsFreeWhileTheStoreHangs) {
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    peer_->send(manage(abort_task, 6, 5));
    EXPECT_TRUE(peer_->replies().empty());
    bench_.scsi.pass(6s);
    auto done = peer_->one().as<wire::TaskManagementResponsePdu>();
    EXPECT_EQ(done.response, 0);
    EXPECT_EQ(uint32_t(done.max_cmd_sn) - uint32_t(done.exp_cmd_sn),
              uint32_t(bench_.parameters.values.get(ParamId::max_queue_cmd)) - 2);
    peer_->send(peer_->command(tur, 5, 0, false, false));
    EXPECT_EQ(peer_->one().opcode(), Opcode::scsi_response);
    let_go();
    EXPECT_TRUE(peer_->replies().empty()) << "the aborted command is silent";
}

TEST_F(ConnectionTest, TaskManagementIsAnsweredWithinTheBoundOfTheTarget) {
    bench_.scsi.target->set_abort_bound(2s);
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    peer_->send(manage(abort_task, 6, 5));
    bench_.scsi.pass(1900ms);
    EXPECT_TRUE(peer_->replies().empty());
    bench_.scsi.pass(200ms);
    EXPECT_EQ(peer_->one().opcode(), Opcode::task_management_response);
    let_go();
}

TEST_F(ConnectionTest, EarlyCommandsWaitForTheGapAndOldOnesAreIgnored) {  // 4.2.2.1
    auto first = peer_->command(tur, 1, 0, false, false);
    auto second = peer_->command(write10(0, 1), 2, 512, false, true);
    peer_->send(second, pattern(512, 2));
    EXPECT_TRUE(peer_->replies().empty());
    peer_->send(first);
    auto all = peer_->replies();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].bhs.initiator_task_tag, 2u);
    EXPECT_EQ(bench_.scsi.store->bytes(0, 512), pattern(512, 2));
    peer_->send(first);
    EXPECT_TRUE(peer_->replies().empty());
}

TEST_F(ConnectionTest, TheWindowIsAsWideAsTheTargetSays) {  // 4.2.2.1
    bench_.parameters.values.set(ParamId::max_queue_cmd, 4);
    open();
    begin_hung();
    for (uint32_t tag = 1; tag <= 5; ++tag)
        peer_->send(peer_->command(read10(0, 1), tag, 512, true, false));
    EXPECT_EQ(bench_.session(peer_->tsih)->task_count(), 4u);
    let_go();
    EXPECT_EQ(peer_->replies().size(), 4u) << "the fifth was outside the window";
}

TEST_F(ConnectionTest, ImmediateCommandsAreBounded) {
    begin_hung();
    size_t limit = bench_.parameters.values.get(ParamId::max_queue_cmd) + 64;
    for (uint32_t i = 0; i <= limit; ++i) {
        auto pdu = peer_->command(read10(0, 1), 1000 + i, 512, true, false);
        pdu.opcode_byte |= 0x40;
        --peer_->cmd_sn;
        peer_->send(pdu);
    }
    Reply reply = peer_->one();
    EXPECT_EQ(reply.opcode(), Opcode::reject);
    EXPECT_EQ(reply.as<wire::RejectPdu>().reason,
              uint8_t(wire::RejectReason::immediate_command_reject));
}

TEST_F(ConnectionTest, ASmallerSegmentDeclaredLaterIsObeyedByEveryPdu) {  // 13.12
    wire::TextRequestPdu text;
    text.opcode_byte = 0x44;
    text.flags = 0x80;
    text.initiator_task_tag = 3;
    text.target_transfer_tag = wire::reserved_tag;
    text.cmd_sn = peer_->cmd_sn;
    std::string keys("MaxRecvDataSegmentLength=512\0", 29);
    peer_->send(text, {keys.begin(), keys.end()});
    EXPECT_EQ(peer_->one().opcode(), Opcode::text_response);
    peer_->send(nop(7), pattern(1000, 1));
    EXPECT_EQ(peer_->one().data.size(), 512u);
}

TEST_F(ConnectionTest, LogoutAnswersThenCloses) {  // 11.14
    wire::LogoutRequestPdu pdu;
    pdu.opcode_byte = 0x46;
    pdu.reason_byte = 0x80;
    pdu.initiator_task_tag = 4;
    peer_->send(pdu);
    EXPECT_EQ(peer_->one().opcode(), Opcode::logout_response);
    EXPECT_TRUE(peer_->closed());
    EXPECT_EQ(bench_.session_count(), 0u);
    EXPECT_FALSE(bench_.connected(peer_->id));
}

// A reply waits for the end of the turn in which the connection is closed.
TEST_F(ConnectionTest, ClosingWhileOutputIsQueuedIsClean) {
    auto bytes = Peer::encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(nop(7)).data()), {});
    wire::LoginRequestPdu login;  // not allowed now
    auto wrong = Peer::encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(login).data()), {});
    bytes.insert(bytes.end(), wrong.begin(), wrong.end());
    peer_->raw(bytes);
    EXPECT_TRUE(peer_->closed());
    EXPECT_FALSE(bench_.connected(peer_->id));
    EXPECT_EQ(bench_.session_count(), 0u);
}

TEST_F(ConnectionTest, AClosedConnectionTakesItsCommandsAlong) {
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    peer_->send(peer_->command(write10(0, 64), 6, 32768, false, true));  // collects
    peer_->hang_up();
    EXPECT_EQ(bench_.session_count(), 0u);
    EXPECT_EQ(bench_.registry->context(0).tasks.in_use(), 1u);
    let_go();
    EXPECT_EQ(bench_.registry->context(0).tasks.in_use(), 0u);
}

TEST_F(ConnectionTest, ACommandThatWaitsBehindAnotherDoesNotRunWhenTheConnectionCloses) {
    auto barrier = peer_->command(write10(0, 64), 5, 32768, false, true);
    barrier.flags = uint8_t((barrier.flags & ~0x07) | uint8_t(wire::TaskAttribute::ordered));
    peer_->send(barrier);  // collects
    peer_->send(peer_->command(write10(0, 1), 6, 512, false, true), pattern(512, 1));
    peer_->hang_up();
    EXPECT_EQ(bench_.registry->context(0).tasks.in_use(), 0u);
    EXPECT_EQ(bench_.scsi.store->count(store::OpKind::write), 0u);
}

TEST_F(ConnectionTest, APeerThatDoesNotReadStopsBeingRead) {
    bench_.scsi.settle();
    for (uint32_t tag = 1; tag <= 100; ++tag)
        peer_->send(peer_->command(read10(0, 2000), tag, 1024000, true, false));
    EXPECT_LT(bench_.scsi.store->count(store::OpKind::read), 100u);
    size_t statuses = 0;
    for (const Reply& reply : peer_->replies()) statuses += reply.bhs.flags & 1;
    EXPECT_EQ(statuses, 100u);
}

TEST_F(ConnectionTest, APingThatIsNotAnsweredEndsTheSession) {
    bench_.parameters.values.set(ParamId::nop_interval, 5);
    bench_.parameters.values.set(ParamId::nop_count, 2);
    open();
    size_t pings = 0;
    for (int i = 0; i < 2; ++i) {
        bench_.scsi.pass(5s);
        for (const Reply& reply : peer_->replies()) pings += reply.opcode() == Opcode::nop_in;
    }
    EXPECT_EQ(pings, 2u);
    EXPECT_FALSE(peer_->closed());
    bench_.scsi.pass(5s);
    EXPECT_TRUE(peer_->closed());
}

TEST_F(ConnectionTest, ALoginThatStallsIsClosed) {
    auto idle = bench_.connect();
    bench_.scsi.pass(16s);
    EXPECT_TRUE(idle->closed());
}

// --- sessions -----------------------------------------------------------------------------------

TEST_F(ConnectionTest, ALoginWhosePeerGoesBeforeItIsJudgedLeavesNothing) {
    auto gone = bench_.connect();
    io::Worker& worker = bench_.scsi.runtime.worker(0);
    gone->slip(gone->login_request("", 9));
    worker.turn_for_test(bench_.scsi.now);  // the question is on its way to the control thread
    ::shutdown(gone->descriptor(), SHUT_RDWR);
    worker.turn_for_test(bench_.scsi.now);
    ASSERT_FALSE(bench_.connected(gone->id));
    bench_.asked_by.clear();
    bench_.scsi.settle();
    EXPECT_EQ(bench_.asked_by, "iscsi");
    EXPECT_EQ(bench_.session_count(), 1u);
}

TEST_F(ConnectionTest, ReinstatementEndsTheOldSessionFirst) {  // 6.3.5
    auto again = bench_.connect();
    ASSERT_TRUE(again->login());
    EXPECT_TRUE(peer_->closed());
    EXPECT_NE(again->tsih, peer_->tsih);
    EXPECT_EQ(bench_.session_count(), 1u);
}

TEST_F(ConnectionTest, AnotherIsidIsAnotherSession) {
    auto other = bench_.connect();
    ASSERT_TRUE(other->login("", 2));
    EXPECT_FALSE(peer_->closed());
    EXPECT_EQ(bench_.session_count(), 2u);
}

TEST_F(ConnectionTest, ReinstatementWaitsForHungCommandsOnlyWithinTheBoundOfTheTarget) {  // 6.3.5
    bench_.scsi.target->set_abort_bound(2s);
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    auto again = bench_.connect();
    EXPECT_FALSE(again->login());
    bench_.scsi.pass(1900ms);
    EXPECT_TRUE(again->replies().empty());
    bench_.scsi.pass(200ms);
    EXPECT_EQ(again->one().as<wire::LoginResponsePdu>().status, 0);
    EXPECT_EQ(bench_.session_count(), 1u);
    let_go();
}

TEST_F(ConnectionTest, OfLoginsThatWaitForTheSameSessionOneStays) {
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    auto a = bench_.connect(), b = bench_.connect();
    EXPECT_FALSE(a->login());  // the old session ends within its bound only
    EXPECT_FALSE(b->login());
    bench_.scsi.pass(6s);
    EXPECT_EQ(bench_.session_count(), 1u);
    EXPECT_FALSE(b->closed());
    let_go();
}

TEST_F(ConnectionTest, OfManyLoginsThatWaitForAHungSessionTheLastGetsItAfterOneBound) {  // 6.3.5
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    std::vector<std::unique_ptr<Peer>> chain;
    for (int i = 0; i < 5; ++i) {
        chain.push_back(bench_.connect());
        EXPECT_FALSE(chain.back()->login());
        bench_.scsi.pass(500ms);
    }
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(chain[size_t(i)]->closed());
    bench_.scsi.pass(3s);
    EXPECT_EQ(chain.back()->one().as<wire::LoginResponsePdu>().status, 0);
    EXPECT_EQ(bench_.session_count(), 1u);
    let_go();
}

TEST_F(ConnectionTest, ALoginThatLeavesWhileItWaitsForAHungSessionHarmsNobody) {
    begin_hung();
    peer_->send(peer_->command(read10(0, 1), 5, 512, true, false));
    auto gone = bench_.connect();
    EXPECT_FALSE(gone->login());
    gone->hang_up();
    bench_.scsi.pass(6s);
    EXPECT_EQ(bench_.session_count(), 0u);
    auto next = bench_.connect();
    EXPECT_TRUE(next->login());
    let_go();
}

TEST_F(ConnectionTest, DroppingATargetEndsItsSessionsAndAnswers) {
    std::optional<bool> gone;
    bench_.registry->drop(1, 5s, [&](bool all) { gone = all; });
    bench_.scsi.settle();
    EXPECT_EQ(gone, true);
    EXPECT_TRUE(peer_->closed());
    EXPECT_EQ(bench_.registry->connection_count(), 0u);
}

TEST_F(ConnectionTest, DiscoveryListsTargetsInPieces) {  // appendix C, 11.11.4
    bench_.discovered = 50;
    open("SessionType=Discovery|MaxRecvDataSegmentLength=512|");
    wire::TextRequestPdu text;
    text.opcode_byte = 0x44;
    text.flags = 0x80;
    text.initiator_task_tag = 3;
    text.target_transfer_tag = wire::reserved_tag;
    std::string key("SendTargets=All\0", 16);
    peer_->send(text, {key.begin(), key.end()});
    std::string all;
    for (int i = 0; i < 20; ++i) {
        Reply reply = peer_->one();
        ASSERT_EQ(reply.opcode(), Opcode::text_response);
        all.append(reply.data.begin(), reply.data.end());
        if (reply.bhs.final()) break;
        text.target_transfer_tag = reply.as<wire::TextResponsePdu>().target_transfer_tag.get();
        peer_->send(text);
    }
    EXPECT_NE(all.find("TargetName=iqn.t0"), std::string::npos);
    EXPECT_NE(all.find("TargetName=iqn.t49"), std::string::npos);
}

TEST_F(ConnectionTest, HoldTakesEachNumberOnceAndIsBounded) {
    Session& session = *bench_.session(peer_->tsih);
    auto held = [](uint32_t sn, size_t bytes) {
        HeldPdu pdu;
        pdu.cmd_sn = sn;
        pdu.data.resize(bytes);
        return pdu;
    };
    EXPECT_TRUE(session.hold(held(102, 1 << 21)));
    EXPECT_TRUE(session.hold(held(102, 1 << 23))) << "a duplicate is ignored";
    EXPECT_FALSE(session.hold(held(103, 1 << 21)));
    HeldPdu taken;
    EXPECT_FALSE(session.take_held(taken));
    session.window().accept();
    session.window().accept();
    EXPECT_TRUE(session.take_held(taken));
    EXPECT_TRUE(session.hold(held(104, 1 << 21))) << "its bytes are free again";
}

// A snapshot is all that a session needs to go on elsewhere: numbers, parameters, unit attentions.
TEST_F(ConnectionTest, ASessionGoesOnFromItsSnapshot) {
    peer_->send(peer_->command(tur, 1, 0, false, false));
    peer_->one();
    Session* before = bench_.session(peer_->tsih);
    before->nexus()->find(1)->attentions.raise(scsi::ua::mode_parameters_changed);
    const SessionState saved = before->snapshot();
    const auto target = before->target();
    const uint32_t cmd_sn = peer_->cmd_sn;
    peer_->hang_up();
    bench_.scsi.settle();
    ASSERT_EQ(bench_.session(saved.identity.tsih), nullptr);

    auto next = bench_.connect();
    WorkerContext& context = bench_.registry->context(0);
    auto session = std::make_unique<Session>(context, saved, target);
    context.connections.at(next->id)->resume(*session, saved.connections.at(0));
    EXPECT_EQ(session->snapshot(), saved);
    context.sessions[saved.identity.tsih] = std::move(session);
    next->cmd_sn = cmd_sn;
    next->send(next->command(tur, 2, 0, false, false));
    const auto response = next->one().as<wire::ScsiResponsePdu>();
    EXPECT_EQ(response.status, uint8_t(scsi::Status::check_condition));
    EXPECT_EQ(response.stat_sn, saved.connections.at(0).stat_sn);
    EXPECT_EQ(response.exp_cmd_sn, cmd_sn + 1);
}

}  // namespace
}  // namespace tgt::iscsi
