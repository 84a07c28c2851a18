// SPDX-License-Identifier: GPL-2.0-or-later
// Promises about the store and reservations that a logical unit keeps: APTPL, failed flushes,
// PREEMPT AND ABORT with a hung victim.
#include <gtest/gtest.h>

#include "tests/unit/scsi/engine_bench.h"
#include "wire/endian.h"

namespace tgt::scsi {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::pattern;
using test::write10;

struct Keeper final : ReservationKeeper {
    void keep(const Reservations& reservations, std::function<void(bool)> done) override {
        asked.push_back(reservations);
        answer_ = std::move(done);
    }
    void answer(bool kept) { std::exchange(answer_, nullptr)(kept); }
    std::vector<Reservations> asked;

  private:
    std::function<void(bool)> answer_;
};

// Registers `key` for the nexus, with APTPL or not.
LunChange registering(const LunState& now, uint64_t key, bool aptpl) {
    LunChange change;
    change.next = std::make_shared<LunState>(now);
    change.next->reservations.registrations.push_back({NexusId{"iqn.i0", 1}, key});
    change.next->reservations.aptpl = aptpl;
    return change;
}

class EngineKeep : public testing::Test {
  protected:
    EngineKeep() { b.unit->set_keeper(keeper); }
    std::shared_ptr<std::optional<Outcome>> change(LogicalUnit::Build build) {
        auto outcome = std::make_shared<std::optional<Outcome>>();
        b.unit->change(std::move(build), b.runtime.worker(0),
                       [outcome](const Outcome& o) { *outcome = o; });
        b.settle();
        return outcome;
    }
    Bench b;
    std::shared_ptr<Keeper> keeper = std::make_shared<Keeper>();
};

TEST_F(EngineKeep, AReservationIsKeptBeforeItIsInForce) {  // SPC-4 5.9.5
    auto outcome = change([](const LunState& now) { return registering(now, 0xa, true); });
    ASSERT_EQ(keeper->asked.size(), 1u);
    EXPECT_EQ(keeper->asked[0].registrations.size(), 1u);
    EXPECT_FALSE(*outcome);
    EXPECT_TRUE(b.unit->state()->reservations.registrations.empty());
    keeper->answer(true);
    b.settle();
    ASSERT_TRUE(*outcome);
    EXPECT_TRUE((*outcome)->good());
    EXPECT_EQ(b.unit->state()->reservations.registrations.size(), 1u);
}

TEST_F(EngineKeep, WhatCannotBeKeptIsRefusedAndChangesNothing) {
    auto outcome = change([](const LunState& now) { return registering(now, 0xa, true); });
    keeper->answer(false);
    b.settle();
    ASSERT_TRUE(*outcome);
    EXPECT_EQ((*outcome)->sense->key, SenseKey::hardware_error);
    EXPECT_TRUE(b.unit->state()->reservations.registrations.empty());
}

TEST_F(EngineKeep, LaterChangesWaitForTheKeeping) {
    auto first = change([](const LunState& now) { return registering(now, 0xa, true); });
    auto second = change([](const LunState& now) { return registering(now, 0xb, true); });
    EXPECT_EQ(keeper->asked.size(), 1u);
    keeper->answer(true);
    b.settle();
    ASSERT_EQ(keeper->asked.size(), 2u);
    EXPECT_EQ(keeper->asked[1].registrations.size(), 2u);
    keeper->answer(true);
    b.settle();
    EXPECT_TRUE(*second);
    EXPECT_EQ(b.unit->state()->reservations.registrations.size(), 2u);
}

TEST_F(EngineKeep, WithoutAptplNothingIsKept) {
    auto outcome = change([](const LunState& now) { return registering(now, 0xa, false); });
    EXPECT_TRUE(*outcome);
    EXPECT_TRUE(keeper->asked.empty());
}

TEST_F(EngineKeep, TheEndOfAptplIsKeptToo) {
    change([](const LunState& now) { return registering(now, 0xa, true); });
    keeper->answer(true);
    b.settle();
    change([](const LunState& now) { return registering(now, 0xb, false); });
    ASSERT_EQ(keeper->asked.size(), 2u);
    EXPECT_FALSE(keeper->asked[1].aptpl);
    keeper->answer(true);
    b.settle();
}

struct Observer final : StoreObserver {
    void store_failed(const std::shared_ptr<LogicalUnit>&, int error) override {
        failures.push_back(error);
    }
    void flush_failed(const std::shared_ptr<LogicalUnit>&, int error) override {
        flushes.push_back(error);
    }
    std::vector<int> failures, flushes;
};

TEST(EngineObserver, HearsOfTheFirstFailureOnlyUntilItAsksAgain) {
    Observer observer;
    Bench b;
    b.unit->set_observer(&observer);
    b.store->fail_when([](const store::Op&) { return ENODEV; });
    for (int i = 0; i < 3; ++i) b.run(test::read10(0, 1));
    EXPECT_EQ(observer.failures, std::vector<int>{ENODEV});
    b.unit->report_failures_again();
    b.run(test::read10(0, 1));
    EXPECT_EQ(observer.failures.size(), 2u);
    EXPECT_TRUE(observer.flushes.empty());
}

TEST(EngineObserver, DoesNotHearOfWhatPasses) {
    Observer observer;
    Bench b;
    b.unit->set_observer(&observer);
    b.store->fail_when([](const store::Op&) { return ENOSPC; });
    b.run(test::read10(0, 1));
    b.unit->store_failed(store::OpKind::flush, false, EAGAIN);
    b.settle();
    EXPECT_TRUE(observer.failures.empty());
    EXPECT_FALSE(b.unit->state()->flush_failed);
}

TEST(EngineObserver, AFailedFlushIsKeptInTheState) {
    Observer observer;
    Bench b;
    b.unit->set_observer(&observer);
    for (int error : {ENOSPC, EIO}) b.unit->store_failed(store::OpKind::flush, false, error);
    b.settle();
    EXPECT_TRUE(b.unit->state()->flush_failed);
    EXPECT_EQ(observer.flushes, std::vector<int>{ENOSPC});
}

// --- PREEMPT AND ABORT (SPC-4 5.9.11.5) ------------------------------------------------------

class PreemptAndAbort : public testing::Test {
  protected:
    PreemptAndAbort() : victim(b.login("iqn.i1", 1)) {
        auto setup = [](const LunState& now) {
            LunChange change = registering(now, 0xa, false);
            change.next->reservations.registrations.push_back({NexusId{"iqn.i1", 1}, 0xb});
            return change;
        };
        b.unit->change(setup, b.runtime.worker(0), [](const Outcome&) {});
        b.settle();
    }
    test::TestCommandPtr preempt() {
        Bench::Send send;
        send.data.resize(24);
        wire::store_be<8>(&send.data[0], 0xa);
        wire::store_be<8>(&send.data[8], 0xb);
        return b.start({0x5f, 5, 1, 0, 0, 0, 0, 0, 24, 0}, send);
    }
    test::TestCommandPtr hang_write() {
        Bench::Send send;
        send.nexus = victim;
        send.data = pattern(512, 1);
        b.store->cancellable = false;
        b.store->hold(true);
        auto write = b.start(write10(0, 1), send);
        b.store->hold(false);
        return write;
    }
    Bench b{2};
    size_t victim;
};

TEST_F(PreemptAndAbort, IsGoodWhenTheVictimsWritesHaveEnded) {
    auto write = hang_write();
    auto preempt_out = preempt();
    EXPECT_FALSE(preempt_out->ready());
    b.store->release_held();
    b.settle();
    EXPECT_TRUE(preempt_out->wait().good());
    EXPECT_TRUE(write->wait().silent);
    const auto attentions = b.itl(victim).attentions.all();
    EXPECT_EQ(std::count(attentions.begin(), attentions.end(), ua::commands_cleared), 1);
}

TEST_F(PreemptAndAbort, EndsThePreventOfTheVictim) {  // SPC-4 5.13.11.2.6
    b.itl(victim).set_prevents_removal(true);
    b.itl(0).set_prevents_removal(true);
    EXPECT_TRUE(preempt()->wait().good());
    EXPECT_FALSE(b.itl(victim).prevents_removal());
    EXPECT_TRUE(b.itl(0).prevents_removal());
}

TEST_F(PreemptAndAbort, MakesTheUnitNotReadyWhenAVictimsWriteIsStuck) {
    auto write = hang_write();
    auto preempt_out = preempt();
    b.pass(5001ms);
    EXPECT_EQ(preempt_out->wait().sense(), 0x020401u);
    EXPECT_EQ(b.unit->state()->reservations.registrations.size(), 1u);
    EXPECT_EQ(b.run(test::read10(100, 1)).sense(), 0x020401u);
    b.store->release_held();
    b.settle();
    EXPECT_TRUE(write->wait().silent);
    EXPECT_EQ(b.unit->state()->backing, Backing::present);
    EXPECT_TRUE(b.run(test::read10(100, 1)).good());
}

}  // namespace
}  // namespace tgt::scsi
