// SPDX-License-Identifier: GPL-2.0-or-later
// What concerns a whole logical unit: changes, resets, adding and removing it.
#include <gtest/gtest.h>

#include <algorithm>

#include "scsi/task_management.h"
#include "tests/unit/scsi/engine_bench.h"
#include "wire/endian.h"

namespace tgt::scsi {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::pattern;
using test::read10;
using test::tur;
using test::write10;

Bench::Send from(size_t nexus, uint64_t lun = 1) {
    Bench::Send send;
    send.nexus = nexus;
    send.lun = lun;
    return send;
}
Bench::Send writing(size_t nexus, bool withhold) {
    Bench::Send send = from(nexus);
    send.data = pattern(512, 3);
    send.withhold = withhold;
    return send;
}
void begin_hung(Bench& b) {
    b.store->cancellable = false;
    b.store->hold(true);
}
void let_go(Bench& b) {
    b.store->hold(false);
    b.store->release_held();
    b.settle();
}
Bench::Send pr_data(size_t nexus, uint64_t key, uint64_t action_key) {
    Bench::Send send = from(nexus);
    send.data.resize(24);
    wire::store_be<8>(&send.data[0], key);
    wire::store_be<8>(&send.data[8], action_key);
    return send;
}
std::vector<uint8_t> pr_out(uint8_t action, uint8_t type = 0) {
    return {0x5f, action, type, 0, 0, 0, 0, 0, 24, 0};
}

TEST(EngineUnits, AChangeIsInForceEverywhereBeforeItIsAnswered) {
    Bench b(2);
    b.login("iqn.i1", 1);
    bool answered = false;
    auto build = [](const LunState& now) {
        LunChange change;
        change.next = std::make_shared<LunState>(now);
        change.next->read_only = true;
        return change;
    };
    b.unit->change(build, b.runtime.control(), [&](const Outcome&) { answered = true; });
    for (int i = 0; i < 4; ++i) {  // worker 1 does not turn
        b.runtime.control().turn_for_test(b.now);
        b.runtime.worker(0).turn_for_test(b.now);
    }
    EXPECT_FALSE(answered);
    EXPECT_FALSE(b.unit->shard(1).state->read_only);
    b.runtime.worker(1).turn_for_test(b.now);
    EXPECT_TRUE(b.unit->shard(1).state->read_only);
    b.settle();
    EXPECT_TRUE(answered);
}

TEST(EngineUnits, ResetAbortsOnEveryWorkerAndLeavesAUnitAttention) {  // SAM-5 6.3.3
    Bench b(2);
    b.login("iqn.i1", 1);
    ASSERT_TRUE(b.run({0x16, 0, 0, 0, 0, 0}).good());
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 1, 0}).good());
    ASSERT_TRUE(b.run({0x17, 0, 0, 0, 0, 0}).good());
    auto mine = b.start(write10(0, 1), writing(0, true));
    auto theirs = b.start(write10(0, 1), writing(1, true));
    ASSERT_TRUE(b.run({0x16, 0, 0, 0, 0, 0}).good());
    std::optional<TaskResponse> response;
    manage_tasks(b.nexus(0), {TaskFunction::logical_unit_reset, 1},
                 [&](TaskResponse r) { response = r; });
    b.settle();
    EXPECT_EQ(response, TaskResponse::complete);
    EXPECT_TRUE(mine->wait().silent);
    EXPECT_TRUE(theirs->wait().silent);
    EXPECT_EQ(b.unit->preventers(), 0u);
    EXPECT_EQ(b.run(tur, from(0)).sense(), 0x062903u);
    EXPECT_EQ(b.run(tur, from(1)).sense(), 0x062903u);
    EXPECT_TRUE(b.run(tur, from(1)).good()) << "the reservation has gone";
}

