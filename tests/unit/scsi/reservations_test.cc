// SPDX-License-Identifier: GPL-2.0-or-later
// PERSISTENT RESERVE OUT, but for registering, against the tables of SPC-4 5.13.
#include "tests/unit/scsi/reservations_fixture.h"

namespace tgt::scsi {
namespace {

// ---- who may do what ----

ClassMask classes(Type type, const NexusId& nexus, bool registered) {
    Reservations state = three(type);
    if (!registered) std::erase_if(state.registrations, [&](auto& r) { return r.nexus == nexus; });
    return forbidden_classes(state, nexus);
}

TEST(ForbiddenClasses, OfEveryTypeForHolderRegistrantAndStranger_Spc4Table65) {
    constexpr ClassMask write = class_bit(ReservationClass::write);
    constexpr ClassMask read_write = write | class_bit(ReservationClass::read);
    for (Type type : all_types) {
        const ClassMask others = write_exclusive(type) ? write : read_write;
        const bool shared = registrants_only(type) || all_registrants(type);
        EXPECT_EQ(classes(type, A, true), 0) << int(type);
        EXPECT_EQ(classes(type, B, true), shared ? 0 : others) << int(type);
        EXPECT_EQ(classes(type, B, false), others) << int(type);
    }
}

TEST(ForbiddenClasses, RegistrationsAloneForbidNothing) {
    EXPECT_EQ(forbidden_classes(three(), NexusId{"other", 1}), 0);
}

TEST(ForbiddenClasses, Reserve6LeavesOnlyWhatIsAlwaysAllowed_Spc2Table8) {
    Reservations state;
    state.reserve6_holder = A;
    EXPECT_EQ(forbidden_classes(state, A), 0);
    const ClassMask mask = forbidden_classes(state, B);
    EXPECT_FALSE(mask & class_bit(ReservationClass::always));
    EXPECT_TRUE(mask & class_bit(ReservationClass::status));
    EXPECT_TRUE(mask & class_bit(ReservationClass::read));
    EXPECT_TRUE(mask & class_bit(ReservationClass::write));
}

TEST(ForbiddenClasses, AnotherTargetPortIsAnotherNexus) {
    const NexusId a_by_port_2{A.initiator_port, 2};
    EXPECT_EQ(forbidden_classes(three(Type::write_exclusive_registrants_only), a_by_port_2),
              class_bit(ReservationClass::write));
}

// ---- RESERVE ----

TEST(Reserve, MakesAReservationOfEveryTypeWithoutNewGeneration_Spc4_5_13_9) {
    for (Type type : all_types) {
        const PrResult result = apply(three(), B, request(RESERVE, key_b, 0, type));
        ASSERT_GOOD(result);
        EXPECT_EQ(result.next.type, type);
        EXPECT_EQ(result.next.is_holder(B), true);
        EXPECT_EQ(result.next.is_holder(A), all_registrants(type));
        EXPECT_EQ(result.next.generation, 7u);
        EXPECT_TRUE(result.effects.attentions.empty());
    }
}

TEST(Reserve, AgainIsGoodForAHolderWithTheSameTypeOnly) {
    for (Type type : all_types) {
        const Reservations state = three(type);
        const PrResult same = apply(state, A, request(RESERVE, key_a, 0, type));
        ASSERT_GOOD(same);
        EXPECT_EQ(same.next, state);
        const Type other =
            type == Type::write_exclusive ? Type::exclusive_access : Type::write_exclusive;
        EXPECT_CONFLICT(apply(state, A, request(RESERVE, key_a, 0, other)));
        const PrResult by_b = apply(state, B, request(RESERVE, key_b, 0, type));
        EXPECT_EQ(by_b.status, all_registrants(type) ? PrStatus::good : PrStatus::conflict);
    }
}

TEST(Reserve, UnknownTypesAndScopesAreInvalidFieldsOfTheCdb) {
    for (uint8_t type : {0, 2, 4, 9, 15}) {
        PrOut out = request(RESERVE, key_a);
        out.type = type;
        const PrResult result = apply(three(), A, out);
        ASSERT_EQ(result.status, PrStatus::check);
        EXPECT_EQ(result.sense, sense::invalid_field_in_cdb(2, 3));
    }
    PrOut out = request(RESERVE, key_a, 0, Type::write_exclusive);
    out.scope = 2;
    EXPECT_EQ(apply(three(), A, out).sense, sense::invalid_field_in_cdb(2, 7));
}

// ---- RELEASE ----

TEST(Release, ByTheHolderTellsTheOtherRegistrants_Spc4_5_13_11_2_2) {
    for (Type type : all_types) {
        const PrResult result = apply(three(type), A, request(RELEASE, key_a, 0, type));
        ASSERT_GOOD(result);
        EXPECT_FALSE(result.next.reserved());
        EXPECT_EQ(result.next.holder, std::nullopt);
        EXPECT_EQ(result.next.registrations.size(), 3u);
        EXPECT_EQ(result.next.generation, 7u);
        const bool tells = registrants_only(type) || all_registrants(type);
        EXPECT_EQ(told(result, ua::reservations_released), tells ? "BC" : "") << int(type);
    }
}

TEST(Release, ByANonHolderOrWithoutReservationDoesNothing) {
    const PrResult none = apply(three(), A, request(RELEASE, key_a, 0, Type::write_exclusive));
    ASSERT_GOOD(none);
    EXPECT_EQ(none.next, three());
    const Reservations state = three(Type::exclusive_access);
    const PrResult result = apply(state, B, request(RELEASE, key_b, 0, Type::exclusive_access));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next, state);
}

TEST(Release, WithAnotherTypeOrScopeIs5_26_04) {
    PrOut out = request(RELEASE, key_a, 0, Type::exclusive_access);
    EXPECT_EQ(code(apply(three(Type::write_exclusive), A, out).sense), 0x052604u);
    out.type = uint8_t(Type::write_exclusive);
    out.scope = 1;
    EXPECT_EQ(code(apply(three(Type::write_exclusive), A, out).sense), 0x052604u);
}

// ---- CLEAR ----

TEST(Clear, RemovesEverythingAndTellsTheOthers_Spc4_5_13_11_2_7) {
    for (Type type : all_types) {
        const PrResult result = apply(three(type), B, request(CLEAR, key_b));
        ASSERT_GOOD(result);
        EXPECT_FALSE(result.next.reserved());
        EXPECT_TRUE(result.next.registrations.empty());
        EXPECT_EQ(result.next.generation, 8u);
        EXPECT_EQ(told(result, ua::reservations_preempted), "AC");
    }
}

// ---- PREEMPT ----

TEST(Preempt, OfTheHolderTakesTheReservation_Spc4_5_13_11_2_4_3) {
    for (Type from : all_types) {
        if (all_registrants(from)) continue;
        for (Type to : all_types) {
            const PrResult result = apply(three(from), B, request(PREEMPT, key_b, key_a, to));
            ASSERT_GOOD(result);
            EXPECT_EQ(result.next.find(A), nullptr);
            EXPECT_NE(result.next.find(C), nullptr);
            EXPECT_EQ(result.next.type, to);
            EXPECT_TRUE(result.next.is_holder(B));
            EXPECT_EQ(result.next.generation, 8u);
            EXPECT_EQ(told(result, ua::registrations_preempted), from == to ? "A" : "A-");
            EXPECT_EQ(told(result, ua::reservations_released), from == to ? "-" : "-C");
            EXPECT_TRUE(result.effects.abort_commands_of.empty());
        }
    }
}

TEST(Preempt, OfItselfByTheHolderChangesTheType) {
    const PrResult result = apply(three(Type::write_exclusive), A,
                                  request(PREEMPT, key_a, key_a, Type::exclusive_access));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.type, Type::exclusive_access);
    EXPECT_EQ(result.next.registrations.size(), 3u);
    EXPECT_EQ(told(result, ua::reservations_released), "BC");
}

