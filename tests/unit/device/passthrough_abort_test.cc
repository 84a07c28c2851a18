// SPDX-License-Identifier: GPL-2.0-or-later
// Task management: what the system offers for a device behind us.
#include <cerrno>
#include <thread>

#include "scsi/task_management.h"
#include "tests/unit/device/passthrough_fixture.h"

namespace tgt::test {
namespace {

using namespace std::chrono_literals;
using scsi::TaskFunction;
using scsi::TaskResponse;
using Response = std::optional<TaskResponse>;

constexpr size_t threads = 4;  // of the bench's unit

class PassthroughAbortTest : public PassthroughTest {
  protected:
    std::shared_ptr<Response> manage(TaskFunction function, uint64_t tag = 0) {
        auto response = std::make_shared<Response>();
        scsi::TaskRequest request{function, 1, tag, 5s};
        scsi::manage_tasks(bench.nexus(0), request, [response](TaskResponse r) { *response = r; });
        bench.settle();
        return response;
    }
    TestCommandPtr begin(uint64_t tag) {
        auto command = bench.start({0x2a}, tagged(tag));
        return command;
    }
    // Until the pool's threads have done what they can.
    void until(const std::function<bool()>& done) {
        while (!done()) {
            bench.settle();
            std::this_thread::yield();
        }
    }
};

TEST_F(PassthroughAbortTest, ACommandThatTheDeviceHasNotSeenIsTakenBack) {
    port.shut();
    for (uint64_t tag = 1; tag <= threads + 1; ++tag) begin(tag);
    port.wait_for(threads);
    EXPECT_EQ(*manage(TaskFunction::abort_task, threads + 1), TaskResponse::complete);
    EXPECT_TRUE(bench.commands.back()->ready());
    port.open();
    bench.await_jobs();
    EXPECT_EQ(port.came().size(), threads);
}

TEST_F(PassthroughAbortTest, ACommandThatEndsInTimeIsAborted) {
    port.shut();
    auto command = begin(1);
    port.wait_for(1);
    auto response = manage(TaskFunction::abort_task, 1);
    EXPECT_FALSE(*response);
    port.open();
    bench.await_jobs();
    EXPECT_EQ(**response, TaskResponse::complete);
    EXPECT_TRUE(command->wait().silent);
}

// It may still do something: the initiator must not believe otherwise, and will ask for a reset.
TEST_F(PassthroughAbortTest, AnAbortThatDoesNothingIsNotSaidToHaveSucceeded) {
    port.shut();
    begin(1);
    port.wait_for(1);
    auto task = manage(TaskFunction::abort_task, 1);
    auto set = manage(TaskFunction::abort_task_set);
    bench.pass(6s);
    EXPECT_EQ(**task, TaskResponse::rejected);
    EXPECT_EQ(**set, TaskResponse::rejected);
}

TEST_F(PassthroughAbortTest, AResetReachesTheDeviceAndEndsItsCommands) {
    port.shut(true);
    for (uint64_t tag = 1; tag <= threads + 1; ++tag) begin(tag);
    port.wait_for(threads);
    auto response = manage(TaskFunction::logical_unit_reset);
    bench.pass(1ms);  // the bound of the first round
    until([&] { return response->has_value(); });
    EXPECT_EQ(**response, TaskResponse::complete);
    EXPECT_EQ(port.resets(), 1u);
    EXPECT_EQ(port.came().size(), threads);  // the fifth has never begun
    for (auto& command : bench.commands) EXPECT_TRUE(command->wait().silent);
}

TEST_F(PassthroughAbortTest, AResetThatFailsWhileACommandIsStuckIsRejected) {
    port.set_reset_error(ENOTSUP);
    port.shut();
    begin(1);
    port.wait_for(1);
    auto response = manage(TaskFunction::logical_unit_reset);
    bench.pass(1ms);
    until([&] { return port.resets() == 1; });  // before its bound, which is virtual time
    until([&] {
        bench.pass(1s);
        return response->has_value();
    });
    EXPECT_EQ(**response, TaskResponse::rejected);
}

TEST_F(PassthroughAbortTest, AResetThatFailsIsNotSaidToHaveSucceeded) {
    port.set_reset_error(ENOTSUP);
    auto response = manage(TaskFunction::logical_unit_reset);
    bench.pass(1ms);
    until([&] { return response->has_value(); });
    EXPECT_EQ(**response, TaskResponse::rejected);
}

TEST_F(PassthroughAbortTest, ATargetResetReachesTheDevice) {
    auto response = manage(TaskFunction::target_warm_reset);
    bench.pass(1ms);
    until([&] { return response->has_value(); });
    EXPECT_EQ(**response, TaskResponse::complete);
    EXPECT_EQ(port.resets(), 1u);
}

}  // namespace
}  // namespace tgt::test
