// SPDX-License-Identifier: GPL-2.0-or-later
// Parameter lists of PERSISTENT RESERVE OUT (SPC-4 6.16.3, 6.16.4).
#include <gtest/gtest.h>

#include "scsi/pr_commands.h"
#include "tests/unit/scsi/pr_lists.h"

namespace tgt::scsi {
namespace {

using test::Bytes;
using test::move_list;
using test::pr_in_cdb;
using test::pr_list;
using test::pr_out_cdb;
using test::spec_list;
using test::transport_id;

const std::string port_a = "iqn.2001-04.com.example:a,i,0x00023d000001";

TEST(DecodePrOut, ReadsTheBasicParameterList_Spc4_6_16_3) {
    const auto out = decode_persistent_reserve_out(pr_out_cdb(4, 0x15), pr_list(0x1122, 0x33));
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
        {0, with(basic, 20, 0x02), sense::invalid_field_in_parameters(20, 1)},
        {6, with(basic, 20, 0x08), sense::invalid_field_in_parameters(20, 3)},
        {1, with(basic, 20, 0x08), sense::invalid_field_in_parameters(20, 3)},
        {1, with(basic, 20, 0x42), sense::invalid_field_in_parameters(20, 6)},
        {1, with(basic, 21, 0x01), sense::invalid_field_in_parameters(21)},
        {7, basic, sense::invalid_field_in_parameters(24)},
        {7, short_move, sense::parameter_list_length_error()},
        {7, with(move, 16, 1), sense::invalid_field_in_parameters(16)},
        {7, with(move, 17, 0x06), sense::invalid_field_in_parameters(17, 2)},
        {7, with(move, 24, 0x05), sense::invalid_field_in_parameters(24)},
        {7, with(move, 27, 0xff), sense::invalid_field_in_parameters(26)},
    };
    for (const WrongList& c : cases) {
        const auto out = decode_persistent_reserve_out(pr_out_cdb(c.action), c.list);
        ASSERT_FALSE(out) << int(c.action);
        EXPECT_EQ(out.error(), c.sense) << int(c.action) << " " << int(out.error().specific_value);
    }
}

TEST(DecodePrOut, BitsThatOnlyRegisterUsesAreIgnoredElsewhere) {
    const auto out = decode_persistent_reserve_out(pr_out_cdb(1), pr_list(0, 1, 0x05));
    ASSERT_TRUE(out);
    EXPECT_FALSE(out->aptpl);
    EXPECT_FALSE(out->all_target_ports);
}

TEST(DecodePrOut, RegisteringReadsAptplAndAllTargetPorts) {
    for (uint8_t action : {0, 6}) {
        const auto out = decode_persistent_reserve_out(pr_out_cdb(action), pr_list(0, 1, 0x05));
        ASSERT_TRUE(out);
        EXPECT_TRUE(out->aptpl);
        EXPECT_TRUE(out->all_target_ports);
        EXPECT_FALSE(out->specify_initiators);
    }
}

TEST(DecodePrOut, ReadsRegisterAndMove_Spc4_6_16_4) {
    const auto out =
        decode_persistent_reserve_out(pr_out_cdb(7), move_list(1, 2, 0x03, transport_id(port_a)));
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->unregister);
    EXPECT_TRUE(out->aptpl);
    EXPECT_EQ(out->move_to, (NexusId{port_a, 1}));
}

// Of SAS (SPC-4 7.6.4.7) and Fibre Channel (SPC-4 7.6.4.2).
const std::string sas_port = "tid:060000005051525354555657000000000000000000000000";
const std::string fc_port = "tid:000000000000000050515253545556570000000000000000";

TEST(DecodePrOut, MovesToPortsOfOtherProtocols_Spc4_6_16_4) {
    const Bytes list = move_list(1, 2, 0, transport_id(sas_port));
    const auto out = decode_persistent_reserve_out(pr_out_cdb(7), list);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->move_to, (NexusId{sas_port, 1}));
    const auto refused = decode_persistent_reserve_out(pr_out_cdb(7), with(list, 25, 1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), sense::invalid_field_in_parameters(25));
}

