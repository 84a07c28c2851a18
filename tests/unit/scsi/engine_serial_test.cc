// SPDX-License-Identifier: GPL-2.0-or-later
// Units with a model: turns, readiness of the medium, attentions of the device.
#include <gtest/gtest.h>

#include "scsi/spc_commands.h"
#include "tests/unit/scsi/engine_bench.h"

namespace tgt::scsi {
namespace {

using test::Bench;
using test::Gate;
using test::gated;
using test::tur;

class TestModel final : public DeviceModel {
  public:
    explicit TestModel(std::unique_ptr<store::Store> store) : store_(std::move(store)) {}
    void attach(LogicalUnit& unit) override {
        MediumStatus status;
        status.present = true;
        unit.publish_medium(status);
    }
    void reset() override { ++resets; }
    void nexus_lost(const NexusId& nexus) override { lost.push_back(nexus); }
    std::optional<Outcome> begin(const Command&) override { return instead; }
    std::vector<NexusId> lost;
    std::optional<Outcome> instead;
    std::vector<uint8_t> writes;  // the first byte of each, in the order of running
    std::atomic<int> resets{0};
    std::optional<Outcome> at_once = Outcome();
    int tried = 0, on_strand = 0;

  private:
    std::unique_ptr<store::Store> store_;
};

TestModel& model_of(LogicalUnit& unit) {
    return static_cast<TestModel&>(*unit.model());
}

Outcome run_write(Command& command) {
    model_of(command.shard->unit).writes.push_back(command.parameter_list().front());
    return Status::good;
}

// A blocking command that takes one byte.
constexpr OpRow write_row() {
    OpRow row = spc::no_data("WRITE ONE BYTE", 0x3b, {0x3b, 0, 0, 0, 0, 0, 0, 0, 0xff},
                             ReservationClass::write, 0, &run_write);
    row.cdb_length = 10;
    row.direction = Direction::out;
    row.amount = Amount::field;
    row.length_at = 8;
    row.length_bytes = 1;
    row.kind = Kind::blocking;
    return row;
}
std::optional<Outcome> try_now(Command& command) {
    TestModel& model = model_of(command.shard->unit);
    ++model.tried;
    return model.at_once;
}
Outcome run_quick(Command& command) {
    ++model_of(command.shard->unit).on_strand;
    return Status::good;
}
constexpr OpRow quick_row() {
    OpRow row = spc::no_data("QUICK", 0x2b, {0x2b}, ReservationClass::status, 0, &run_quick);
    row.cdb_length = 10;
    row.kind = Kind::blocking;
    row.run_now = &try_now;
    return row;
}
const std::vector<uint8_t> quick = {0x2b, 0, 0, 0, 0, 0, 0, 0, 0, 0};

Outcome run_gated(Command&) {
    Gate::pass();
    return Status::good;
}
constexpr OpRow gated_row() {
    OpRow row = spc::no_data("GATED", 0x2f, {0x2f}, ReservationClass::status, 0, &run_gated);
    row.cdb_length = 10;
    row.kind = Kind::blocking;
    return row;
}

const OpIndex& ops() {
    static constexpr auto rows = join(spc_rows, std::array{write_row(), quick_row(), gated_row()});
    static_assert(valid_table(rows));
    static const OpIndex index(rows);
    return index;
}

const DeviceType& serial_device() {
    static const DeviceType type = [] {
        DeviceType made = test::engine_device();
        made.ops = ops;
        made.serial = true;
        made.make_model = [](std::unique_ptr<store::Store> store, const std::string&) {
            return std::unique_ptr<DeviceModel>(new TestModel(std::move(store)));
        };
        return made;
    }();
    return type;
}

class EngineSerial : public testing::Test {
  protected:
    EngineSerial() : b_(1, {}, serial_device()) {}
    TestModel& model() { return model_of(*b_.unit); }
    test::TestCommandPtr send_byte(uint8_t byte, bool withhold = false, size_t nexus = 0) {
        Bench::Send one;
        one.data = {byte};
        one.withhold = withhold;
        one.nexus = nexus;
        return b_.start({0x3b, 0, 0, 0, 0, 0, 0, 0, 1, 0}, one);
    }
    uint32_t sense_of_tur(size_t nexus = 0) {
        Bench::Send one;
        one.nexus = nexus;
        return b_.run(tur, one).sense();
    }
    void publish(bool present, std::optional<Sense> not_ready = {}) {
        MediumStatus status;
        status.present = present;
        status.not_ready = not_ready;
        b_.unit->publish_medium(status);
    }
    Bench b_;
};

TEST_F(EngineSerial, ACommandKeepsItsPlaceWhileItsDataIsOnTheWay) {
    auto first = send_byte(1, true);
    auto second = send_byte(2);
    b_.await_jobs();
    EXPECT_FALSE(second->ready());
    data_out_complete(*first);
    b_.await_jobs();
    b_.await_jobs();
    EXPECT_TRUE(first->ready());
    EXPECT_TRUE(second->ready());
    EXPECT_EQ(model().writes, (std::vector<uint8_t>{1, 2}));
}

TEST_F(EngineSerial, ANexusThatSendsNoDataHoldsUpNobodyElse) {
    const size_t other = b_.login("iqn.other");
    auto first = send_byte(1, true);
    auto of_other = send_byte(2, false, other);
    b_.await_jobs();
    EXPECT_TRUE(of_other->ready());
    abandon(*first);
    b_.settle();
}

TEST_F(EngineSerial, OneThatWaitsForItsTurnRunsWhenTheOneInFrontIsAborted) {
    auto first = send_byte(1, true);
    auto second = send_byte(2);
    abandon(*first);
    b_.await_jobs();
    EXPECT_TRUE(second->ready());
    EXPECT_EQ(model().writes, (std::vector<uint8_t>{2}));
}

TEST_F(EngineSerial, InlineCommandsDoNotWaitForTheStrand) {
    Gate::shut();
    auto slow = b_.start(gated);
    Gate::wait_for(1);
    EXPECT_EQ(sense_of_tur(), 0u);
    Gate::open();
    b_.await_jobs();
    EXPECT_TRUE(slow->ready());
}

// SPC-4 6.47: TEST UNIT READY tells what stands in the way of the medium.
TEST_F(EngineSerial, ReadinessIsWhatTheModelHasPublishedLast) {
    publish(false);
    EXPECT_EQ(sense_of_tur(), 0x023a00u);
    publish(true, sense::not_ready(0x01));
    EXPECT_EQ(sense_of_tur(), 0x020401u);
    publish(true);
    EXPECT_EQ(sense_of_tur(), 0u);
}

TEST_F(EngineSerial, ABlockingCommandFindsOutOnTheStrandWhetherThereIsAMedium) {
    publish(false);
    auto byte = send_byte(1);
    b_.await_jobs();
    ASSERT_TRUE(byte->ready());
    EXPECT_TRUE(byte->wait().good());
}

// SAM-5 5.14
TEST_F(EngineSerial, AnAttentionOfTheDeviceReachesEveryNexusButTheOneThatCausedIt) {
    const size_t other = b_.login("iqn.other");
    b_.unit->attention_board().post(ua::medium_may_have_changed, b_.nexus(0).id());
    EXPECT_EQ(sense_of_tur(0), 0u);
    EXPECT_EQ(sense_of_tur(other), 0x062800u);
    EXPECT_EQ(sense_of_tur(other), 0u);
    const size_t later = b_.login("iqn.later");
    EXPECT_EQ(sense_of_tur(later), 0u);
}

// SAM-5 5.14: what the one in front on the strand does may concern those behind it.
class BehindAnAttention : public EngineSerial {
  protected:
    BehindAnAttention() {
        Gate::shut();
        slow_ = b_.start(gated);
        Gate::wait_for(1);
        byte_ = send_byte(1, false, other_);
        b_.unit->attention_board().post(ua::medium_may_have_changed, b_.nexus(0).id());
    }
    void open_gate() {
        Gate::open();
        b_.await_jobs();
        b_.await_jobs();
        EXPECT_TRUE(slow_->wait().good());
    }

