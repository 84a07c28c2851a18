// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/pr_commands.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/scsi/harness.h"
#include "tests/unit/scsi/pr_lists.h"
#include "tests/unit/scsi/test_device.h"

namespace tgt::scsi {
namespace {

using test::Bytes;
using test::Harness;
using test::pr_in_cdb;
using test::pr_list;
using test::pr_out_cdb;
using test::spec_list;
using test::transport_id;

const std::string port_a = "iqn.2001-04.com.example:a,i,0x00023d000001";

LunState two(ReservationType type) {
    LunState lun;
    Reservations& state = lun.reservations;
    state.generation = 0x01020304;
    state.registrations = {{{port_a, 1}, 0xa1}, {{"iqn.b,i,0x000000000002", 2}, 0xb2}};
    state.type = type;
    if (type != ReservationType::none && uint8_t(type) < 7) state.holder = NexusId{port_a, 1};
    return lun;
}

TEST(ReadKeys, ListsGenerationAndKeys_Spc4_6_15_2) {
    EXPECT_EQ(
        persistent_reserve_in_data(two(ReservationType::none), PrIn::read_keys),
        Bytes({1, 2, 3, 4, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0xb2}));
}

TEST(ReadReservation, IsEmptyWithoutReservation_Spc4_6_15_3) {
    EXPECT_EQ(persistent_reserve_in_data(two(ReservationType::none), PrIn::read_reservation),
              Bytes({1, 2, 3, 4, 0, 0, 0, 0}));
}

TEST(ReadReservation, ShowsTheHoldersKeyOrZeroForAllRegistrants) {
    EXPECT_EQ(
        persistent_reserve_in_data(two(ReservationType::exclusive_access), PrIn::read_reservation),
        Bytes({1, 2, 3, 4, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0, 0, 0, 0, 0, 3, 0, 0}));
    const Bytes all = persistent_reserve_in_data(
        two(ReservationType::write_exclusive_all_registrants), PrIn::read_reservation);
    EXPECT_EQ(all[15], 0);
    EXPECT_EQ(all[21], 7);
}

TEST(ReportCapabilities, ClaimsListsPortsAndTheSixTypes_Spc4_6_15_4) {
    EXPECT_EQ(persistent_reserve_in_data(LunState(), PrIn::report_capabilities),
              Bytes({0, 8, 0x0c, 0x90, 0xea, 0x01, 0, 0}));
}

TEST(ReportCapabilities, ClaimsPersistenceWhereItIsKeptAndShowsWhetherItIsActive) {
    LunState state;
    state.keeps_reservations = true;
    Bytes data = persistent_reserve_in_data(state, PrIn::report_capabilities);
    EXPECT_EQ(data[2], 0x0d);
    EXPECT_EQ(data[3], 0x90);
    state.reservations.aptpl = true;
    data = persistent_reserve_in_data(state, PrIn::report_capabilities);
    EXPECT_EQ(data[3], 0x91);
}

TEST(ReadFullStatus, DescribesEveryRegistration_Spc4_6_15_5) {
    const Bytes data =
        persistent_reserve_in_data(two(ReservationType::write_exclusive), PrIn::read_full_status);
    const Bytes first_id = transport_id(port_a);
    ASSERT_GT(data.size(), 8 + 24 + first_id.size() + 24);
    EXPECT_EQ(wire::load_be<4>(&data[4]), data.size() - 8);
    const uint8_t* first = &data[8];
    EXPECT_EQ(wire::load_be<8>(first), 0xa1u);
    EXPECT_EQ(first[12], 0x01);
    EXPECT_EQ(first[13], 0x01);
    EXPECT_EQ(wire::load_be<2>(first + 18), 1);
    EXPECT_EQ(wire::load_be<4>(first + 20), first_id.size());
    EXPECT_EQ(Bytes(first + 24, first + 24 + first_id.size()), first_id);
    const uint8_t* second = first + 24 + first_id.size();
    EXPECT_EQ(wire::load_be<8>(second), 0xb2u);
    EXPECT_EQ(second[12], 0);
    EXPECT_EQ(second[13], 0);
    EXPECT_EQ(wire::load_be<2>(second + 18), 2);
}

TEST(ReadFullStatus, EveryRegistrantHoldsAnAllRegistrantsReservation) {
    const Bytes data = persistent_reserve_in_data(
        two(ReservationType::exclusive_access_all_registrants), PrIn::read_full_status);
    EXPECT_EQ(data[8 + 12], 1);
    EXPECT_EQ(data[8 + 24 + transport_id(port_a).size() + 12], 1);
}

// ---- through the command engine ----

class PrCommands : public testing::Test {
  protected:
    PrCommands() {
        b_ = h_.add_nexus("iqn.b,i,0x00000000000b");
        c_ = h_.add_nexus("iqn.c,i,0x00000000000c");
    }
    Status out(size_t nexus, uint8_t action, uint64_t key, uint64_t action_key, uint8_t type = 0) {
        return h_.run(pr_out_cdb(action, type), {.data = pr_list(key, action_key), .nexus = nexus})
            .status();
    }
    test::Answer on(size_t nexus, Bytes cdb) {
        Harness::Send send;
        send.nexus = nexus;
        return h_.run(std::move(cdb), std::move(send));
    }
    test::Answer test_unit_ready(size_t nexus) { return on(nexus, Bytes(6, 0)); }