TEST(Preempt, OfOthersRemovesTheirRegistrationsOnly_Spc4_5_13_11_2_5) {
    for (Type type : {Type::none, Type::write_exclusive, Type::exclusive_access_all_registrants}) {
        PrOut out = request(PREEMPT, key_b, key_c);
        out.type = 0xf;  // scope and type are ignored
        out.scope = 3;
        const PrResult result = apply(three(type), B, out);
        ASSERT_GOOD(result);
        EXPECT_EQ(result.next.find(C), nullptr);
        EXPECT_EQ(result.next.registrations.size(), 2u);
        EXPECT_EQ(result.next.type, type);
        EXPECT_EQ(result.next.holder, three(type).holder);
        EXPECT_EQ(result.next.generation, 8u);
        EXPECT_EQ(told(result, ua::registrations_preempted), "C");
    }
}

TEST(Preempt, RemovesEveryRegistrationWithTheKey) {
    Reservations state = three(Type::write_exclusive);
    state.registrations[1].key = key_c;
    const PrResult result = apply(state, A, request(PREEMPT, key_a, key_c));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.registrations.size(), 1u);
    EXPECT_EQ(told(result, ua::registrations_preempted), "BC");
}

TEST(Preempt, OfTheOwnRegistrationRaisesNothingForTheSender) {
    const PrResult result = apply(three(Type::write_exclusive), B, request(PREEMPT, key_b, key_b));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.find(B), nullptr);
    EXPECT_TRUE(result.effects.attentions.empty());
}

