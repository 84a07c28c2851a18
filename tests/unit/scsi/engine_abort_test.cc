// SPDX-License-Identifier: GPL-2.0-or-later
// Task management and the end of a nexus, for commands in every phase.
#include <gtest/gtest.h>

#include "scsi/abort.h"
#include "scsi/task_management.h"
#include "tests/unit/scsi/engine_bench.h"

namespace tgt::scsi {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::Gate;
using test::pattern;
using test::read10;
using test::tur;
using test::write10;

using Response = std::optional<TaskResponse>;

std::shared_ptr<Response> manage(Bench& b, TaskFunction function, uint64_t tag = 0,
                                 size_t nexus = 0, uint64_t lun = 1, io::Duration bound = 5s) {
    auto response = std::make_shared<Response>();
    TaskRequest request{function, lun, tag, bound};
    manage_tasks(b.nexus(nexus), request, [response](TaskResponse r) { *response = r; });
    b.settle();
    return response;
}
Bench::Send tagged(uint64_t tag, size_t nexus = 0) {
    Bench::Send send;
    send.tag = tag;
    send.nexus = nexus;
    return send;
}
Bench::Send writing(uint64_t tag, bool withhold, size_t nexus = 0) {
    Bench::Send send = tagged(tag, nexus);
    send.data = pattern(512, 3);
    send.withhold = withhold;
    return send;
}
// Operations that the store has begun: they cannot be cancelled.
void begin_hung(Bench& b) {
    b.store->cancellable = false;
    b.store->hold(true);
}
void let_go(Bench& b) {
    b.store->hold(false);
    b.store->release_held();
    b.settle();
}

TEST(EngineAbort, ACommandThatCollectsDataEndsAtOnceAndSilently) {
    Bench b;
    auto write = b.start(write10(0, 1), writing(7, true));
    EXPECT_EQ(*manage(b, TaskFunction::abort_task, 7), TaskResponse::complete);
    ASSERT_TRUE(write->ready());
    EXPECT_TRUE(write->wait().silent);
    EXPECT_TRUE(b.itl(0).tasks.empty());
}

TEST(EngineAbort, ACommandThatWaitsForItsTurnEndsAtOnceAndNeverRuns) {
    Bench b;
    b.store->hold(true);
    auto slow = b.start(read10(0, 1), tagged(1));
    Bench::Send send = writing(2, false);
    send.attribute = TaskAttribute::ordered;
    auto waits = b.start(write10(0, 1), send);
    EXPECT_EQ(*manage(b, TaskFunction::abort_task, 2), TaskResponse::complete);
    EXPECT_TRUE(waits->ready());
    let_go(b);
    EXPECT_TRUE(slow->wait().good());
    EXPECT_EQ(b.store->count(store::OpKind::write), 0u);
}

TEST(EngineAbort, AnAbortedBarrierLetsTheOthersRun) {
    Bench b;
    auto send = writing(1, true);
    send.attribute = TaskAttribute::ordered;
    auto barrier = b.start(write10(0, 1), send);
    auto behind = b.start(tur, tagged(2));
    ASSERT_FALSE(behind->ready());
    manage(b, TaskFunction::abort_task, 1);
    EXPECT_TRUE(behind->ready());
}

TEST(EngineAbort, AnOperationThatHasNotBegunIsCancelled) {
    Bench b;
    b.store->hold(true);
    auto write = b.start(write10(0, 1), writing(7, false));
    EXPECT_EQ(*manage(b, TaskFunction::abort_task, 7), TaskResponse::complete);
    EXPECT_TRUE(write->ready());
    let_go(b);
    EXPECT_EQ(b.store->count(store::OpKind::write), 0u);
}

TEST(EngineAbort, AnOperationThatHasBegunIsWaitedFor) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(7, false));
    auto response = manage(b, TaskFunction::abort_task, 7);
    EXPECT_FALSE(*response);
    EXPECT_FALSE(write->ready());
    let_go(b);
    EXPECT_EQ(*response, TaskResponse::complete);
    EXPECT_TRUE(write->wait().silent);
}

TEST(EngineAbort, TheBoundAnswersForAHungStore) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(7, false));
    auto response = manage(b, TaskFunction::abort_task, 7);
    b.pass(4999ms);
    EXPECT_FALSE(*response);
    b.pass(2ms);
    EXPECT_EQ(*response, TaskResponse::complete);
    EXPECT_FALSE(write->ready());
    let_go(b);
    EXPECT_TRUE(write->wait().silent);
}

TEST(EngineAbort, AJobThatWaitsInTheLaneIsTakenBackAndARunningOneWaitedFor) {
    Bench b;
    Gate::shut();
    std::vector<test::TestCommandPtr> running;
    for (uint64_t tag = 0; tag < 4; ++tag) running.push_back(b.start(test::gated, tagged(tag)));
    Gate::wait_for(4);  // the lane is full
    auto queued = b.start(test::gated, tagged(10));
    EXPECT_EQ(*manage(b, TaskFunction::abort_task, 10), TaskResponse::complete);
    EXPECT_TRUE(queued->ready());
    auto response = manage(b, TaskFunction::abort_task, 0);
    EXPECT_FALSE(*response);
    Gate::open();
    b.await_jobs();
    EXPECT_EQ(*response, TaskResponse::complete);
    EXPECT_TRUE(running[0]->wait().silent);
    EXPECT_TRUE(running[1]->wait().good());
}

