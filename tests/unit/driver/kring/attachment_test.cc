// SPDX-License-Identifier: GPL-2.0-or-later
// Hosts that are bound, attachments that are lost, and what the next one brings again.
#include <gtest/gtest.h>

#include "device/sbc/disk.h"
#include "driver/kring/port_name.h"
#include "scsi/transport_id.h"
#include "tests/unit/driver/kring/kring_bench.h"

namespace tgt::test {
namespace {

constexpr uint8_t again = TGT_DESC_F_REDELIVERED, seen = TGT_DESC_F_SEEN;

// --- hosts ---------------------------------------------------------------------------------------

TEST(KringHosts, WithoutTheModulesTheDriverSaysWhyAndDisturbsNobody) {
    KringBench bench;
    bench.hosts.all.clear();
    bench.hosts.problem_text = "the kernel has no tgt_core";
    EXPECT_EQ(bench.driver->state(), "error");
    EXPECT_EQ(bench.driver->explanation(), "the kernel has no tgt_core");
    EXPECT_EQ(bench.bind().error().code, ENOENT);
    bench.hosts.problem_text.clear();
    EXPECT_EQ(bench.driver->state(), "ready");
    EXPECT_EQ(bench.driver->explanation(), "");
}

TEST(KringHosts, AreAttachedWhenATargetIsBoundAndItsLunsAreTold) {
    KringBench bench(2, 3);
    EXPECT_TRUE(bench.kernel.all().empty());
    ASSERT_TRUE(bench.bind());
    EXPECT_EQ(bench.kernel.all().size(), 3u);
    EXPECT_EQ(bench.driver->hosts_of(1), std::vector<uint32_t>{1});
    EXPECT_EQ(bench.hosts.lun_changes, (decltype(bench.hosts.lun_changes){{1, 1, true}}));
    bench.driver->lun_changed(1, 5, false);
    bench.driver->lun_changed(2, 5, false);
    EXPECT_EQ(bench.hosts.lun_changes.back(), std::make_tuple(1u, uint64_t(5), false));
    EXPECT_EQ(bench.hosts.lun_changes.size(), 2u);
}

TEST(KringHosts, HaveOneTargetAtMost) {
    KringBench bench;
    EXPECT_EQ(bench.bind(9).error().code, ENOENT);
    ASSERT_TRUE(bench.bind());
    EXPECT_EQ(bench.bind(1, 2).error().code, EEXIST);
}

TEST(KringHosts, AHostThatCannotBeAttachedIsNotBound) {
    KringBench bench(1, 2);
    bench.kernel.refuse = EBUSY;
    EXPECT_EQ(bench.bind().error().code, EBUSY);
    EXPECT_TRUE(bench.driver->hosts_of(1).empty());
    bench.kernel.refuse = 0;
    EXPECT_TRUE(bench.bind());
}

TEST(KringHosts, ManagementHearsOfThoseThatComeAndAreOfThisDriver) {
    KringBench bench;
    kring::KernelHost host;
    host.number = 4;
    host.lld = "loop";
    bench.hosts.listener->host_added(host);
    host.number = 5;
    host.lld = "ibmvio";
    bench.hosts.listener->host_added(host);
    EXPECT_EQ(bench.directory.came, std::vector<uint32_t>{4});
}

TEST(KringHosts, UnboundTheyStayAttachedAndCommandsEndAtOnce) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    bench.scsi.store->hold(true);
    const uint64_t running = kernel.submit({.cdb = read10(0, 1), .in_length = 512});
    bench.scsi.settle();
    bool all_gone = false;
    bench.driver->unbind_host(1, std::chrono::seconds(1), [&](bool all) { all_gone = all; });
    bench.scsi.settle();
    EXPECT_TRUE(all_gone);
    EXPECT_EQ(kernel.done(running).sense_code(), 0x0b2f02u) << "it is told, as its port remains";
    EXPECT_EQ(bench.hosts.lun_changes.back(), std::make_tuple(1u, uint64_t(1), false));
    EXPECT_EQ(bench.run({.cdb = tur}).sense_code(), 0x052500u);
    EXPECT_TRUE(bench.sessions().empty());
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
    ASSERT_TRUE(bench.bind());
    EXPECT_EQ(bench.kernel.all().size(), 1u);
    EXPECT_EQ(bench.run({.cdb = tur}).sense_code(), 0x062900u);
    EXPECT_EQ(bench.sessions().size(), 1u);
}

TEST(KringHosts, AHostThatGoesTakesEverythingAlongAndIsNotTriedAgain) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    bench.scsi.store->hold(true);
    kernel.submit({.cdb = read10(0, 1), .in_length = 512});
    bench.scsi.settle();
    bench.hosts.all.clear();
    kernel.break_off();
    bench.hosts.listener->host_removed(1);
    bench.kernel.refuse = ENODEV;
    bench.scsi.pass(std::chrono::minutes(1));
    EXPECT_LE(bench.kernel.tries, 2u);
    EXPECT_TRUE(bench.driver->hosts_of(1).empty());
    EXPECT_TRUE(kernel.closed);
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
}