TEST(Preempt, OfAnUnknownKeyConflicts) {
    for (Type type : {Type::none, Type::write_exclusive, Type::write_exclusive_all_registrants})
        EXPECT_CONFLICT(
            apply(three(type), A, request(PREEMPT, key_a, 0x77, Type::write_exclusive)));
}

TEST(Preempt, OfKeyZeroTakesAnAllRegistrantsReservationFromEverybody) {
    const PrResult result = apply(three(Type::write_exclusive_all_registrants), B,
                                  request(PREEMPT, key_b, 0, Type::exclusive_access));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.registrations, std::vector<Registration>({{B, key_b}}));
    EXPECT_EQ(result.next.type, Type::exclusive_access);
    EXPECT_EQ(result.next.holder, B);
    EXPECT_EQ(told(result, ua::registrations_preempted), "AC");
}

TEST(Preempt, OfKeyZeroIsAnInvalidParameterForTheOtherTypes) {
    for (Type type : all_types) {
        if (all_registrants(type)) continue;
        const PrResult result =
            apply(three(type), A, request(PREEMPT, key_a, 0, Type::write_exclusive));
        ASSERT_EQ(result.status, PrStatus::check);
        EXPECT_EQ(result.sense, sense::invalid_field_in_parameters(8));
    }
}

TEST(Preempt, OfKeyZeroWithoutReservationNamesNoRegistration_Spc4Figure9) {
    EXPECT_CONFLICT(apply(three(), A, request(PREEMPT, key_a, 0, Type::write_exclusive)));
}

TEST(Preempt, ThatTakesTheReservationNeedsAValidType) {
    PrOut out = request(PREEMPT, key_b, key_a);
    out.type = 2;
    EXPECT_EQ(apply(three(Type::write_exclusive), B, out).sense, sense::invalid_field_in_cdb(2, 3));
}

TEST(PreemptAndAbort, NamesThePreemptedNexusesAndNeverTheSender) {
    const PrResult holder = apply(three(Type::write_exclusive), B,
                                  request(PREEMPT_AND_ABORT, key_b, key_a, Type::write_exclusive));
    ASSERT_GOOD(holder);
    EXPECT_EQ(holder.effects.abort_commands_of, std::vector<NexusId>({A}));
    EXPECT_EQ(told(holder, ua::registrations_preempted), "A");
    const PrResult all = apply(three(Type::exclusive_access_all_registrants), B,
                               request(PREEMPT_AND_ABORT, key_b, 0, Type::write_exclusive));
    ASSERT_GOOD(all);
    EXPECT_EQ(all.effects.abort_commands_of, std::vector<NexusId>({A, C}));
    const PrResult own = apply(three(), B, request(PREEMPT_AND_ABORT, key_b, key_b));
    ASSERT_GOOD(own);
    EXPECT_TRUE(own.effects.abort_commands_of.empty());
}

// ---- REGISTER AND MOVE ----

PrOut move_to(const NexusId& nexus, uint64_t key, uint64_t new_key, bool unregister) {
    PrOut out = request(REGISTER_AND_MOVE, key, new_key);
    out.move_to = nexus;
    out.unregister = unregister;
    return out;
}

TEST(RegisterAndMove, RegistersAndMakesTheHolder_Spc4_5_13_8) {
    const NexusId d{"iqn.d,i,0x000000000004", 1};
    const PrResult result = apply(three(Type::write_exclusive), A, move_to(d, key_a, 0xd, false));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.holder, d);
    EXPECT_EQ(result.next.find(d)->key, 0xdu);
    EXPECT_EQ(result.next.type, Type::write_exclusive);
    EXPECT_NE(result.next.find(A), nullptr);
    EXPECT_EQ(result.next.generation, 8u);
}

TEST(RegisterAndMove, ToARegisteredNexusReplacesItsKeyAndMayUnregisterTheSender) {
    const PrResult result = apply(three(Type::write_exclusive), A, move_to(B, key_a, 0xd, true));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.holder, B);
    EXPECT_EQ(result.next.registrations, std::vector<Registration>({{B, 0xd}, {C, key_c}}));
}

