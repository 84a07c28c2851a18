// SPDX-License-Identifier: GPL-2.0-or-later
// Fences: commands that have their blocks for themselves, and aborted writes that may still land.
#include <gtest/gtest.h>

#include "scsi/task_management.h"
#include "tests/unit/scsi/engine_bench.h"

namespace tgt::scsi {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::exclusive10;
using test::Gate;
using test::pattern;
using test::read10;
using test::write10;

constexpr uint32_t becoming_ready = 0x020401;

Bench::Send from(size_t nexus, uint64_t tag = 0) {
    Bench::Send send;
    send.nexus = nexus;
    send.tag = tag;
    return send;
}
Bench::Send writing(size_t nexus, uint8_t seed, uint64_t tag = 0) {
    Bench::Send send = from(nexus, tag);
    send.data = pattern(512, seed);
    return send;
}
std::shared_ptr<std::optional<TaskResponse>> abort_task(Bench& b, uint64_t tag, size_t nexus) {
    auto response = std::make_shared<std::optional<TaskResponse>>();
    TaskRequest request{TaskFunction::abort_task, 1, tag, 5s};
    manage_tasks(b.nexus(nexus), request, [response](TaskResponse r) { *response = r; });
    b.settle();
    return response;
}

// Two workers with a nexus each.
class EngineFence : public testing::Test {
  protected:
    EngineFence() : other(b.login("iqn.i1", 1)) {}
    ~EngineFence() override { Gate::open(); }

    // A write that the store has begun and does not give back.
    test::TestCommandPtr hang_write(uint32_t lba, size_t nexus, uint64_t tag) {
        b.store->cancellable = false;
        b.store->hold(true);
        auto write = b.start(write10(lba, 1), writing(nexus, 1, tag));
        b.store->hold(false);
        return write;
    }
    void let_go() {
        b.store->release_held();
        b.settle();
    }