// --- sessions ------------------------------------------------------------------------------------

TEST(KringSessions, AreTheNexusesOfBoundHosts) {
    KringBench bench(2, 2);
    ASSERT_TRUE(bench.bind(1, 7));
    bench.kernel.all()[0]->arrive(1, "loop.1:0");
    bench.kernel.all()[1]->arrive(2, "loop.1:1");
    const auto sessions = bench.sessions(7);
    ASSERT_EQ(sessions.size(), 2u);
    EXPECT_EQ(sessions[0].initiator_name, "loop.1:0");
    EXPECT_EQ(sessions[0].id, 1u);
    EXPECT_EQ(sessions[0].tid, 7);
    EXPECT_EQ(sessions[1].initiator_name, "loop.1:1");
    EXPECT_TRUE(bench.sessions(8).empty());
    mgmt::DropOutcome outcome{};
    bench.driver->drop_connection(7, 1, 0, [&](mgmt::DropOutcome told) { outcome = told; });
    bench.scsi.settle();
    EXPECT_EQ(outcome, mgmt::DropOutcome::no_connection);
}

TEST(KringSessions, PortsAreNamedByTheirTransportIdOrByOneThatIsMadeOfTheName) {
    std::array<uint8_t, 24> sas{};
    sas[0] = 6;
    sas[4] = 0x30;
    sas[11] = 0x07;
    const std::string port = kring::port_name(sas, 6, "x");
    std::vector<uint8_t> bytes;
    scsi::append_transport_id(bytes, port);
    EXPECT_EQ(bytes, std::vector<uint8_t>(sas.begin(), sas.end()));
    EXPECT_TRUE(scsi::names_port(port));
    std::array<uint8_t, 24> none{};
    none[0] = 0xff;
    EXPECT_EQ(kring::port_name(none, 6, "a"), kring::port_name(none, 6, "a"));
    EXPECT_NE(kring::port_name(none, 6, "a"), kring::port_name(none, 6, "b"));
}

// --- attachments that are lost
// ---------------------------------------------------------------------

TEST(KringLoss, WhatRanEndsQuietlyAndTheQueueIsAttachedAgain) {
    KringBench bench;
    FakeAttachment& old = bench.serve();
    bench.scsi.store->hold(true);
    const uint64_t running = old.submit({.cdb = read10(0, 1), .in_length = 512});
    bench.scsi.settle();
    bench.scsi.pass(std::chrono::seconds(2));
    old.break_off();
    bench.scsi.settle();
    EXPECT_FALSE(old.is_done(running));
    ASSERT_EQ(bench.kernel.all().size(), 2u) << "at once, as it had lasted";
    EXPECT_TRUE(old.closed);
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
    bench.kernel.last().arrive(1, "loop.1:0");
    EXPECT_EQ(bench.run({.cdb = tur}).sense_code(), 0x062900u);
}