TEST(EngineUnits, TargetResetReachesEveryLun) {
    Bench b;
    b.target->add_lun(2, b.unit, {});
    b.settle();
    b.itl(0).attentions.clear_all();
    b.nexus(0).find(2)->attentions.clear_all();
    std::optional<TaskResponse> response;
    manage_tasks(b.nexus(0), {TaskFunction::target_warm_reset, 77},
                 [&](TaskResponse r) { response = r; });
    b.settle();
    EXPECT_EQ(response, TaskResponse::complete);
    EXPECT_EQ(b.run(tur, from(0, 1)).sense(), 0x062900u);
    EXPECT_EQ(b.run(tur, from(0, 2)).sense(), 0x062900u);
}

TEST(EngineUnits, ResetOfAHungUnitIsAnsweredAtTheBound) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(0, false));
    std::optional<TaskResponse> response;
    manage_tasks(b.nexus(0), {TaskFunction::logical_unit_reset, 1},
                 [&](TaskResponse r) { response = r; });
    b.pass(4s);
    EXPECT_FALSE(response);
    b.pass(2s);
    EXPECT_EQ(response, TaskResponse::complete);
    let_go(b);
    EXPECT_TRUE(write->wait().silent);
}

TEST(EngineUnits, ANewLunIsAnnounced) {  // SPC-4 6.33
    Bench b;
    bool done = false;
    b.target->add_lun(5, b.unit, [&] { done = true; });
    b.settle();
    EXPECT_TRUE(done);
    EXPECT_EQ(b.run(tur).sense(), 0x063f0eu);
    EXPECT_EQ(b.run(tur, from(0, 5)).sense(), 0x062900u);
}

TEST(EngineUnits, ARemovedLunIsGoneAtOnceAndAnnounced) {
    Bench b;
    b.target->add_lun(5, b.unit, {});
    b.settle();
    b.itl(0).attentions.clear_all();
    std::optional<bool> drained;
    b.target->remove_lun(5, 5s, [&](bool all) { drained = all; });
    b.settle();
    EXPECT_EQ(drained, true);
    EXPECT_EQ(b.run(tur, from(0, 5)).sense(), 0x052500u);
    EXPECT_EQ(b.run(tur).sense(), 0x063f0eu);
}

TEST(EngineUnits, RemovalUnderLoadEndsEveryCommand) {
    Bench b(2);
    b.login("iqn.i1", 1);
    auto collecting = b.start(write10(0, 1), writing(0, true));
    b.store->hold(true);
    auto running = b.start(read10(0, 1), from(1));
    std::optional<bool> drained;
    b.target->remove_lun(1, 5s, [&](bool all) { drained = all; });
    b.settle();
    EXPECT_EQ(drained, true);
    EXPECT_TRUE(collecting->wait().silent);
    EXPECT_TRUE(running->wait().silent);
    EXPECT_EQ(b.run(tur, from(1)).sense(), 0x052500u);
}

TEST(EngineUnits, RemovalOfAHungLunIsAnsweredAtTheBoundAndTheUnitLivesOn) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(0, false));
    std::optional<bool> drained;
    b.target->remove_lun(1, 5s, [&](bool all) { drained = all; });
    b.unit.reset();
    b.pass(4s);
    EXPECT_FALSE(drained);
    b.pass(2s);
    EXPECT_EQ(drained, false);
    b.await_jobs();
    EXPECT_FALSE(b.store_gone());
    auto* store = b.store;
    store->hold(false);
    store->release_held();
    b.await_jobs();
    EXPECT_TRUE(write->wait().silent);
    EXPECT_TRUE(b.store_gone());
}

std::shared_ptr<LogicalUnit> another_unit(Bench& b) {
    const DeviceType& type = test::engine_device();
    auto store = std::make_unique<test::MemoryStore>(2 << 20);
    LunSetup setup;
    setup.store = &store->info();
    LunState state = type.initial_state(setup);
    return LogicalUnit::make(b.runtime, type, std::move(store), "memory", "/other", "",
                             std::move(state), 4);
}

// What the next commands of a nexus are told, until one is GOOD.
std::vector<uint32_t> attentions(Bench& b, const Bench::Send& to) {
    std::vector<uint32_t> out;
    for (auto answer = b.run(tur, to); !answer.good() && out.size() < 9; answer = b.run(tur, to))
        out.push_back(answer.sense());
    return out;
}

