// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/scsi/reservation_world.h"

#include <fmt/core.h>

#include "mgmt/reservation_file.h"
#include "scsi/task_management.h"

namespace tgt::test {

using namespace scsi;

namespace {

constexpr unsigned workers = 3;
const std::string medium = "medium";
constexpr io::Duration bound = std::chrono::seconds(5);

struct Logged {
    int initiator, port;
};
constexpr Logged logged[] = {{0, 1}, {0, 2}, {1, 1}, {1, 3}, {2, 2}, {2, 3}};

}  // namespace

std::string World::device_name(int initiator) {
    return fmt::format("iqn.2001-04.com.example:host{}", initiator == 1 ? 0 : initiator);
}
std::string World::port_name(int initiator) {
    return fmt::format("{},i,0x{:012x}", device_name(initiator), initiator + 1);
}

NexusId id_of(const model::Model::Nexus& nexus) {
    return {World::port_name(nexus.initiator), uint16_t(nexus.port)};
}

void World::Keeper::keep(const Reservations& reservations, std::function<void(bool)> done) {
    if (!broken && reservations.aptpl)
        file = mgmt::encode_reservation_file(medium, {}, reservations);
    if (!broken && !reservations.aptpl) file.reset();
    done(!broken);
}

World::World(bool keeps) : model({0, 0, 1, 2}, ports, keeps), keeps_(keeps) {
    for (const Logged& one : logged) slots_.push_back(model.find(one.initiator, one.port));
    place_.resize(model.nexuses.size());
    start();
    clear_attentions();
}

World::~World() {
    stop();
}

void World::start() {
    auto adjust = [this](LunState& state) {
        state.keeps_reservations = keeps_;
        if (keeper_->file)
            state.reservations = *mgmt::decode_reservation_file(*keeper_->file, medium);
    };
    bench_ = std::make_unique<Bench>(workers, adjust);
    if (keeps_) bench_->unit->set_keeper(keeper_);
    retire(std::move(bench_->nexuses[0]), bound, [] {});
    targets_ = {bench_->target};
    for (int port = 2; port <= ports; ++port) {
        targets_.push_back(
            std::make_shared<Target>(bench_->runtime, fmt::format("t{}", port), uint16_t(port)));
        targets_.back()->add_lun(1, bench_->unit, {});
    }
    bench_->settle();
    for (int slot : slots_) login(slot);
}

void World::stop() {
    for (int slot : slots_)
        if (model.nexuses[size_t(slot)].logged_in) logout(slot);
    for (size_t i = 1; i < targets_.size(); ++i) targets_[i]->remove_lun(1, bound, [](bool) {});
    bench_->settle();
    targets_.clear();
    bench_.reset();
}

void World::login(int nexus) {
    const auto& n = model.nexuses[size_t(nexus)];
    place_[size_t(nexus)] = bench_->login(port_name(n.initiator), unsigned(nexus) % workers, true,
                                          targets_[size_t(n.port - 1)].get());
    model.login(nexus);
}

void World::logout(int nexus) {
    retire(std::move(bench_->nexuses[place_[size_t(nexus)]]), bound, [] {});
    bench_->settle();
    model.logout(nexus);
}

void World::reset(int nexus) {
    bool done = false;
    manage_tasks(bench_->nexus(place_[size_t(nexus)]), {TaskFunction::logical_unit_reset, 1},
                 [&](TaskResponse) { done = true; });
    bench_->settle();
    if (!done) bench_->pass(2 * bound);
    model.reset();
}

void World::restart() {
    stop();
    model.restart();
    start();
}

void World::clear_attentions() {
    for (int slot : slots_) {
        if (!model.nexuses[size_t(slot)].logged_in) continue;
        itl(slot).attentions.clear_all();
        model.nexuses[size_t(slot)].attentions.clear();
    }
}

Answer World::run(int nexus, std::vector<uint8_t> cdb, std::vector<uint8_t> data) {
    Bench::Send send;
    send.nexus = place_[size_t(nexus)];
    send.data = std::move(data);
    return bench_->run(std::move(cdb), std::move(send));
}

std::string World::difference_of_state(const Reservations& real) const {
    size_t registered = 0;
    for (const auto& n : model.nexuses) {
        const Registration* registration = real.find(id_of(n));
        if ((registration ? registration->key : 0) != n.key)
            return fmt::format("key of initiator {} at port {}: {:x} instead of {:x}", n.initiator,
                               n.port, registration ? registration->key : 0, n.key);
        registered += n.key != 0;
    }
    auto is = [&](const std::optional<NexusId>& id, int nexus) {
        return nexus < 0 ? !id : id == id_of(model.nexuses[size_t(nexus)]);
    };
    if (real.registrations.size() != registered) return "registrations that nobody asked for";
    if (int(real.type) != model.type)
        return fmt::format("type {} instead of {}", int(real.type), model.type);
    if (!is(real.holder, model.holder)) return "holder";
    if (!is(real.reserve6_holder, model.legacy)) return "holder of RESERVE";
    if (real.generation != model.generation)
        return fmt::format("generation {} instead of {}", real.generation, model.generation);
    if (real.aptpl != model.aptpl) return "APTPL";
    return {};
}

std::string World::difference_of(int nexus) {
    const auto& n = model.nexuses[size_t(nexus)];
    std::vector<uint16_t> attentions;
    for (const UnitAttention& a : itl(nexus).attentions.all())
        attentions.push_back(uint16_t(a.asc << 8 | a.ascq));
    if (attentions != n.attentions)
        return fmt::format("unit attentions of initiator {} at port {}: {} instead of {}",
                           n.initiator, n.port, attentions.size(), n.attentions.size());
    struct Class {
        model::Access access;
        ReservationClass of;
    };
    for (const Class& one : {Class{model::Access::test, ReservationClass::status},
                             Class{model::Access::read, ReservationClass::read},
                             Class{model::Access::write, ReservationClass::write},
                             Class{model::Access::inquire, ReservationClass::always}}) {
        const bool forbidden = (itl(nexus).forbidden & class_bit(one.of)) != 0;
        if (forbidden != (model.admission(nexus, one.access) == model::conflict))
            return fmt::format("what initiator {} may do at port {}: class {}", n.initiator, n.port,
                               int(one.of));
    }
    return {};
}

std::string World::difference() {
    const LunStatePtr& state = bench_->unit->state();
    if (auto found = difference_of_state(state->reservations); !found.empty()) return found;
    for (unsigned i = 0; i < workers; ++i)
        if (bench_->unit->shard(i).state != state) return fmt::format("state of worker {}", i);
    for (int slot : slots_) {
        if (!model.nexuses[size_t(slot)].logged_in) continue;
        if (auto found = difference_of(slot); !found.empty()) return found;
    }
    if (model.aptpl != keeper_->file.has_value()) return "whether something is kept";
    return {};
}

}  // namespace tgt::test
