// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/reservation_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tgt::mgmt {
namespace {

using Json = nlohmann::json;

const std::string key = "wwn:1";

scsi::Reservations two() {
    const scsi::NexusId a{"iqn.a,i,0x00000000000a", 1};
    scsi::Reservations state;
    state.registrations = {{a, 1}, {{"iqn.b,i,0x00000000000b", 2}, 2}};
    state.type = scsi::ReservationType::exclusive_access;
    state.holder = a;
    state.aptpl = true;
    return state;
}
Json good() {
    return Json::parse(encode_reservation_file(key, {"/p", "id"}, two()));
}
Result<scsi::Reservations> decode(const Json& file) {
    return decode_reservation_file(file.dump(), key);
}

TEST(ReservationFile, IsNamedByTheSha256OfTheKey) {
    EXPECT_EQ(reservation_file_name("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.json");
}

TEST(ReservationFile, DecodesWhatItEncodes) {
    EXPECT_EQ(*decode(good()), two());
}

TEST(ReservationFile, OfAnotherMediumIsNotBelieved) {
    EXPECT_EQ(decode_reservation_file(good().dump(), "wwn:2").error().code, EBADMSG);
}

// One change each to a good file.
struct Damage {
    const char* where;
    Json value;
};

TEST(ReservationFile, ThatNoDaemonCanHaveWrittenIsDamaged) {
    const Json a = good()["reservations"]["registrations"][0];
    const Damage cases[] = {
        {"/version", 2},
        {"/version", "1"},
        {"/medium", nullptr},
        {"/reservations", nullptr},
        {"/reservations/aptpl", false},
        {"/reservations/aptpl", 1},
        {"/reservations/type", 0},
        {"/reservations/type", 2},
        {"/reservations/type", 7},
        {"/reservations/type", 259},
        {"/reservations/type", -1},
        {"/reservations/type", 3.5},
        {"/reservations/generation", uint64_t(1) << 32},
        {"/reservations/holder", nullptr},
        {"/reservations/holder/target_port", 9},
        {"/reservations/registrations", Json::array()},
        {"/reservations/registrations/1", a},
        {"/reservations/registrations/0/key", "0x0000000000000000"},
        {"/reservations/registrations/0/key", "0x1"},
        {"/reservations/registrations/0/key", "0x00000000000000zz"},
        {"/reservations/registrations/0/key", 1},
        {"/reservations/registrations/1/nexus/target_port", 0},
        {"/reservations/registrations/1/nexus/target_port", 65537},
        {"/reservations/registrations/1/nexus/initiator_port", ""},
        {"/reservations/registrations/1/nexus/initiator_port", std::string(241, 'x')},
        {"/reservations/registrations/1/nexus/initiator_port", Json{{"hex", "6100"}}},
        {"/reservations/registrations/1/nexus/initiator_port", Json{{"hex", "6"}}},
    };
    for (const Damage& c : cases) {
        Json file = good();
        file[Json::json_pointer(c.where)] = c.value;
        const auto decoded = decode(file);
        ASSERT_FALSE(decoded) << c.where << " " << c.value;
        EXPECT_EQ(decoded.error().code, EBADMSG);
        EXPECT_FALSE(decoded.error().text.empty());
    }
}

TEST(ReservationFile, CutAnywhereIsDamaged) {
    const std::string text = encode_reservation_file(key, {"/p", "id"}, two());
    for (size_t length = 0; length + 2 < text.size(); ++length)
        EXPECT_FALSE(decode_reservation_file(text.substr(0, length), key)) << length;
}

TEST(ReservationFile, AllRegistrantsHaveNoHolder) {
    scsi::Reservations state = two();
    state.type = scsi::ReservationType::write_exclusive_all_registrants;
    state.holder.reset();
    const auto text = encode_reservation_file(key, {}, state);
    EXPECT_EQ(*decode_reservation_file(text, key), state);
}

}  // namespace
}  // namespace tgt::mgmt
