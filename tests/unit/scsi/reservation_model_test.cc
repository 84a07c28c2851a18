// SPDX-License-Identifier: GPL-2.0-or-later
// Random sequences of reservation commands, sessions that come and go, resets and restarts: after
// every step the logical unit is what the model says. RC_PARAMS="max_success=100000" makes it long,
// "seed=..." another one.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <set>

#include "tests/unit/scsi/pr_lists.h"
#include "tests/unit/scsi/reservation_world.h"

namespace tgt::test {
namespace {

enum class Kind { out, in, access, reserve, release, session, reset, restart };

// Which key a request has, so that most of them are the right ones.
enum class Key { own, zero, of_holder, one, two, three };

struct Step {
    Kind kind = Kind::out;
    int who = 0;      // of the slots
    int variant = 0;  // service action of IN, kind of access, 6 or 10
    model::Request request;
    Key key = Key::own, action_key = Key::one;
    bool cleared = true;  // unit attentions are taken away before
    bool full = false;    // nothing can be kept
};

constexpr const char* kind_names[] = {"OUT",     "IN",      "access", "RESERVE",
                                      "RELEASE", "session", "reset",  "restart"};
constexpr const char* key_names[] = {"own", "0", "holder's", "1", "2", "3"};

void showValue(const Step& step, std::ostream& os) {
    const model::Request& r = step.request;
    os << fmt::format("{} by {} variant {}", kind_names[int(step.kind)], step.who, step.variant);
    if (step.kind == Kind::out) {
        os << fmt::format(" action {} type {} scope {} key {} action key {}", r.action, r.type,
                          r.scope, key_names[int(step.key)], key_names[int(step.action_key)]);
        os << (r.aptpl ? " APTPL" : "") << (r.all_ports ? " ALL_TG_PT" : "");
        if (r.specify) os << " SPEC_I_PT";
        for (const auto& named : r.named)
            os << fmt::format(" {}{}", named.device ? "device of " : "", named.initiator);
        if (r.action == 7)
            os << fmt::format(" to {} at {}{}", r.to_initiator, r.to_port,
                              r.unregister ? " UNREG" : "");
    }
    os << (step.cleared ? "" : " with attentions") << (step.full ? " disk full" : "") << "\n";
}

}  // namespace
}  // namespace tgt::test

namespace rc {

using tgt::test::Key;
using tgt::test::Kind;
using tgt::test::Step;
using tgt::test::World;
namespace model = tgt::test::model;

Gen<bool> rarely(size_t percent) {
    return gen::weightedElement<bool>({{100 - percent, false}, {percent, true}});
}

template <>
struct Arbitrary<model::Request::Named> {
    static Gen<model::Request::Named> arbitrary() {
        using Named = model::Request::Named;
        return gen::build<Named>(gen::set(&Named::initiator, gen::inRange(0, World::initiators)),
                                 gen::set(&Named::device, rarely(25)));
    }
};

template <>
struct Arbitrary<model::Request> {
    static Gen<model::Request> arbitrary() {
        using R = model::Request;
        return gen::build<R>(
            gen::set(&R::action,
                     gen::weightedElement<int>(
                         {{5, 0}, {4, 1}, {2, 2}, {1, 3}, {4, 4}, {2, 5}, {3, 6}, {3, 7}})),
            gen::set(&R::scope, gen::weightedElement<int>({{19, 0}, {1, 1}})),
            gen::set(&R::type,
                     gen::weightedElement<int>(
                         {{3, 1}, {3, 3}, {4, 5}, {3, 6}, {4, 7}, {3, 8}, {1, 0}, {1, 2}})),
            gen::set(&R::aptpl, rarely(40)), gen::set(&R::all_ports, rarely(30)),
            gen::set(&R::specify, rarely(15)),
            gen::set(&R::named, gen::resize(4, gen::arbitrary<std::vector<R::Named>>())),
            gen::set(&R::to_initiator, gen::inRange(0, World::initiators)),
            gen::set(&R::to_port, gen::inRange(0, World::ports + 1)), gen::set(&R::unregister));
    }
};

template <>
struct Arbitrary<Step> {
    static Gen<Step> arbitrary() {
        const auto key = gen::weightedElement<Key>(
            {{12, Key::own}, {1, Key::zero}, {1, Key::one}, {1, Key::two}});
        const auto action_key = gen::weightedElement<Key>({{2, Key::zero},
                                                           {3, Key::of_holder},
                                                           {1, Key::own},
                                                           {3, Key::one},
                                                           {3, Key::two},
                                                           {2, Key::three}});
        const auto kind = gen::weightedElement<Kind>({{30, Kind::out},
                                                      {4, Kind::in},
                                                      {6, Kind::access},
                                                      {2, Kind::reserve},
                                                      {2, Kind::release},
                                                      {3, Kind::session},
                                                      {1, Kind::reset},
                                                      {1, Kind::restart}});
        return gen::build<Step>(
            gen::set(&Step::kind, kind), gen::set(&Step::who, gen::inRange(0, 6)),
            gen::set(&Step::variant, gen::inRange(0, 4)), gen::set(&Step::request),
            gen::set(&Step::key, key), gen::set(&Step::action_key, action_key),
            gen::set(&Step::cleared, gen::map(rarely(20), [](bool kept) { return !kept; })),
            gen::set(&Step::full, rarely(3)));
    }
};

}  // namespace rc