TEST(KringLoss, OneThatIsLostAtOnceIsTriedAgainAfterAPause) {
    KringBench bench;
    FakeAttachment& old = bench.serve();
    old.break_off();
    bench.scsi.settle();
    EXPECT_EQ(bench.kernel.tries, 1u);
    bench.kernel.refuse = EBUSY;
    bench.scsi.pass(std::chrono::seconds(1));
    EXPECT_EQ(bench.kernel.tries, 2u);
    bench.scsi.pass(std::chrono::seconds(1));
    EXPECT_EQ(bench.kernel.tries, 3u);
    bench.kernel.refuse = 0;
    bench.scsi.pass(std::chrono::seconds(2));
    EXPECT_EQ(bench.kernel.all().size(), 2u);
}

// The store writes from memory of the old attachment.
TEST(KringLoss, AnAttachmentIsKeptUntilTheStoreHasGivenItsCommandsBack) {
    KringBench bench;
    FakeAttachment& old = bench.serve();
    bench.scsi.pass(std::chrono::seconds(2));
    bench.scsi.store->hold(true);
    bench.scsi.store->cancellable = false;
    old.submit({.cdb = write10(0, 1), .out = pattern(512, 1)});
    bench.scsi.settle();
    old.break_off();
    bench.scsi.pass(std::chrono::seconds(6));
    bench.scsi.pass(std::chrono::milliseconds(1));
    EXPECT_EQ(bench.kernel.all().size(), 2u);
    EXPECT_FALSE(old.closed);
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
    bench.scsi.settle();
    EXPECT_TRUE(old.closed);
}

TEST(KringLoss, AKickThatFailsIsTheEndOfTheAttachment) {
    KringBench bench;
    FakeAttachment& old = bench.serve();
    bench.scsi.pass(std::chrono::seconds(2));
    old.kick_error = ESHUTDOWN;
    old.submit({.cdb = tur});
    bench.scsi.settle();
    EXPECT_EQ(bench.kernel.all().size(), 2u);
}

TEST(KringLoss, EventsThatMakeNoSenseAreTheEndOfTheAttachment) {
    using Nonsense = void (*)(FakeAttachment&);
    const std::vector<Nonsense> cases = {
        [](FakeAttachment& kernel) { kernel.event(31, 9); },
        [](FakeAttachment& kernel) { kernel.event(99, TGT_EVENT_NEW); },
        [](FakeAttachment& kernel) { kernel.event(3, TGT_EVENT_DATA); },
        [](FakeAttachment& kernel) { kernel.event(3, TGT_EVENT_SENT); },
        [](FakeAttachment& kernel) { kernel.submit({.nexus = 44, .cdb = tur}); },
        [](FakeAttachment& kernel) { kernel.arrive(1, "twice"); },
        [](FakeAttachment& kernel) {
            kernel.desc(20).tag = 20;
            kernel.desc(20).type = 12;
            kernel.event(20, TGT_EVENT_NEW);
        },
        [](FakeAttachment& kernel) {
            kernel.desc(20).tag = 20;
            kernel.desc(20).type = TGT_DESC_COMMAND;
            kernel.desc(20).nexus = 1;
            kernel.desc(20).cdb_length = 261;
            kernel.event(20, TGT_EVENT_NEW);
        },
    };
    for (const Nonsense nonsense : cases) {
        KringBench bench;
        FakeAttachment& old = bench.serve();
        bench.scsi.pass(std::chrono::seconds(2));
        nonsense(old);
        bench.scsi.settle();
        EXPECT_EQ(bench.kernel.all().size(), 2u) << &nonsense - cases.data();
    }
}

TEST(KringLoss, StoppingEndsEverythingAndTellsNobody) {
    KringBench bench;
    FakeAttachment& kernel = bench.serve();
    bench.scsi.store->hold(true);
    const uint64_t running = kernel.submit({.cdb = read10(0, 1), .in_length = 512});
    bench.scsi.settle();
    bench.stop();
    EXPECT_FALSE(kernel.is_done(running)) << "the next daemon gets it";
    EXPECT_TRUE(kernel.closed);
    EXPECT_EQ(bench.driver->state(), "stopped");
    bench.scsi.store->hold(false);
    bench.scsi.store->release_held();
}

