// SPDX-License-Identifier: GPL-2.0-or-later
// REGISTER and REGISTER AND IGNORE EXISTING KEY against the tables of SPC-4 5.13.7.
#include <tuple>

#include "tests/unit/scsi/reservations_fixture.h"

namespace tgt::scsi {
namespace {

// ---- REGISTER ----

struct RegisterCase {
    Action action;
    bool registered;
    uint64_t key, action_key;
    PrStatus status;
    uint64_t key_after;  // 0: not registered
    uint32_t generation_after;
};

TEST(Register, FollowsTables67And68OfSpc4) {
    const RegisterCase cases[] = {
        {REGISTER, false, 0, key_b, PrStatus::good, key_b, 8},
        {REGISTER, false, 0, 0, PrStatus::good, 0, 7},
        {REGISTER, false, 1, key_b, PrStatus::conflict, 0, 7},
        {REGISTER, true, key_b, 0x99, PrStatus::good, 0x99, 8},
        {REGISTER, true, key_b, 0, PrStatus::good, 0, 8},
        {REGISTER, true, 0, 0x99, PrStatus::conflict, key_b, 7},
        {REGISTER, true, key_a, 0, PrStatus::conflict, key_b, 7},
        {REGISTER_AND_IGNORE, false, 0x1234, key_b, PrStatus::good, key_b, 8},
        {REGISTER_AND_IGNORE, false, 0x1234, 0, PrStatus::good, 0, 7},
        {REGISTER_AND_IGNORE, true, 0x1234, 0x99, PrStatus::good, 0x99, 8},
        {REGISTER_AND_IGNORE, true, 0x1234, 0, PrStatus::good, 0, 8},
    };
    for (const RegisterCase& c : cases) {
        Reservations state = three();
        if (!c.registered) state.registrations.erase(state.registrations.begin() + 1);
        const PrResult result = apply(state, B, request(c.action, c.key, c.action_key));
        ASSERT_EQ(result.status, c.status);
        if (c.status != PrStatus::good) continue;
        const Registration* mine = result.next.find(B);
        EXPECT_EQ(mine ? mine->key : 0, c.key_after);
        EXPECT_EQ(result.next.generation, c.generation_after);
        EXPECT_TRUE(result.effects.attentions.empty());
        EXPECT_EQ(result.next.find(A)->key, key_a);
    }
}

TEST(Register, GenerationWrapsAround) {
    Reservations state;
    state.generation = 0xffffffff;
    EXPECT_EQ(apply(state, A, request(REGISTER, 0, key_a)).next.generation, 0u);
}

TEST(Register, TooManyRegistrationsAreRefusedWith5_55_04) {
    Reservations state;
    for (unsigned i = 0; i < 4096; ++i)
        state.registrations.push_back({{"iqn." + std::to_string(i), 1}, 1});
    const PrResult result = apply(state, A, request(REGISTER, 0, key_a));
    ASSERT_EQ(result.status, PrStatus::check);
    EXPECT_EQ(code(result.sense), 0x055504u);
}

TEST(Unregister, OfTheHolderReleasesAndTellsRegistrantsOfSuchTypesOnly_Spc4_5_13_11_2_3) {
    for (Type type : all_types) {
        const PrResult result = apply(three(type), A, request(REGISTER, key_a, 0));
        ASSERT_GOOD(result);
        EXPECT_EQ(result.next.find(A), nullptr);
        EXPECT_EQ(result.next.reserved(), all_registrants(type)) << int(type);
        EXPECT_EQ(told(result, ua::reservations_released), registrants_only(type) ? "BC" : "")
            << int(type);
    }
}

TEST(Unregister, OfAnotherThanTheHolderLeavesTheReservation) {
    for (Type type : all_types) {
        const PrResult result = apply(three(type), B, request(REGISTER_AND_IGNORE, 0, 0));
        ASSERT_GOOD(result);
        EXPECT_EQ(result.next.type, type);
        EXPECT_EQ(result.next.holder, three(type).holder);
        EXPECT_TRUE(result.effects.attentions.empty());
    }
}

TEST(Unregister, OfTheLastOfAllRegistrantsReleases) {
    for (Type type :
         {Type::write_exclusive_all_registrants, Type::exclusive_access_all_registrants}) {
        Reservations state = three(type);
        state.registrations.resize(1);
        EXPECT_FALSE(apply(state, A, request(REGISTER, key_a, 0)).next.reserved());
    }
}

// ---- REGISTER through every target port ----

PrOut everywhere(PrOut out) {
    out.all_target_ports = true;
    return out;
}

// Who is registered with which key, in order.
std::vector<Registration> sorted(Reservations state) {
    auto before = [](const Registration& a, const Registration& b) {
        return std::tie(a.nexus.initiator_port, a.nexus.relative_target_port) <
               std::tie(b.nexus.initiator_port, b.nexus.relative_target_port);
    };
    std::sort(state.registrations.begin(), state.registrations.end(), before);
    return state.registrations;
}

TEST(AllTargetPorts, RegistersTheInitiatorPortAtEachOfThem_Spc4Table69) {
    for (Action action : {REGISTER, REGISTER_AND_IGNORE}) {
        const PrResult result = apply({}, A2, everywhere(request(action, 0, key_a)));
        ASSERT_GOOD(result);
        EXPECT_EQ(sorted(result.next), (std::vector<Registration>{{A, key_a}, {A2, key_a}}));
        EXPECT_EQ(result.next.generation, 1u) << "one request";
    }
}

TEST(AllTargetPorts, WithoutTheBitOnlyThePortOfTheCommandCounts) {
    const PrResult result = apply({}, A2, request(REGISTER, 0, key_a));
    EXPECT_EQ(sorted(result.next), (std::vector<Registration>{{A2, key_a}}));
}

TEST(AllTargetPorts, ARegistrationWithAnotherKeyAtAnotherPortConflictsAndNothingIsDone) {
    Reservations state;
    state.registrations = {{A2, 0x77}};
    EXPECT_CONFLICT(apply(state, A, everywhere(request(REGISTER, 0, key_a))));
    state.registrations.push_back({A, key_a});
    EXPECT_CONFLICT(apply(state, A, everywhere(request(REGISTER, key_a, 0x99))));
    EXPECT_CONFLICT(apply(state, A, everywhere(request(REGISTER, key_a, 0))));
}

TEST(AllTargetPorts, IgnoringKeysReplacesThemEverywhere) {
    Reservations state;
    state.registrations = {{A2, 0x77}, {B, key_b}};
    const PrResult result = apply(state, A, everywhere(request(REGISTER_AND_IGNORE, 0, key_a)));
    ASSERT_GOOD(result);
    EXPECT_EQ(sorted(result.next),
              (std::vector<Registration>{{A, key_a}, {A2, key_a}, {B, key_b}}));
}

TEST(AllTargetPorts, ARegisteredInitiatorGetsThePortsThatCameLater) {
    Reservations state;
    state.registrations = {{A, key_a}};
    const PrResult result = apply(state, A, everywhere(request(REGISTER, key_a, 0x99)));
    ASSERT_GOOD(result);
    EXPECT_EQ(sorted(result.next), (std::vector<Registration>{{A, 0x99}, {A2, 0x99}}));
}

TEST(AllTargetPorts, KeyZeroUnregistersAtEachOfThemAndReleasesWhatOneHeld) {
    Reservations state = three(Type::write_exclusive_registrants_only);
    state.registrations.push_back({A2, key_a});
    state.holder = A2;
    const PrResult result = apply(state, A, everywhere(request(REGISTER, key_a, 0)));
    ASSERT_GOOD(result);
    EXPECT_EQ(sorted(result.next), (std::vector<Registration>{{B, key_b}, {C, key_c}}));
    EXPECT_FALSE(result.next.reserved());
    EXPECT_EQ(told(result, ua::reservations_released), "BC");
}

TEST(AllTargetPorts, KeyZeroFromAnUnregisteredPortReachesTheOthersIfKeysAreIgnored) {
    Reservations state;
    state.registrations = {{A2, 0x77}};
    const PrResult result = apply(state, A, everywhere(request(REGISTER_AND_IGNORE, 0, 0)));
    ASSERT_GOOD(result);
    EXPECT_TRUE(result.next.registrations.empty());
    EXPECT_CONFLICT(apply(state, A, everywhere(request(REGISTER, 0, 0))));
}

TEST(AllTargetPorts, NoOtherActionTouchesOtherPorts) {
    Reservations state = three();
    state.registrations.push_back({A2, key_a});
    const PrResult result =
        apply(state, A, everywhere(request(RESERVE, key_a, 0, Type::write_exclusive)));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.holder, A);
    EXPECT_EQ(result.next.registrations, state.registrations);
}

// ---- REGISTER for other initiator ports ----

PrOut specifying(PrOut out, std::vector<PrOut::Initiator> initiators) {
    out.specify_initiators = true;
    out.initiators = std::move(initiators);
    return out;
}

TEST(SpecifyInitiators, RegistersTheSenderAndEveryPortOfTheListWithOneKey_Spc4Table67) {
    const PrResult result = apply(
        {}, A,
        specifying(request(REGISTER, 0, 0x99), {{B.initiator_port, 28}, {C.initiator_port, 60}}));
    ASSERT_GOOD(result);
    EXPECT_EQ(sorted(result.next), (std::vector<Registration>{{A, 0x99}, {B, 0x99}, {C, 0x99}}));
    EXPECT_EQ(result.next.generation, 1u);
    EXPECT_TRUE(result.effects.attentions.empty());
}

TEST(SpecifyInitiators, AtEveryTargetPortWithAllTgPt_Spc4Table69) {
    const PrResult result =
        apply({}, A2, specifying(everywhere(request(REGISTER, 0, 0x99)), {{B.initiator_port, 28}}));
    ASSERT_GOOD(result);
    EXPECT_EQ(sorted(result.next),
              (std::vector<Registration>{{A, 0x99}, {A2, 0x99}, {B, 0x99}, {B2, 0x99}}));
}

TEST(SpecifyInitiators, APortThatIsRegisteredAlreadyIsPointedAtAndNothingIsDone) {
    Reservations state;
    state.registrations = {{B2, key_b}};
    const PrOut out =
        specifying(request(REGISTER, 0, 0x99), {{C.initiator_port, 28}, {B.initiator_port, 60}});
    EXPECT_EQ(apply(state, A2, out).sense, sense::invalid_field_in_parameters(60));
    EXPECT_EQ(apply(state, A, everywhere(out)).sense, sense::invalid_field_in_parameters(60));
    EXPECT_EQ(apply(state, A, out).status, PrStatus::good) << "at port 1 it is not registered";
}

TEST(SpecifyInitiators, NamingAPortTwiceOrTheSenderRegistersItOnce) {
    const PrResult result =
        apply({}, A,
              specifying(request(REGISTER, 0, 0x99),
                         {{B.initiator_port, 28}, {A.initiator_port, 60}, {B.initiator_port, 92}}));
    ASSERT_GOOD(result);
    EXPECT_EQ(sorted(result.next), (std::vector<Registration>{{A, 0x99}, {B, 0x99}}));
}

TEST(SpecifyInitiators, ADeviceStandsForItsPortsThatAreKnown) {
    const std::vector<std::string> known = {"iqn.a,i,0x000000000001", "iqn.b,i,0x000000000002",
                                            "iqn.b,i,0x000000000022", "iqn.bb,i,0x000000000002"};
    const PrResult result =
        apply({}, A, specifying(request(REGISTER, 0, 0x99), {{"iqn.b", 28}}), {{1}, known, false});
    ASSERT_GOOD(result);
    EXPECT_EQ(sorted(result.next),
              (std::vector<Registration>{{A, 0x99}, {{known[1], 1}, 0x99}, {{known[2], 1}, 0x99}}));
}

TEST(SpecifyInitiators, ADeviceWithoutKnownPortIsPointedAt) {
    const PrOut out =
        specifying(request(REGISTER, 0, 0x99), {{B.initiator_port, 28}, {"iqn.b", 60}});
    EXPECT_EQ(apply({}, A, out).sense, sense::invalid_field_in_parameters(60));
}

TEST(SpecifyInitiators, IsForUnregisteredSendersOnly_Spc4Table67NoteC) {
    for (uint64_t new_key : {uint64_t(0), uint64_t(0x99)}) {
        const PrOut out = specifying(request(REGISTER, key_a, new_key), {{"iqn.d,i,0x1", 28}});
        EXPECT_EQ(apply(three(), A, out).sense, sense::invalid_field_in_parameters(20, 3));
    }
    EXPECT_CONFLICT(apply(three(), A, specifying(request(REGISTER, 1, 2), {})));
}

TEST(SpecifyInitiators, WithKeyZeroFromAnUnregisteredSenderDoesNothing_Spc4Table67) {
    const PrResult result =
        apply({}, A, specifying(request(REGISTER, 0, 0), {{B.initiator_port, 28}}));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next, Reservations());
}