// ---- the list of SPEC_I_PT ----

std::optional<Sense> refusal_of(const Bytes& list) {
    const auto out = decode_persistent_reserve_out(pr_out_cdb(0), list);
    if (out) return std::nullopt;
    return out.error();
}

TEST(SpecifiedInitiators, AreReadOneAfterTheOtherWithTheirOffsets_Spc4Table215) {
    const std::string port_b = "iqn.b,i,0x00023d0000ff";
    const Bytes a = transport_id(port_a);
    const auto out = decode_persistent_reserve_out(
        pr_out_cdb(0),
        spec_list({a, transport_id("iqn.2001-04.com.example:dev"), transport_id(port_b)}));
    ASSERT_TRUE(out);
    ASSERT_EQ(out->initiators.size(), 3u);
    EXPECT_EQ(out->initiators[0].name, port_a);
    EXPECT_EQ(out->initiators[0].offset, 28);
    EXPECT_EQ(out->initiators[1].name, "iqn.2001-04.com.example:dev");
    EXPECT_EQ(out->initiators[1].offset, 28 + a.size());
    EXPECT_EQ(out->initiators[2].name, port_b);
    EXPECT_TRUE(out->specify_initiators);
}

TEST(SpecifiedInitiators, MayBeOfSeveralProtocols) {
    const auto out = decode_persistent_reserve_out(
        pr_out_cdb(0),
        spec_list({transport_id(fc_port), transport_id(port_a), transport_id(sas_port)}));
    ASSERT_TRUE(out);
    ASSERT_EQ(out->initiators.size(), 3u);
    EXPECT_EQ(out->initiators[0].name, fc_port);
    EXPECT_EQ(out->initiators[1].name, port_a);
    EXPECT_EQ(out->initiators[1].offset, 28 + 24);
    EXPECT_EQ(out->initiators[2].name, sas_port);
}

TEST(SpecifiedInitiators, MayBeNone) {
    EXPECT_FALSE(refusal_of(spec_list({})));
}

TEST(SpecifiedInitiators, WhoseBytesAreNotAllThereOrTooManyAreALengthError) {
    const Sense length_error = sense::parameter_list_length_error();
    Bytes list = spec_list({transport_id(port_a)});
    EXPECT_EQ(refusal_of(pr_list(0, 1, 0x08)), length_error);
    EXPECT_EQ(refusal_of(Bytes(list.begin(), list.end() - 1)), length_error);
    list.push_back(0);
    EXPECT_EQ(refusal_of(list), length_error);
    EXPECT_EQ(refusal_of(spec_list({Bytes(65536, 0)})), length_error);
}

TEST(SpecifiedInitiators, ThatTheirLengthCutsAreRefusedAtTheLength) {
    const Bytes id = transport_id(port_a);
    const Sense at_length = sense::invalid_field_in_parameters(24);
    for (size_t missing = 1; missing < id.size(); ++missing)
        EXPECT_EQ(refusal_of(spec_list({id, Bytes(id.begin(), id.end() - ptrdiff_t(missing))})),
                  at_length)
            << missing;
}

TEST(SpecifiedInitiators, WrongOnesAreRefusedWhereTheyAreWrong) {
    const Bytes good = transport_id(port_a);
    Bytes other_protocol = good, no_isid = transport_id("iqn.x,i,0x12"), tiny = {0x45, 0, 0, 0};
    other_protocol[0] = 0x46;
    const uint16_t second = uint16_t(28 + good.size());
    EXPECT_EQ(refusal_of(spec_list({good, other_protocol})),
              sense::invalid_field_in_parameters(second));
    EXPECT_EQ(refusal_of(spec_list({good, no_isid})),
              sense::invalid_field_in_parameters(uint16_t(second + 4)));
    EXPECT_EQ(refusal_of(spec_list({good, tiny})), sense::invalid_field_in_parameters(second));
}

}  // namespace
}  // namespace tgt::scsi