TEST(RegisterAndMove, ReachesAnyTargetPortOfTheUnit) {
    const PrResult result = apply(three(Type::write_exclusive), A, move_to(B2, key_a, 0xd, false));
    ASSERT_GOOD(result);
    EXPECT_EQ(result.next.holder, B2);
    EXPECT_EQ(result.next.find(B2)->key, 0xdu);
    EXPECT_EQ(result.next.find(B)->key, key_b);
}

TEST(RegisterAndMove, IsRefusedWhereTheClauseSaysSo) {
    const Reservations held = three(Type::write_exclusive);
    EXPECT_CONFLICT(apply(held, B, move_to(C, key_b, 1, false)));
    EXPECT_CONFLICT(apply(held, A, move_to(B, key_b, 1, false)));
    EXPECT_CONFLICT(
        apply(three(Type::write_exclusive_all_registrants), A, move_to(B, key_a, 1, false)));
    EXPECT_EQ(apply(held, A, move_to(B, key_a, 0, false)).sense,
              sense::invalid_field_in_parameters(8));
    EXPECT_EQ(apply(held, A, move_to(A, key_a, 1, false)).sense,
              sense::invalid_field_in_parameters(24));
    EXPECT_EQ(apply(held, A, move_to(A2, key_a, 1, false)).sense,
              sense::invalid_field_in_parameters(24))
        << "the same initiator port";
    EXPECT_EQ(apply(held, A, move_to({B.initiator_port, 3}, key_a, 1, false)).sense,
              sense::invalid_field_in_parameters(18))
        << "no target port of the unit";
    EXPECT_EQ(apply(three(), A, move_to(B, key_a, 1, false)).status, PrStatus::check);
}

// ---- what is believed of a saved state ----

TEST(Consistent, AreTheStatesThatCommandsLeadTo) {
    EXPECT_TRUE(consistent({}));
    for (Type type : all_types) EXPECT_TRUE(consistent(three(type)));
    Reservations reserved;
    reserved.reserve6_holder = A;
    EXPECT_TRUE(consistent(reserved));
}

TEST(Consistent, AreNoOtherStates) {
    const Reservations good = three(Type::write_exclusive);
    auto changed = [&](auto change) {
        Reservations state = good;
        change(state);
        return consistent(state);
    };
    EXPECT_FALSE(changed([](Reservations& s) { s.registrations.erase(s.registrations.begin()); }));
    EXPECT_FALSE(changed([](Reservations& s) { s.registrations[1].key = 0; }));
    EXPECT_FALSE(changed([](Reservations& s) { s.registrations[1].nexus = C; }));
    EXPECT_FALSE(changed([](Reservations& s) { s.registrations[1].nexus.initiator_port = ""; }));
    EXPECT_FALSE(
        changed([](Reservations& s) { s.registrations[1].nexus.relative_target_port = 0; }));
    EXPECT_FALSE(changed([](Reservations& s) { s.holder.reset(); }));
    EXPECT_FALSE(changed([](Reservations& s) { s.type = Type::none; }));
    EXPECT_FALSE(changed([](Reservations& s) { s.type = Type(4); }));
    EXPECT_FALSE(changed([](Reservations& s) { s.type = Type::write_exclusive_all_registrants; }));
    EXPECT_FALSE(changed([](Reservations& s) { s.reserve6_holder = A; }));
    Reservations nobody;
    nobody.type = Type::write_exclusive_all_registrants;
    EXPECT_FALSE(consistent(nobody));
}

// ---- what all have in common ----

TEST(PersistentReserveOut, NeedsTheOwnRegisteredKey_Spc4_5_13_11_2_1) {
    const Reservations state = three(Type::write_exclusive);
    const NexusId stranger{"iqn.x,i,0x000000000009", 1};
    for (Action action : {RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_MOVE}) {
        EXPECT_CONFLICT(apply(state, stranger, request(action, 0, 1, Type::write_exclusive)));
        EXPECT_CONFLICT(apply(state, A, request(action, key_b, 1, Type::write_exclusive)));
    }
}

TEST(PersistentReserveOut, ConflictsWithAnyReserve6_Spc2_5_5_1) {
    Reservations state;
    state.reserve6_holder = A;
    EXPECT_CONFLICT(apply(state, A, request(REGISTER, 0, key_a)));
    EXPECT_CONFLICT(apply(state, B, request(REGISTER, 0, key_b)));
}

}  // namespace
}  // namespace tgt::scsi