// --- what another daemon left behind
// ---------------------------------------------------------------

struct Repeat {
    std::vector<uint8_t> cdb;
    bool repeated;
};

TEST(KringAgain, OnlyWhatMayBeRepeatedRunsAgainOnceItWasSeen) {
    const std::vector<Repeat> cases = {
        {{0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, true},                     // READ
        {{0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0}, true},                     // WRITE
        {{0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true},                     // SYNCHRONIZE CACHE
        {{0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true},                     // READ CAPACITY
        {{0x16, 0, 0, 0, 0, 0}, false},                                // RESERVE(6)
        {{0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0}, false},                   // PERSISTENT RESERVE OUT
        {{0x04, 0, 0, 0, 0, 0}, false},                                // FORMAT UNIT
        {{0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}, false},  // COMPARE AND WRITE
        {{0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}, true},   // ORWRITE
    };
    KringBench bench(1, 1, sbc::disk);
    bench.serve();
    for (const Repeat& one : cases) {
        FakeAttachment::Command command;
        command.cdb = one.cdb;
        command.in_length = 4096;
        command.out = pattern(1024, 1);
        command.flags = again | seen;
        const Done done = bench.run(command);
        EXPECT_EQ(done.sense_code() != 0x0b2f02, one.repeated) << std::hex << int(one.cdb[0]);
    }
}

TEST(KringAgain, WhatWasNotSeenRuns) {
    KringBench bench(1, 1, sbc::disk);
    bench.serve();
    EXPECT_EQ(bench.run({.cdb = {0x16, 0, 0, 0, 0, 0}, .flags = again}).status, 0);
}

// --- threads
// ---------------------------------------------------------------------------------------

TEST(KringThreads, CommandsComeWhileTheWorkerSleepsAndWhileItWorks) {
    KringBench bench(2, 2);
    ASSERT_TRUE(bench.start_threads());
    const auto queues = bench.kernel.all();
    for (uint32_t i = 0; i < 2; ++i) queues[i]->arrive(i + 1, "loop.1:" + std::to_string(i));
    for (int round = 0; round < 100; ++round) {
        std::vector<uint64_t> ids;
        for (int i = 0; i < 8; ++i)
            ids.push_back(queues[i % 2]->submit(
                {.nexus = uint32_t(i % 2 + 1), .cdb = write10(8, 1), .out = pattern(512, 1)}));
        for (int i = 0; i < 8; ++i) queues[i % 2]->wait_for(ids[i]);
    }
    bench.stop_threads();
    for (const auto& queue : queues) EXPECT_TRUE(queue->closed);
}

TEST(KringThreads, ResetsUnderLoadLeaveNoCommandWithoutAnAnswer) {
    KringBench bench(2, 1);
    bench.scsi.store->asynchronous = true;
    ASSERT_TRUE(bench.start_threads());
    FakeAttachment& kernel = bench.kernel.last();
    kernel.arrive(1, "loop.1:0");
    for (int round = 0; round < 100; ++round) {
        std::vector<uint64_t> ids;
        for (int i = 0; i < 12; ++i)
            ids.push_back(i % 2 ? kernel.submit({.cdb = write10(8, 1), .out = pattern(512, 1)})
                                : kernel.submit({.cdb = read10(8, 1), .in_length = 512}));
        ids.push_back(kernel.task(1, TGT_TASK_LOGICAL_UNIT_RESET, 1));
        for (int i = 0; i < 8; ++i)
            ids.push_back(kernel.submit({.cdb = write10(8, 1), .out = pattern(512, 1)}));
        for (const uint64_t id : ids) kernel.wait_for(id);
    }
    bench.stop_threads();
}

}  // namespace
}  // namespace tgt::test