    const size_t other_ = b_.login("iqn.other");
    test::TestCommandPtr slow_;
    test::TestCommandPtr byte_;
};

TEST_F(BehindAnAttention, ACommandOnTheStrandHearsOfItWhenItsTurnComes) {
    open_gate();
    EXPECT_EQ(byte_->wait().sense(), 0x062800u);
    EXPECT_TRUE(model().writes.empty());
    auto again = send_byte(2, false, other_);
    b_.await_jobs();
    EXPECT_TRUE(again->wait().good());
    EXPECT_EQ(model().writes, (std::vector<uint8_t>{2}));
}

TEST_F(BehindAnAttention, ACommandOnTheStrandRunsWhenAnotherHasBeenToldOfIt) {
    EXPECT_EQ(sense_of_tur(other_), 0x062800u);
    open_gate();
    EXPECT_TRUE(byte_->wait().good());
    EXPECT_EQ(model().writes, (std::vector<uint8_t>{1}));
}

TEST_F(EngineSerial, WhatCanBeDoneAtOnceIsDoneOnTheWorker) {
    auto done = b_.send(quick, {});
    EXPECT_TRUE(done->ready());
    EXPECT_TRUE(done->wait().good());
    EXPECT_EQ(model().on_strand, 0);
    EXPECT_EQ(b_.unit->strand().running(), 0u);
}

TEST_F(EngineSerial, WhatCannotBeDoneAtOnceIsDoneOnTheStrand) {
    model().at_once.reset();
    EXPECT_TRUE(b_.run(quick).good());
    EXPECT_EQ(model().tried, 1);
    EXPECT_EQ(model().on_strand, 1);
}

TEST_F(EngineSerial, NothingIsDoneAtOnceBehindACommandOnTheStrand) {
    Gate::shut();
    auto slow = b_.start(gated);
    Gate::wait_for(1);
    Bench::Send other;
    other.nexus = b_.login("iqn.other");
    auto behind = b_.start(quick, other);
    EXPECT_FALSE(behind->ready());
    EXPECT_EQ(model().tried, 0);
    Gate::open();
    b_.await_jobs();
    EXPECT_TRUE(slow->wait().good());
    EXPECT_TRUE(behind->wait().good());
    EXPECT_EQ(model().on_strand, 1);
}

// SAM-5 8.6: the older one is answered first, and no row of them keeps the worker.
TEST_F(EngineSerial, WhatAnEndedCommandLetsGoIsDoneInATurnOfItsOwn) {
    Gate::shut();
    auto slow = b_.start(gated);
    Gate::wait_for(1);
    std::vector<test::TestCommandPtr> row;
    for (int i = 0; i < 3; ++i) row.push_back(b_.start(quick));
    Gate::open();
    ASSERT_TRUE(b_.runtime.pool().wait_idle(io::Clock::now() + std::chrono::seconds(10)));
    auto ended = [&] {
        return std::count_if(row.begin(), row.end(), [](auto& one) { return one->ready(); });
    };
    for (int turn = 0; turn < 4; ++turn) {
        b_.runtime.worker(0).turn_for_test(b_.now);
        EXPECT_TRUE(slow->ready());
        EXPECT_EQ(ended(), turn);
    }
    EXPECT_EQ(model().on_strand, 0);
}

// SAM-5 7.2
TEST_F(EngineSerial, WhatWasLetGoCanBeAbortedBeforeItsTurn) {
    Gate::shut();
    auto slow = b_.start(gated);
    Gate::wait_for(1);
    auto first = b_.start(quick), second = b_.start(quick);
    Gate::open();
    ASSERT_TRUE(b_.runtime.pool().wait_idle(io::Clock::now() + std::chrono::seconds(10)));
    b_.runtime.worker(0).turn_for_test(b_.now);
    ASSERT_FALSE(first->ready());
    abandon(*first);
    b_.settle();
    EXPECT_EQ(model().tried, 1);
    ASSERT_TRUE(second->ready());
    EXPECT_TRUE(second->wait().good());
}

TEST_F(EngineSerial, WhatTheModelSaysInsteadIsSaidAtOnce) {
    model().instead = Outcome(sense::not_ready(0x01));
    EXPECT_EQ(b_.run(quick).sense(), 0x020401u);
    EXPECT_EQ(model().tried, 0);
    EXPECT_EQ(model().on_strand, 0);
}

// SAM-5 5.14
TEST_F(EngineSerial, WhatComesBehindOneThatWasToldOfAnAttentionIsDoneAtOnce) {
    auto first = send_byte(1, true);
    auto behind = b_.start(quick);
    b_.unit->attention_board().post(ua::medium_may_have_changed);
    data_out_complete(*first);
    b_.await_jobs();
    b_.await_jobs();
    EXPECT_EQ(first->wait().sense(), 0x062800u);
    ASSERT_TRUE(behind->ready());
    EXPECT_TRUE(behind->wait().good());
    EXPECT_EQ(model().tried, 1);
}

// SAM-5 5.14
TEST_F(EngineSerial, AnAttentionThatCameMeanwhileIsToldInsteadOfWhatCouldBeDoneAtOnce) {
    Bench::Send other;
    other.nexus = b_.login("iqn.other");
    auto first = send_byte(1, true, other.nexus);
    auto behind = b_.start(quick, other);
    b_.unit->attention_board().post(ua::medium_may_have_changed);
    abandon(*first);
    b_.settle();
    ASSERT_TRUE(behind->ready());
    EXPECT_EQ(behind->wait().sense(), 0x062800u);
    EXPECT_EQ(model().tried, 0);
}

TEST_F(EngineSerial, TheModelIsToldOfTheEndOfANexus) {
    const size_t other = b_.login("iqn.other");
    const NexusId id = b_.nexus(other).id();
    retire(std::move(b_.nexuses[other]), std::chrono::seconds(5), [] {});
    b_.settle();
    b_.await_jobs();
    EXPECT_EQ(model().lost, std::vector{id});
}

TEST_F(EngineSerial, AModelCanEndACommandBeforeItRuns) {
    model().instead = sense::medium_not_present();
    auto byte = send_byte(1);
    b_.await_jobs();
    EXPECT_EQ(byte->wait().sense(), 0x023a00u);
    EXPECT_TRUE(model().writes.empty());
}

TEST_F(EngineSerial, RequestSenseTakesAnAttentionOfTheDevice) {
    b_.unit->attention_board().post(ua::medium_may_have_changed);
    const auto answer = b_.run({0x03, 0, 0, 0, 18, 0});
    ASSERT_GE(answer.data.size(), 14u);
    EXPECT_EQ(answer.data[2] & 0x0f, 6);
    EXPECT_EQ(answer.data[12], 0x28);
    EXPECT_EQ(sense_of_tur(), 0u);
}

TEST_F(EngineSerial, ASnapshotOfANexusHasAttentionsOfTheDevice) {
    b_.unit->attention_board().post(ua::medium_may_have_changed);
    const auto state = b_.nexus(0).snapshot();
    ASSERT_EQ(state.luns.size(), 1u);
    EXPECT_EQ(state.luns[0].attentions, std::vector{ua::medium_may_have_changed});
}

TEST_F(EngineSerial, ALogicalUnitResetReachesTheModel) {
    bool done = false;
    b_.unit->reset(ua::bus_device_reset, b_.nexus(0).id(), std::chrono::seconds(5),
                   [&done](bool) { done = true; });
    b_.settle();
    b_.await_jobs();
    EXPECT_TRUE(done);
    EXPECT_EQ(model().resets, 1);
}

TEST(AttentionBoardTest, TheSameAttentionIsThereOnce) {
    AttentionBoard board;
    UnitAttentions into;
    uint64_t seen = 0;
    for (int i = 0; i < 1000; ++i)
        board.post(ua::medium_may_have_changed, NexusId{"i" + std::to_string(i), 1});
    board.take(seen, {"another", 1}, into);
    EXPECT_EQ(into.all().size(), 1u);
    UnitAttentions again;
    board.take(seen, {"another", 1}, again);
    EXPECT_TRUE(again.empty());
}

TEST(AttentionBoardTest, OneThatIsForAllIsForThoseAnEarlierOneLeftOut) {
    AttentionBoard board;
    UnitAttentions into;
    uint64_t seen = 0;
    board.post(ua::medium_may_have_changed, NexusId{"a", 1});
    board.post(ua::medium_may_have_changed);
    board.take(seen, {"a", 1}, into);
    EXPECT_EQ(into.all().size(), 1u);
}

TEST(AttentionBoardTest, ALaterOneWithAnExceptionDoesNotTakeAnEarlierOneAway) {
    AttentionBoard board;
    UnitAttentions into;
    uint64_t seen = 0;
    board.post(ua::medium_may_have_changed);
    board.post(ua::medium_may_have_changed, NexusId{"a", 1});
    board.take(seen, {"a", 1}, into);
    EXPECT_EQ(into.all().size(), 1u);
}

}  // namespace
}  // namespace tgt::scsi