// Whatever order the threads run in: each of the three turns once in a while.
TEST(EngineUnits, NoCommandMeetsAHoleWhereAUnitTakesThePlaceOfAnother) {
    for (int order = 0; order < 6; ++order) {
        Bench b(2);
        b.login("iqn.i1", 1);
        const auto next = another_unit(b);
        std::optional<bool> drained;
        b.target->replace_lun(1, next, 5s, [&](bool all) { drained = all; });
        std::vector<io::Worker*> threads{&b.runtime.worker(0), &b.runtime.worker(1),
                                         &b.runtime.control()};
        std::rotate(threads.begin(), threads.begin() + order % 3, threads.end());
        if (order >= 3) std::swap(threads[1], threads[2]);
        std::vector<test::TestCommandPtr> sent;
        for (int turn = 0; turn < 15; ++turn) {
            EXPECT_EQ(b.target->luns().count(1), 1u);
            for (size_t nexus = 0; nexus < 2; ++nexus) {
                sent.push_back(b.send(tur, from(nexus)));
                sent.push_back(b.send(read10(0, 1), from(nexus)));
            }
            threads[turn % 3]->turn_for_test(b.now);
        }
        b.settle();
        for (const auto& command : sent) EXPECT_NE(command->wait().sense(), 0x052500u);
        EXPECT_EQ(drained, true);
        EXPECT_EQ(b.target->luns().at(1), next);
        EXPECT_EQ(&b.itl(0).shard.unit, next.get());
        EXPECT_EQ(&b.itl(1).shard.unit, next.get());
        EXPECT_EQ(b.unit->ports(), std::vector<uint16_t>{});
        EXPECT_EQ(next->ports(), std::vector<uint16_t>{1});
    }
}

// Also on the LUN itself, which did not come but changed.
TEST(EngineUnits, AUnitThatTakesThePlaceOfAnotherIsAnnouncedOnce) {  // SPC-4 6.33
    Bench b;
    b.target->add_lun(5, b.unit, {});
    b.settle();
    ASSERT_EQ(attentions(b, from(0, 1)), std::vector<uint32_t>{0x063f0e});
    ASSERT_EQ(attentions(b, from(0, 5)), std::vector<uint32_t>{0x062900});
    b.target->replace_lun(1, another_unit(b), 5s, [](bool) {});
    b.settle();
    EXPECT_EQ(attentions(b, from(0, 5)), std::vector<uint32_t>{0x063f0e});
    EXPECT_EQ(attentions(b, from(0, 1)), (std::vector<uint32_t>{0x062900, 0x063f0e}));
}

TEST(EngineUnits, CommandsOfAUnitThatIsReplacedAreAborted) {
    Bench b(2);
    b.login("iqn.i1", 1);
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 1, 0}).good());  // PREVENT
    auto collecting = b.start(write10(0, 1), writing(0, true));
    b.store->hold(true);
    auto running = b.start(read10(0, 1), from(1));
    std::optional<bool> drained;
    b.target->replace_lun(1, another_unit(b), 5s, [&](bool all) { drained = all; });
    b.settle();
    EXPECT_EQ(drained, true);
    EXPECT_TRUE(collecting->wait().silent);
    EXPECT_TRUE(running->wait().silent);
    EXPECT_EQ(b.unit->preventers(), 0u);
}

TEST(EngineUnits, AHungUnitIsReplacedAtOnceAndAnsweredForAtTheBound) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(0, false));
    std::optional<bool> drained;
    b.target->replace_lun(1, another_unit(b), 5s, [&](bool all) { drained = all; });
    b.settle();
    EXPECT_EQ(attentions(b, from(0)).size(), 2u);
    EXPECT_TRUE(b.run(write10(0, 1), writing(0, false)).good());
    b.pass(4s);
    EXPECT_FALSE(drained);
    b.pass(2s);
    EXPECT_EQ(drained, false);
    EXPECT_FALSE(write->ready());
    let_go(b);
    EXPECT_TRUE(write->wait().silent);
}