TEST(SpecifyInitiators, ThatDoNotAllFitAreNotRegisteredAtAll_Spc4_6_16_3) {
    Reservations state;
    for (unsigned i = 0; i < 4094; ++i)
        state.registrations.push_back({{"iqn." + std::to_string(i), 1}, 1});
    PrOut out = specifying(request(REGISTER, 0, 0x99), {{B.initiator_port, 28}});
    EXPECT_EQ(apply(state, A, out).status, PrStatus::good);
    out.initiators.push_back({C.initiator_port, 60});
    const PrResult result = apply(state, A, out);
    ASSERT_EQ(result.status, PrStatus::check);
    EXPECT_EQ(code(result.sense), 0x055504u);
}

// ---- APTPL ----

PrResult apply_kept(const Reservations& now, const NexusId& nexus, const PrOut& out) {
    return apply(now, nexus, out, {{1, 2}, {}, true});
}
PrOut persistent(PrOut out, bool aptpl = true) {
    out.aptpl = aptpl;
    return out;
}

TEST(Aptpl, IsRefusedWhereNothingCanBeKept_Spc4_6_16_3) {
    for (Action action : {REGISTER, REGISTER_AND_IGNORE})
        EXPECT_EQ(apply({}, A, persistent(request(action, 0, key_a))).sense,
                  sense::invalid_field_in_parameters(20, 0));
    PrOut move = persistent(request(REGISTER_AND_MOVE, key_a, 1));
    move.move_to = B;
    EXPECT_EQ(apply(three(Type::write_exclusive), A, move).sense,
              sense::invalid_field_in_parameters(17, 0));
}