TEST(EngineAbort, AControlCommandIsWaitedFor) {
    Bench b;
    test::TestCommand reserve({0x16, 0, 0, 0, 0, 0}, {});
    reserve.nexus = &b.nexus(0);
    reserve.lun = 1;
    reserve.tag = 5;
    submit(reserve);  // now with the control thread
    Response response;
    manage_tasks(b.nexus(0), {TaskFunction::abort_task, 1, 5},
                 [&](TaskResponse r) { response = r; });
    EXPECT_FALSE(response);
    b.settle();
    EXPECT_EQ(response, TaskResponse::complete);
    EXPECT_TRUE(reserve.wait().silent);
}

TEST(EngineAbort, UnknownTasksAndLunsAreNamed) {  // RFC 7143 11.6.1
    Bench b;
    EXPECT_EQ(*manage(b, TaskFunction::abort_task, 99), TaskResponse::no_such_task);
    EXPECT_EQ(*manage(b, TaskFunction::abort_task_set, 0, 0, 9), TaskResponse::no_such_lun);
    EXPECT_EQ(*manage(b, TaskFunction::clear_aca), TaskResponse::not_supported);
}

TEST(EngineAbort, AbortTaskSetLeavesOtherNexusesAlone) {  // SAM-5 7.3
    Bench b;
    size_t other = b.login("iqn.i1");
    auto mine = b.start(write10(0, 1), writing(1, true));
    auto theirs = b.start(write10(0, 1), writing(1, true, other));
    EXPECT_EQ(*manage(b, TaskFunction::abort_task_set), TaskResponse::complete);
    EXPECT_TRUE(mine->ready());
    EXPECT_FALSE(theirs->ready());
    data_out_complete(*theirs);
    EXPECT_TRUE(theirs->wait().good());
}

// A command aborted twice ends for both who wait for it, and for neither before it has ended.
TEST(EngineAbort, EveryoneWhoAbortedACommandWaitsForItsEnd) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(7, false));
    auto first = manage(b, TaskFunction::abort_task, 7);
    auto second = manage(b, TaskFunction::abort_task_set);
    EXPECT_FALSE(*first);
    EXPECT_FALSE(*second);
    let_go(b);
    EXPECT_EQ(*first, TaskResponse::complete);
    EXPECT_EQ(*second, TaskResponse::complete);
}

TEST(EngineAbort, AnAbandonedCommandStillCountsForWhoWaits) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(7, false));
    auto first = manage(b, TaskFunction::abort_task, 7);
    abandon(*write);
    b.settle();
    EXPECT_FALSE(*first);
    let_go(b);
    EXPECT_EQ(*first, TaskResponse::complete);
}

TEST(EngineAbort, ATagThatIsUsedAgainMeansTheLiveCommand) {
    Bench b;
    begin_hung(b);
    auto hung = b.start(write10(0, 1), writing(7, false));
    manage(b, TaskFunction::abort_task, 7);
    b.pass(6s);
    auto fresh = b.start(write10(8, 1), writing(7, true));
    EXPECT_EQ(*manage(b, TaskFunction::abort_task, 7), TaskResponse::complete);
    EXPECT_TRUE(fresh->ready());
    EXPECT_FALSE(hung->ready());
}

TEST(EngineAbort, AbortWaitAnswersOnceAndAtOnceWhenThereIsNothing) {
    Bench b;
    int answers = 0;
    bool all = false;
    auto wait = std::make_shared<AbortWait>(b.runtime.worker(0), [&](bool ended) {
        ++answers;
        all = ended;
    });
    wait->seal(1s);
    EXPECT_EQ(answers, 1);
    EXPECT_TRUE(all);
    b.pass(2s);
    EXPECT_EQ(answers, 1);
}

// --- the end of a nexus -------------------------------------------------------------------------

TEST(EngineRetire, EndsWaitingCommandsAndAnswers) {
    Bench b;
    auto write = b.start(write10(0, 1), writing(1, true));
    bool done = false;
    retire(std::move(b.nexuses[0]), 5s, [&] { done = true; });
    EXPECT_TRUE(done);
    EXPECT_TRUE(write->wait().silent);
    EXPECT_TRUE(b.unit->shard(0).detached.empty());
}

TEST(EngineRetire, AHungCommandOutlivesTheBoundAndItsNexus) {
    Bench b;
    begin_hung(b);
    auto write = b.start(write10(0, 1), writing(1, false));
    bool done = false;
    retire(std::move(b.nexuses[0]), 5s, [&] { done = true; });
    b.pass(4s);
    EXPECT_FALSE(done);
    b.pass(2s);
    EXPECT_TRUE(done);
    EXPECT_EQ(b.unit->shard(0).detached.size(), 1u);
    let_go(b);
    EXPECT_TRUE(write->wait().silent);
    EXPECT_TRUE(b.unit->shard(0).detached.empty());
    EXPECT_EQ(b.unit->shard(0).in_flight, 0u);
}

TEST(EngineRetire, GivesPreventBack) {  // SPC-4 6.13
    Bench b;
    b.login("iqn.i1");
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 1, 0}).good());
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 1, 0}).good());
    EXPECT_EQ(b.unit->preventers(), 1u);
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 1, 0}, tagged(0, 1)).good());
    EXPECT_EQ(b.unit->preventers(), 2u);
    ASSERT_TRUE(b.run({0x1e, 0, 0, 0, 0, 0}, tagged(0, 1)).good());
    EXPECT_EQ(b.unit->preventers(), 1u);
    retire(std::move(b.nexuses[0]), 5s, [] {});
    EXPECT_EQ(b.unit->preventers(), 0u);
}

}  // namespace
}  // namespace tgt::scsi