TEST(EngineUnits, CommandsOfANexusThatEndedCountForTheRemoval) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(0, false));
    retire(std::move(b.nexuses[0]), 1s, [] {});
    b.pass(2s);
    std::optional<bool> drained;
    b.target->remove_lun(1, 5s, [&](bool all) { drained = all; });
    b.pass(4s);
    EXPECT_FALSE(drained);
    let_go(b);
    EXPECT_EQ(drained, true);
}

TEST(EngineUnits, PreemptAndAbortWaitsForItsVictims) {  // SPC-4 5.9.11.5
    Bench b(2);
    size_t victim = b.login("iqn.i1", 1);
    ASSERT_TRUE(b.run(pr_out(0), pr_data(0, 0, 0xa)).good());
    ASSERT_TRUE(b.run(pr_out(0), pr_data(victim, 0, 0xb)).good());
    ASSERT_TRUE(b.run(pr_out(1, 1), pr_data(victim, 0xb, 0)).good());
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(victim, false));
    auto preempt = b.start(pr_out(5, 1), pr_data(0, 0xa, 0xb));
    EXPECT_FALSE(preempt->ready());
    let_go(b);
    EXPECT_TRUE(write->wait().silent);
    EXPECT_TRUE(preempt->wait().good());
    EXPECT_EQ(b.run(tur, from(victim)).sense() >> 8, 0x062au);
}

TEST(EngineUnits, PreemptAndAbortWaitsForVictimsWhoseSessionHasEnded) {
    Bench b;
    size_t victim = b.login("iqn.i1");
    ASSERT_TRUE(b.run(pr_out(0), pr_data(0, 0, 0xa)).good());
    ASSERT_TRUE(b.run(pr_out(0), pr_data(victim, 0, 0xb)).good());
    ASSERT_TRUE(b.run(pr_out(1, 1), pr_data(victim, 0xb, 0)).good());
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(victim, false));
    retire(std::move(b.nexuses[victim]), 1s, [] {});
    b.pass(2s);
    auto preempt = b.start(pr_out(5, 1), pr_data(0, 0xa, 0xb));
    EXPECT_FALSE(preempt->ready());
    let_go(b);
    EXPECT_TRUE(preempt->wait().good());
}

// The ItlNexus that a removal left behind outlives the nexus it came from.
TEST(EngineUnits, ASecondRemovalMeetsALeftoverOfTheFirst) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(0, false));
    b.target->remove_lun(1, 1s, [](bool) {});
    b.pass(2s);
    retire(std::move(b.nexuses[0]), 1s, [] {});
    b.settle();
    b.target->add_lun(1, b.unit, {});
    std::optional<bool> drained;
    b.target->remove_lun(1, 5s, [&](bool all) { drained = all; });
    b.pass(4s);
    EXPECT_FALSE(drained);
    let_go(b);
    EXPECT_EQ(drained, true);
}

TEST(EngineUnits, AUnitSharedByTwoTargetsHasOneState) {
    Bench b;
    auto second = std::make_shared<Target>(b.runtime, "iqn.2001-04.com.example:second", 2);
    second->add_lun(3, b.unit, {});
    b.settle();
    size_t other = b.login("iqn.i1", 0, false, second.get());
    ASSERT_TRUE(b.run({0x16, 0, 0, 0, 0, 0}).good());
    EXPECT_EQ(b.run(tur, from(other, 3)).status(), Status::reservation_conflict);
    auto mine = b.start(write10(0, 1), writing(0, true));
    std::optional<bool> drained;
    second->remove_lun(3, 5s, [&](bool all) { drained = all; });
    b.settle();
    EXPECT_EQ(drained, true);
    EXPECT_FALSE(mine->ready()) << "the other target's commands go on";
    data_out_complete(*mine);
    EXPECT_TRUE(mine->wait().good());
    retire(std::move(b.nexuses[other]), 1s, [] {});
}

}  // namespace
}  // namespace tgt::scsi