TEST(Aptpl, IsWhatTheLastRegisteringRequestSaid_Spc4_5_13_5_1) {
    Reservations state = apply_kept({}, A, persistent(request(REGISTER, 0, key_a))).next;
    EXPECT_TRUE(state.aptpl);
    state = apply_kept(state, A, request(RESERVE, key_a, 0, Type::write_exclusive)).next;
    EXPECT_TRUE(state.aptpl);
    state = apply_kept(state, B, request(REGISTER, 0, key_b)).next;
    EXPECT_FALSE(state.aptpl);
    state = apply_kept(state, B, persistent(request(REGISTER_AND_IGNORE, 0, key_b))).next;
    EXPECT_TRUE(state.aptpl);
    PrOut move = request(REGISTER_AND_MOVE, key_a, 1);
    move.move_to = B;
    EXPECT_FALSE(apply_kept(state, A, move).next.aptpl);
    EXPECT_TRUE(apply_kept(state, A, persistent(move)).next.aptpl);
    EXPECT_TRUE(apply_kept(state, A, request(CLEAR, key_a)).next.aptpl);
    EXPECT_FALSE(apply_kept(state, B, request(REGISTER, key_b, 0)).next.aptpl) << "unregistering";
}

TEST(Aptpl, StaysWhenARegisteringRequestFailsOrDoesNothing) {
    Reservations state = three();
    state.aptpl = true;
    EXPECT_CONFLICT(apply_kept(state, A, request(REGISTER, 0x77, 1)));
    EXPECT_EQ(apply_kept(state, A2, request(REGISTER, 0, 0)).next, state);
}

}  // namespace
}  // namespace tgt::scsi