    Bench b{2};
    size_t other;
};

TEST_F(EngineFence, AnExclusiveCommandWaitsForWritesThatAreWithTheStoreOnAnyWorker) {
    auto write = hang_write(4, other, 1);
    Gate::shut();
    auto exclusive = b.start(exclusive10(0, 8), from(0));
    EXPECT_EQ(exclusive->phase(), Command::Phase::held);
    let_go();
    EXPECT_TRUE(write->wait().good());
    EXPECT_EQ(exclusive->phase(), Command::Phase::running);
    Gate::open();
    b.await_jobs();
    EXPECT_TRUE(exclusive->wait().good());
}

TEST_F(EngineFence, WhileItRunsOverlappingCommandsWaitAndOthersDoNot) {
    Gate::shut();
    auto exclusive = b.start(exclusive10(0, 8), from(0));
    ASSERT_EQ(exclusive->phase(), Command::Phase::running);
    auto read = b.start(read10(7, 1), from(other));
    auto write = b.start(write10(0, 1), writing(0, 3));
    auto beside = b.start(read10(8, 1), from(other));
    EXPECT_TRUE(beside->ready());
    EXPECT_FALSE(read->ready());
    EXPECT_FALSE(write->ready());
    EXPECT_EQ(b.store->count(store::OpKind::write), 0u);
    Gate::open();
    b.await_jobs();
    EXPECT_TRUE(exclusive->wait().good());
    EXPECT_TRUE(read->wait().good());
    EXPECT_TRUE(write->wait().good());
}

TEST_F(EngineFence, ExclusiveCommandsThatOverlapRunOneAfterTheOther) {
    Gate::shut();
    auto first = b.start(exclusive10(0, 8), from(0));
    auto second = b.start(exclusive10(4, 8), from(other));
    auto third = b.start(exclusive10(100, 8), from(other));
    EXPECT_EQ(first->phase(), Command::Phase::running);
    EXPECT_EQ(second->phase(), Command::Phase::held);
    EXPECT_EQ(third->phase(), Command::Phase::running);
    Gate::open();
    b.await_jobs();
    b.await_jobs();
    EXPECT_TRUE(second->wait().good());
}

TEST_F(EngineFence, NobodyIsHeldForEver) {
    Gate::shut();
    auto exclusive = b.start(exclusive10(0, 8), from(0));
    auto read = b.start(read10(0, 1), from(other));
    auto behind = b.start(exclusive10(0, 1), from(other));
    b.pass(4999ms);
    EXPECT_FALSE(read->ready());
    b.pass(2ms);
    ASSERT_TRUE(read->ready());
    EXPECT_EQ(read->wait().sense(), becoming_ready);
    EXPECT_EQ(behind->wait().sense(), becoming_ready);
    Gate::open();
    b.await_jobs();
    EXPECT_TRUE(exclusive->wait().good());
    EXPECT_TRUE(b.run(read10(0, 1), from(other)).good());
}

TEST_F(EngineFence, AHeldCommandIsAbortedAtOnce) {
    Gate::shut();
    auto exclusive = b.start(exclusive10(0, 8), from(0));
    auto write = b.start(write10(0, 1), writing(other, 3, 7));
    EXPECT_EQ(*abort_task(b, 7, other), TaskResponse::complete);
    EXPECT_TRUE(write->wait().silent);
    Gate::open();
    b.await_jobs();
    EXPECT_EQ(b.store->count(store::OpKind::write), 0u);
}

TEST_F(EngineFence, AnExclusiveCommandThatIsAbortedWhileItWaitsHoldsNobodyUp) {
    auto write = hang_write(0, other, 1);
    auto exclusive = b.start(exclusive10(0, 8), from(0, 7));
    auto read = b.start(read10(4, 1), from(other));
    EXPECT_FALSE(read->ready());
    EXPECT_EQ(*abort_task(b, 7, 0), TaskResponse::complete);
    EXPECT_TRUE(exclusive->wait().silent);
    EXPECT_TRUE(read->ready());
    let_go();
}

TEST_F(EngineFence, ALateWriteOfAnAbortedCommandNeverLandsOnNewerData) {
    auto late = hang_write(0, 0, 7);
    auto response = abort_task(b, 7, 0);
    EXPECT_EQ(b.unit->orphans(), 1u);
    b.pass(6s);
    ASSERT_EQ(*response, TaskResponse::complete);
    auto newer = b.start(write10(0, 1), writing(other, 9));
    auto beside = b.start(write10(1, 1), writing(other, 8));
    EXPECT_TRUE(beside->ready());
    EXPECT_FALSE(newer->ready());
    let_go();
    EXPECT_TRUE(late->wait().silent);
    EXPECT_TRUE(newer->wait().good());
    EXPECT_EQ(b.store->bytes(0, 512), pattern(512, 9));
    EXPECT_EQ(b.unit->orphans(), 0u);
}

TEST_F(EngineFence, TheBlocksOfALateWriteAreNotReadyAfterAWhile) {
    hang_write(0, 0, 7);
    abort_task(b, 7, 0);
    auto read = b.start(read10(0, 1), from(other));
    b.pass(5001ms);
    EXPECT_EQ(read->wait().sense(), becoming_ready);
    let_go();
    EXPECT_TRUE(b.run(read10(0, 1), from(other)).good());
}

TEST_F(EngineFence, ALateWriteOfALostNexusIsFencedToo) {
    hang_write(0, 0, 7);
    retire(std::move(b.nexuses[0]), 5s, [] {});
    b.settle();
    auto newer = b.start(write10(0, 1), writing(other, 9));
    EXPECT_FALSE(newer->ready());
    let_go();
    EXPECT_TRUE(newer->wait().good());
    EXPECT_EQ(b.store->bytes(0, 512), pattern(512, 9));
}

TEST_F(EngineFence, AnAbortedReadFencesNothing) {
    b.store->cancellable = false;
    b.store->hold(true);
    auto read = b.start(read10(0, 1), from(0, 7));
    b.store->hold(false);
    abort_task(b, 7, 0);
    EXPECT_TRUE(b.run(write10(0, 1), writing(other, 9)).good());
    EXPECT_EQ(b.unit->orphans(), 0u);
    let_go();
}

TEST_F(EngineFence, AnExclusiveCommandThatIsAbortedWhileItRunsKeepsItsFence) {
    Gate::shut();
    auto exclusive = b.start(exclusive10(0, 8), from(0, 7));
    Gate::wait_for(1);
    auto response = abort_task(b, 7, 0);
    b.pass(6s);
    EXPECT_EQ(*response, TaskResponse::complete);
    EXPECT_EQ(b.unit->orphans(), 1u);
    auto write = b.start(write10(0, 1), writing(other, 3));
    EXPECT_FALSE(write->ready());
    Gate::open();
    b.await_jobs();
    EXPECT_TRUE(write->wait().good());
    EXPECT_TRUE(exclusive->wait().silent);
}

TEST_F(EngineFence, TasTellsTheCommandsOfOthers) {  // SAM-5 5.6, SPC-5 7.5.9
    b.edit([](LunState& state) { state.mode_page(0x0a)->current[3] |= 0x40; });
    auto mine = b.start(write10(0, 1), [&] {
        auto send = writing(0, 1, 1);
        send.withhold = true;
        return send;
    }());
    auto theirs = b.start(write10(0, 1), [&] {
        auto send = writing(other, 1, 1);
        send.withhold = true;
        return send;
    }());
    TaskRequest request{TaskFunction::logical_unit_reset, 1, 0, 5s};
    manage_tasks(b.nexus(0), request, [](TaskResponse) {});
    b.settle();
    EXPECT_TRUE(mine->wait().silent);
    const auto answer = theirs->wait();
    EXPECT_FALSE(answer.silent);
    EXPECT_EQ(answer.status(), Status::task_aborted);
}

TEST_F(EngineFence, AResetBringsTheDefaultsOfModePagesBack) {  // SPC-5 7.5.1
    const LunStatePtr before = b.unit->state();
    b.edit([](LunState& state) { state.mode_page(0x0a)->current[2] |= 0x08; });
    ASSERT_TRUE(b.unit->state()->software_write_protected());
    TaskRequest request{TaskFunction::logical_unit_reset, 1, 0, 5s};
    manage_tasks(b.nexus(0), request, [](TaskResponse) {});
    b.settle();
    EXPECT_EQ(*b.unit->state(), *before);
}

TEST_F(EngineFence, AStoreIsReplacedWhenItsLastOperationHasEnded) {
    auto hung = hang_write(0, 0, 1);
    b.edit([](LunState& state) { state.backing = Backing::gone; });
    EXPECT_EQ(b.run(read10(0, 1), from(other)).sense(), 0x020400u);
    EXPECT_EQ(b.run(test::tur, from(other)).sense(), 0x020400u);
    auto next = std::make_unique<test::MemoryStore>(1 << 20);
    next->put(0, pattern(512, 42));
    bool replaced = false;
    b.unit->replace_store(std::move(next), [&] { replaced = true; });
    b.settle();
    EXPECT_FALSE(replaced);
    let_go();
    EXPECT_TRUE(replaced);
    b.edit([](LunState& state) { state.backing = Backing::present; });
    EXPECT_EQ(b.run(read10(0, 1), from(other)).data, pattern(512, 42));
    b.await_jobs();
    EXPECT_TRUE(b.store_gone());
}

}  // namespace
}  // namespace tgt::scsi