    Harness h_{test::spc_device()};
    const size_t a_ = 0;
    size_t b_, c_;
};

TEST_F(PrCommands, RegisterAndReadKeys) {
    EXPECT_EQ(out(a_, 0, 0, 0xa1), Status::good);
    const auto keys = on(b_, pr_in_cdb(0));
    ASSERT_TRUE(keys.good());
    EXPECT_EQ(keys.data, Bytes({0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xa1}));
}

TEST_F(PrCommands, AllocationLengthCutsTheAnswer) {
    const auto keys = on(a_, pr_in_cdb(0, 4));
    EXPECT_EQ(keys.data.size(), 4u);
    EXPECT_EQ(keys.in_total, 4u);
}

TEST_F(PrCommands, SpecifiedInitiatorsAreRegisteredWhetherLoggedInOrNot) {
    const Bytes list = spec_list(
        {transport_id("iqn.b,i,0x00000000000b"), transport_id("iqn.never,i,0x0000000000ff")});
    ASSERT_TRUE(h_.run(pr_out_cdb(0, 0, uint8_t(list.size())), list).good());
    EXPECT_EQ(on(b_, pr_in_cdb(0)).data.size(), 8u + 3 * 8);
    EXPECT_EQ(out(b_, 1, 0x99, 0, 1), Status::good) << "b is registered";
    EXPECT_EQ(out(c_, 1, 0x99, 0, 1), Status::reservation_conflict);
}

// The port of an adapter of tgt_loop, as the kernel names it.
TEST_F(PrCommands, APortOfAnotherProtocolIsRegisteredAndShownInItsForm_Spc4_7_6_4_7) {
    const std::string port = "tid:060000003746774000000100000000000000000000000000";
    const size_t local = h_.add_nexus(port);
    const Bytes list = spec_list({transport_id(port)});
    ASSERT_TRUE(h_.run(pr_out_cdb(0, 0, uint8_t(list.size())), list).good());
    EXPECT_EQ(out(local, 1, 0x99, 0, 1), Status::good) << "it is registered";
    const Bytes status = on(local, pr_in_cdb(3)).data;
    const Bytes id = transport_id(port);
    ASSERT_EQ(id.size(), 24u);
    EXPECT_NE(std::search(status.begin(), status.end(), id.begin(), id.end()), status.end());
}

TEST_F(PrCommands, ADeviceIsRegisteredWithThePortsThatAreLoggedIn) {
    const size_t b2 = h_.add_nexus("iqn.b,i,0x0000000000b2");
    const Bytes list = spec_list({transport_id("iqn.b")});
    ASSERT_TRUE(h_.run(pr_out_cdb(0, 0, uint8_t(list.size())), list).good());
    EXPECT_EQ(on(a_, pr_in_cdb(0)).data.size(), 8u + 3 * 8);
    EXPECT_EQ(out(b2, 1, 0x99, 0, 1), Status::good);
}

TEST_F(PrCommands, ADeviceThatIsNotLoggedInIsRefusedAndNothingIsRegistered) {
    const Bytes list =
        spec_list({transport_id("iqn.b,i,0x00000000000b"), transport_id("iqn.absent")});
    const auto answer = h_.run(pr_out_cdb(0, 0, uint8_t(list.size())), list);
    ASSERT_TRUE(answer.outcome.sense);
    EXPECT_EQ(*answer.outcome.sense, sense::invalid_field_in_parameters(uint16_t(
                                         28 + transport_id("iqn.b,i,0x00000000000b").size())));
    EXPECT_EQ(on(a_, pr_in_cdb(0)).data, Bytes(8, 0));
}

TEST_F(PrCommands, AptplIsRefusedWithoutAKeeper) {
    const auto answer = h_.run(pr_out_cdb(0), pr_list(0, 1, 0x01));
    ASSERT_TRUE(answer.outcome.sense);
    EXPECT_EQ(*answer.outcome.sense, sense::invalid_field_in_parameters(20, 0));
    EXPECT_EQ(on(a_, pr_in_cdb(0)).data, Bytes(8, 0));
}

TEST_F(PrCommands, UnknownServiceActionsPointAtByte1) {
    const auto in = on(a_, pr_in_cdb(4));
    ASSERT_TRUE(in.outcome.sense);
    EXPECT_EQ(*in.outcome.sense, sense::invalid_field_in_cdb(1, 4));
    EXPECT_EQ(h_.run(pr_out_cdb(8), pr_list(0, 1)).sense(), 0x052400u);
}

TEST_F(PrCommands, ReservationRefusesOthersByClass) {
    ASSERT_EQ(out(a_, 0, 0, 0xa1), Status::good);
    ASSERT_EQ(out(a_, 1, 0xa1, 0, 1), Status::good);
    const Bytes mode_sense = {0x1a, 0, 0x3f, 0, 255, 0};
    EXPECT_EQ(on(b_, mode_sense).status(), Status::reservation_conflict);
    EXPECT_TRUE(test_unit_ready(b_).good());
    EXPECT_TRUE(on(b_, {0x12, 0, 0, 0, 96, 0}).good());
    EXPECT_TRUE(on(a_, mode_sense).good());
    EXPECT_EQ(out(a_, 2, 0xa1, 0, 1), Status::good);
    EXPECT_TRUE(on(b_, mode_sense).good());
}

TEST_F(PrCommands, PreemptTellsExactlyThePreempted) {
    for (size_t nexus : {a_, b_, c_}) ASSERT_EQ(out(nexus, 0, 0, 0xa0 + nexus), Status::good);
    ASSERT_EQ(out(a_, 1, 0xa0, 0, 5), Status::good);
    ASSERT_EQ(out(b_, 4, 0xa1, 0xa0, 5), Status::good);
    EXPECT_TRUE(test_unit_ready(b_).good());
    EXPECT_TRUE(test_unit_ready(c_).good());
    EXPECT_EQ(test_unit_ready(a_).sense(), 0x062a05u);
    EXPECT_TRUE(test_unit_ready(a_).good());
}

TEST_F(PrCommands, TruncatedListIsALengthError) {
    const auto answer = h_.run(pr_out_cdb(0), {.data = pr_list(0, 1), .expected_out = 20});
    EXPECT_EQ(answer.sense(), 0x051a00u);
}

TEST_F(PrCommands, Reserve6ExcludesOthersUntilReleased_Spc2_7_21) {
    const Bytes reserve(std::initializer_list<uint8_t>{0x16, 0, 0, 0, 0, 0});
    const Bytes release(std::initializer_list<uint8_t>{0x17, 0, 0, 0, 0, 0});
    EXPECT_TRUE(on(a_, reserve).good());
    EXPECT_TRUE(on(a_, reserve).good());
    EXPECT_EQ(on(b_, reserve).status(), Status::reservation_conflict);
    EXPECT_EQ(test_unit_ready(b_).status(), Status::reservation_conflict);
    EXPECT_EQ(on(b_, {0x1a, 0, 0x3f, 0, 255, 0}).status(), Status::reservation_conflict);
    EXPECT_EQ(on(b_, pr_in_cdb(0)).status(), Status::reservation_conflict);
    EXPECT_EQ(on(a_, pr_in_cdb(0)).status(), Status::reservation_conflict);
    EXPECT_TRUE(on(b_, release).good());
    EXPECT_EQ(test_unit_ready(b_).status(), Status::reservation_conflict);
    EXPECT_TRUE(on(a_, release).good());
    EXPECT_TRUE(test_unit_ready(b_).good());
}

TEST_F(PrCommands, Reserve10IsTheSameReservation) {
    EXPECT_TRUE(on(a_, {0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0}).good());
    EXPECT_EQ(on(b_, {0x16, 0, 0, 0, 0, 0}).status(), Status::reservation_conflict);
    EXPECT_TRUE(on(a_, {0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0}).good());
    EXPECT_TRUE(on(b_, {0x16, 0, 0, 0, 0, 0}).good());
}

TEST_F(PrCommands, RegistrationsShutReserve6Out_Spc2_5_5_1) {
    ASSERT_EQ(out(a_, 0, 0, 0xa1), Status::good);
    EXPECT_EQ(on(a_, {0x16, 0, 0, 0, 0, 0}).status(), Status::reservation_conflict);
    EXPECT_EQ(on(b_, {0x17, 0, 0, 0, 0, 0}).status(), Status::reservation_conflict);
}

// Third party, LongID, extent, their identifications and lists (SPC-2 7.22, 7.17).
TEST_F(PrCommands, ThirdPartyAndExtentReservationsAreInvalidFields) {
    struct Wrong {
        uint16_t byte;
        int8_t bit;
    };
    for (uint8_t opcode : {0x16, 0x17, 0x56, 0x57}) {
        const size_t length = opcode < 0x20 ? 6 : 10;
        for (const Wrong& wrong : {Wrong{1, 4}, Wrong{1, 1}, Wrong{1, 0}, Wrong{2, 0}, Wrong{3, 7},
                                   Wrong{uint16_t(length - 2), 3}}) {
            Bytes cdb(length, 0);
            cdb[0] = opcode;
            cdb[wrong.byte] = uint8_t(1u << wrong.bit);
            const auto answer = on(a_, cdb);
            ASSERT_TRUE(answer.outcome.sense) << int(opcode) << " " << wrong.byte;
            EXPECT_EQ(*answer.outcome.sense, sense::invalid_field_in_cdb(wrong.byte, wrong.bit));
        }
        Bytes both(length, 0);
        both[0] = opcode;
        both[1] = 0x11;
        EXPECT_EQ(*on(a_, both).outcome.sense, sense::invalid_field_in_cdb(1, 4));
    }
    EXPECT_TRUE(test_unit_ready(b_).good()) << "nothing was reserved";
}

TEST_F(PrCommands, TheTwoLengthsAreOneReservation_Spc2_7_21) {
    const Bytes reserve6 = {0x16, 0, 0, 0, 0, 0}, release6 = {0x17, 0, 0, 0, 0, 0};
    const Bytes reserve10 = {0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const Bytes release10 = {0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    ASSERT_TRUE(on(a_, reserve6).good());
    EXPECT_TRUE(on(a_, reserve10).good());
    EXPECT_EQ(on(b_, reserve10).status(), Status::reservation_conflict);
    EXPECT_TRUE(on(b_, release10).good());
    EXPECT_EQ(test_unit_ready(b_).status(), Status::reservation_conflict);
    EXPECT_TRUE(on(a_, release10).good());
    EXPECT_TRUE(on(b_, reserve10).good());
    EXPECT_TRUE(on(b_, release6).good());
    EXPECT_TRUE(test_unit_ready(a_).good());
}

}  // namespace
}  // namespace tgt::scsi