namespace tgt::test {
namespace {

using model::Expected;

Expected seen(const Answer& answer) {
    return {uint8_t(answer.status()), answer.sense()};
}

uint64_t key_value(const model::Model& model, int nexus, Key key) {
    const auto& nexuses = model.nexuses;
    switch (key) {
        case Key::own:
            return nexuses[size_t(nexus)].key;
        case Key::of_holder:
            return model.holder < 0 ? 0 : nexuses[size_t(model.holder)].key;
        default:
            return key == Key::zero ? 0 : 0xa00000000000000 + uint64_t(key);
    }
}

Bytes list_of(const model::Request& request) {
    if (request.action == 7) {
        Bytes list = move_list(request.key, request.action_key,
                               uint8_t((request.unregister ? 2 : 0) | (request.aptpl ? 1 : 0)),
                               transport_id(World::port_name(request.to_initiator)));
        wire::store_be<2>(&list[18], uint16_t(request.to_port));
        return list;
    }
    Bytes list = pr_list(
        request.key, request.action_key,
        uint8_t((request.specify ? 8 : 0) | (request.all_ports ? 4 : 0) | (request.aptpl ? 1 : 0)));
    if (!request.specify || request.action != 0) return list;
    list.resize(28);
    for (const auto& named : request.named) {
        const Bytes id = transport_id(named.device ? World::device_name(named.initiator)
                                                   : World::port_name(named.initiator));
        list.insert(list.end(), id.begin(), id.end());
    }
    wire::store_be<4>(&list[24], uint32_t(list.size() - 28));
    return list;
}

// What PERSISTENT RESERVE IN must say, in any order of the registrations.
using Lines = std::multiset<std::pair<uint64_t, std::string>>;

Lines expected_lines(const model::Model& model, int action) {
    Lines lines;
    if (action == 1 && model.type != 0)
        lines.emplace(model.holder < 0 ? 0 : model.nexuses[size_t(model.holder)].key,
                      fmt::format("type {}", model.type));
    if (action == 1) return lines;
    for (int i = 0; i < int(model.nexuses.size()); ++i) {
        const auto& n = model.nexuses[size_t(i)];
        if (n.key == 0) continue;
        lines.emplace(n.key, action == 0
                                 ? ""
                                 : fmt::format("{} at {} type {}", World::port_name(n.initiator),
                                               n.port, model.is_holder(i) ? model.type : 0));
    }
    return lines;
}

Lines seen_lines(const Bytes& data, int action) {
    Lines lines;
    for (size_t at = 8; at < data.size();) {
        const uint8_t* d = &data[at];
        const uint64_t key = wire::load_be<8>(d);
        if (action == 0) {
            lines.emplace(key, "");
            at += 8;
        } else if (action == 1) {
            lines.emplace(key, fmt::format("type {}", int(d[13])));
            at += 16;
        } else {
            const int type = (d[12] & 1) ? d[13] : 0;
            lines.emplace(key,
                          fmt::format("{} at {} type {}", reinterpret_cast<const char*>(d + 28),
                                      wire::load_be<2>(d + 18), type));
            at += 24 + wire::load_be<4>(d + 20);
        }
    }
    return lines;
}

void same(const Expected& real, const Expected& wanted) {
    if (!(real == wanted))
        RC_FAIL(fmt::format("status {:02x} sense {:06x} instead of {:02x} {:06x}", real.status,
                            real.sense, wanted.status, wanted.sense));
}

void persistent_reserve_in(World& world, int nexus, int action) {
    const Answer answer = world.run(nexus, pr_in_cdb(uint8_t(action)));
    const Expected wanted = world.model.persistent_reserve_in(nexus);
    same(seen(answer), wanted);
    if (!(wanted == model::good)) return;
    RC_ASSERT(answer.data.size() >= 8u);
    if (action == 2) {
        RC_ASSERT((answer.data[3] & 1) == (world.model.aptpl ? 1 : 0));
        return;
    }
    RC_ASSERT(wire::load_be<4>(&answer.data[0]) == world.model.generation);
    RC_ASSERT(wire::load_be<4>(&answer.data[4]) == answer.data.size() - 8);
    RC_ASSERT(seen_lines(answer.data, action) == expected_lines(world.model, action));
}

bool persistently_equal(const model::Model& a, const model::Model& b) {
    for (size_t i = 0; i < a.nexuses.size(); ++i)
        if (a.nexuses[i].key != b.nexuses[i].key) return false;
    return a.type == b.type && a.holder == b.holder && a.generation == b.generation &&
           a.aptpl == b.aptpl;
}

void persistent_reserve_out(World& world, int nexus, const Step& step) {
    model::Request request = step.request;
    request.key = key_value(world.model, nexus, step.key);
    request.action_key = key_value(world.model, nexus, step.action_key);
    model::Model next = world.model;
    Expected wanted = next.persistent_reserve_out(nexus, request);
    // With APTPL a change that cannot be kept does not happen.
    if (step.full && wanted == model::good && (world.model.aptpl || next.aptpl) &&
        !persistently_equal(world.model, next)) {
        wanted = model::check(0x044400);
        next = world.model;
    }
    const Bytes list = list_of(request);
    const uint8_t scope_type = uint8_t(request.scope << 4 | request.type);
    world.break_keeping(step.full);
    const Answer answer = world.run(
        nexus, pr_out_cdb(uint8_t(request.action), scope_type, uint8_t(list.size())), list);
    world.break_keeping(false);
    world.model = std::move(next);
    same(seen(answer), wanted);
}

void access(World& world, int nexus, int kind) {
    const std::vector<uint8_t> inquiry = {0x12, 0, 0, 0, 36, 0};
    const std::vector<uint8_t> cdbs[] = {tur, read10(0, 1), write10(0, 1), inquiry};
    constexpr model::Access kinds[] = {model::Access::test, model::Access::read,
                                       model::Access::write, model::Access::inquire};
    const Answer answer =
        world.run(nexus, cdbs[kind], kind == 2 ? pattern(512, 1) : std::vector<uint8_t>());
    same(seen(answer), world.model.access(nexus, kinds[kind]));
}

// RESERVE and RELEASE, of 6 or 10 bytes.
std::vector<uint8_t> legacy_cdb(uint8_t opcode, int variant) {
    const bool ten = variant % 2 != 0;
    std::vector<uint8_t> cdb(ten ? 10 : 6);
    cdb[0] = uint8_t(opcode + (ten ? 0x40 : 0));
    return cdb;
}

void carry_out(World& world, const Step& step) {
    const int nexus = world.slots()[size_t(step.who)];
    const bool logged_in = world.model.nexuses[size_t(nexus)].logged_in;
    if (step.cleared) world.clear_attentions();
    if (step.kind == Kind::restart) return world.restart();
    if (step.kind == Kind::session) return logged_in ? world.logout(nexus) : world.login(nexus);
    if (!logged_in) return;
    switch (step.kind) {
        case Kind::out:
            return persistent_reserve_out(world, nexus, step);
        case Kind::in:
            return persistent_reserve_in(world, nexus, step.variant);
        case Kind::access:
            return access(world, nexus, step.variant);
        case Kind::reserve:
            return same(seen(world.run(nexus, legacy_cdb(0x16, step.variant))),
                        world.model.reserve(nexus));
        case Kind::release:
            return same(seen(world.run(nexus, legacy_cdb(0x17, step.variant))),
                        world.model.release(nexus));
        default:
            return world.reset(nexus);
    }
}

// Without RC_PARAMS every run is the same.
[[maybe_unused]] const int configured =
    setenv("RC_PARAMS", "seed=20010401 max_success=400 max_size=150", 0);

TEST(ReservationModel, EveryStepOfRandomSequencesIsTheModels_Spc4_5_13) {
    EXPECT_TRUE(rc::check([](bool keeps, const std::vector<Step>& steps) {
        World world(keeps);
        for (const Step& step : steps) {
            carry_out(world, step);
            if (const std::string wrong = world.difference(); !wrong.empty()) {
                std::ostringstream text;
                showValue(step, text);
                RC_FAIL(wrong + " after " + text.str());
            }
        }
    }));
}

}  // namespace
}  // namespace tgt::test
