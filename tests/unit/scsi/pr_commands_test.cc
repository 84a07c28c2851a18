// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/pr_commands.h"

#include <gtest/gtest.h>

#include "tests/unit/scsi/harness.h"
#include "tests/unit/scsi/test_device.h"
#include "wire/endian.h"

namespace tgt::scsi {
namespace {

using Bytes = std::vector<uint8_t>;
using test::Harness;

const std::string port_a = "iqn.2001-04.com.example:a,i,0x00023d000001";

Bytes pr_in_cdb(uint8_t action, uint16_t length = 4096) {
    return {0x5e, action, 0, 0, 0, 0, 0, uint8_t(length >> 8), uint8_t(length), 0};
}
Bytes pr_out_cdb(uint8_t action, uint8_t type = 0, uint8_t length = 24) {
    return {0x5f, action, type, 0, 0, 0, 0, 0, length, 0};
}
Bytes pr_list(uint64_t key, uint64_t action_key, uint8_t flags = 0) {
    Bytes list(24, 0);
    wire::store_be<8>(&list[0], key);
    wire::store_be<8>(&list[8], action_key);
    list[20] = flags;
    return list;
}
Bytes move_list(uint64_t key, uint64_t action_key, uint8_t flags, const Bytes& transport_id) {
    Bytes list = pr_list(key, action_key);
    list[17] = flags;
    wire::store_be<2>(&list[18], 1);
    wire::store_be<4>(&list[20], uint32_t(transport_id.size()));
    list.insert(list.end(), transport_id.begin(), transport_id.end());
    return list;
}
Bytes transport_id(const std::string& port) {
    Bytes out;
    append_transport_id(out, port);
    return out;
}

TEST(TransportId, OfAnIscsiPortIsPaddedAndEndsWithNul_Spc4_7_6_4_5) {
    const Bytes id = transport_id("iqn.x,i,0x00023d000001");
    ASSERT_EQ(id.size(), 4u + 24u);
    EXPECT_EQ(Bytes(id.begin(), id.begin() + 4), Bytes({0x45, 0, 0, 24}));
    EXPECT_EQ(std::string(id.begin() + 4, id.begin() + 26), "iqn.x,i,0x00023d000001");
    EXPECT_EQ(id[26], 0);
    EXPECT_EQ(id[27], 0);
}

TEST(TransportId, OfANameWithoutIsidIsTheDeviceFormOfAtLeast20Bytes) {
    const Bytes id = transport_id("iqn.x");
    ASSERT_EQ(id.size(), 24u);
    EXPECT_EQ(Bytes(id.begin(), id.begin() + 4), Bytes({0x05, 0, 0, 20}));
}

TEST(TransportId, ANameThatFillsTheWordsGetsAnotherWordForItsNul) {
    EXPECT_EQ(transport_id(std::string(20, 'a')).size(), 4u + 24u);
}

TEST(TransportId, ParsesWhatIsBuilt) {
    EXPECT_EQ(*parse_transport_id(transport_id(port_a)), port_a);
}

TEST(TransportId, IsidDigitsAreComparedInLowerCase) {
    EXPECT_EQ(*parse_transport_id(transport_id("iqn.2001-04.com:a,i,0x00023D0000AB")),
              "iqn.2001-04.com:a,i,0x00023d0000ab");
}

TEST(TransportId, RefusesWrongFormsAtTheirOffset) {
    Bytes id = transport_id(port_a);
    EXPECT_EQ(parse_transport_id(transport_id("iqn.2001-04.com.example:a")).error(), 0u);
    EXPECT_EQ(parse_transport_id(Bytes(id.begin(), id.begin() + 20)).error(), 0u);
    EXPECT_EQ(parse_transport_id({}).error(), 0u);
    Bytes wrong = id;
    wrong[0] = 0x40;  // Fibre Channel
    EXPECT_EQ(parse_transport_id(wrong).error(), 0u);
    wrong = id;
    ++wrong[3];
    EXPECT_EQ(parse_transport_id(wrong).error(), 2u);
    wrong = id;
    wrong.back() = 'x';
    EXPECT_EQ(parse_transport_id(wrong).error(), 4u);
    EXPECT_EQ(parse_transport_id(transport_id("iqn.2001-04.com:a,i,0x0002")).error(), 4u);
    EXPECT_EQ(parse_transport_id(transport_id("iqn.2001-04.com:a,i,0x00023d00000g")).error(), 4u);
    EXPECT_EQ(parse_transport_id(transport_id(",i,0x00023d000001")).error(), 4u);
}

Reservations two(ReservationType type) {
    Reservations state;
    state.generation = 0x01020304;
    state.registrations = {{{port_a, 1}, 0xa1}, {{"iqn.b,i,0x000000000002", 2}, 0xb2}};
    state.type = type;
    if (type != ReservationType::none && uint8_t(type) < 7) state.holder = NexusId{port_a, 1};
    return state;
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

TEST(ReportCapabilities, ClaimsTheSixTypesAndNoPersistence_Spc4_6_15_4) {
    EXPECT_EQ(persistent_reserve_in_data({}, PrIn::report_capabilities),
              Bytes({0, 8, 0, 0x90, 0xea, 0x01, 0, 0}));
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

TEST(DecodePrOut, ReadsTheBasicParameterList_Spc4_6_16_3) {
    const auto out = decode_persistent_reserve_out(pr_out_cdb(4, 0x15), pr_list(0x1122, 0x33), 1);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->service_action, 4);
    EXPECT_EQ(out->scope, 1);
    EXPECT_EQ(out->type, 5);
    EXPECT_EQ(out->key, 0x1122u);
    EXPECT_EQ(out->service_action_key, 0x33u);
}

struct WrongList {
    uint8_t action;
    Bytes list;
    Sense sense;
};

Bytes with(Bytes list, size_t at, uint8_t value) {
    list[at] = value;
    return list;
}

TEST(DecodePrOut, RefusesWrongListsWithExactPointers) {
    const Bytes id = transport_id(port_a);
    const Bytes basic = pr_list(0, 1), move = move_list(1, 2, 0, id);
    Bytes short_list = basic, long_list = basic, short_move = move;
    short_list.pop_back();
    long_list.push_back(0);
    short_move.pop_back();
    const WrongList cases[] = {
        {0, {}, sense::parameter_list_length_error()},
        {0, short_list, sense::parameter_list_length_error()},
        {0, long_list, sense::parameter_list_length_error()},
        {0, with(basic, 20, 0x01), sense::invalid_field_in_parameters(20, 0)},
        {6, with(basic, 20, 0x01), sense::invalid_field_in_parameters(20, 0)},
        {0, with(basic, 20, 0x04), sense::invalid_field_in_parameters(20, 2)},
        {0, with(basic, 20, 0x08), sense::invalid_field_in_parameters(20, 3)},
        {1, with(basic, 20, 0x08), sense::invalid_field_in_parameters(20, 3)},
        {1, with(basic, 20, 0x42), sense::invalid_field_in_parameters(20, 6)},
        {1, with(basic, 21, 0x01), sense::invalid_field_in_parameters(21)},
        {7, basic, sense::invalid_field_in_parameters(18)},
        {7, short_move, sense::parameter_list_length_error()},
        {7, with(move, 16, 1), sense::invalid_field_in_parameters(16)},
        {7, with(move, 17, 0x01), sense::invalid_field_in_parameters(17, 0)},
        {7, with(move, 17, 0x06), sense::invalid_field_in_parameters(17, 2)},
        {7, with(move, 19, 9), sense::invalid_field_in_parameters(18)},
        {7, with(move, 24, 0x05), sense::invalid_field_in_parameters(24)},
        {7, with(move, 27, 0xff), sense::invalid_field_in_parameters(26)},
    };
    for (const WrongList& c : cases) {
        const auto out = decode_persistent_reserve_out(pr_out_cdb(c.action), c.list, 1);
        ASSERT_FALSE(out) << int(c.action);
        EXPECT_EQ(out.error(), c.sense) << int(c.action) << " " << int(out.error().specific_value);
    }
}

TEST(DecodePrOut, BitsThatOnlyRegisterUsesAreIgnoredElsewhere) {
    EXPECT_TRUE(decode_persistent_reserve_out(pr_out_cdb(1), pr_list(0, 1, 0x05), 1));
}

TEST(DecodePrOut, ReadsRegisterAndMove_Spc4_6_16_4) {
    const auto out = decode_persistent_reserve_out(pr_out_cdb(7),
                                                   move_list(1, 2, 0x02, transport_id(port_a)), 1);
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->unregister);
    EXPECT_EQ(out->move_to, (NexusId{port_a, 1}));
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

TEST_F(PrCommands, ThirdPartyAndExtentReservationsAreInvalidFields) {
    EXPECT_EQ(*on(a_, {0x16, 0x11, 0, 0, 0, 0}).outcome.sense, sense::invalid_field_in_cdb(1, 4));
    EXPECT_EQ(*on(a_, {0x16, 0x01, 0, 0, 0, 0}).outcome.sense, sense::invalid_field_in_cdb(1, 0));
}

}  // namespace
}  // namespace tgt::scsi
