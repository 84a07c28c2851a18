// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/logical_unit.h"

#include <algorithm>

#include "scsi/abort.h"
#include "scsi/command.h"

namespace tgt::scsi {

namespace {

constexpr io::Duration preempt_bound = std::chrono::seconds(5);
constexpr unsigned job_threads = 4;

// Closing a store can wait for its device, so it is done on the blocking pool.
struct Disposal : Task {
    LogicalUnit* unit = nullptr;
};

void dispose(LogicalUnit* unit) {
    io::Runtime& runtime = unit->runtime();
    runtime.on_every_worker(
        [unit](io::Worker& worker) { unit->shard(worker.index()).queue.reset(); },
        [unit, &runtime] {
            auto* disposal = new Disposal;
            disposal->unit = unit;
            disposal->run = [](Task& task) {
                auto* self = static_cast<Disposal*>(&task);
                delete self->unit;
                delete self;
            };
            runtime.pool().submit(*disposal);
        });
}

bool concerns(const LunChange::Attention& attention, const NexusId& id) {
    if (attention.only) return *attention.only == id;
    return !(attention.except && *attention.except == id);
}

void raise_attentions(LunShard& shard, const std::vector<LunChange::Attention>& attentions) {
    shard.nexuses.for_each([&](ItlNexus& itl) {
        for (const auto& attention : attentions)
            if (concerns(attention, itl.nexus.id())) itl.attentions.raise(attention.attention);
    });
}

bool contains(const std::vector<NexusId>& ids, const NexusId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Counts the workers' answers on the control thread.
struct Drain {
    size_t workers_left;
    bool all = true;
    std::function<void(bool)> done;
};

// Aborts the commands that `pick` finds, on every worker; `done` on the control thread when all
// have ended.
void drain_everywhere(std::shared_ptr<LogicalUnit> unit, io::Duration bound,
                      std::function<std::vector<Command*>(LunShard&)> pick,
                      std::function<void(bool)> done) {
    io::Runtime& runtime = unit->runtime();
    auto drain = std::make_shared<Drain>(Drain{runtime.worker_count(), true, std::move(done)});
    runtime.on_every_worker([unit, bound, pick, drain, &runtime](io::Worker& worker) {
        auto answer = [drain, unit, &runtime](bool ended) {
            runtime.control().post([drain, ended] {
                drain->all = drain->all && ended;
                if (--drain->workers_left == 0) drain->done(drain->all);
            });
        };
        auto wait = std::make_shared<AbortWait>(worker, std::move(answer));
        abort_commands(pick(unit->shard(worker.index())), wait);
        wait->seal(bound);
    });
}

}  // namespace

LunShard::LunShard(LogicalUnit& owner, io::Worker& on) : unit(owner), worker(on) {
    state = owner.state();
    if (owner.store()) queue = owner.store()->make_queue(on, owner.lane());
}

void LunShard::adopt(LunStatePtr next) {
    state = std::move(next);
    nexuses.for_each([&](ItlNexus& itl) {
        itl.forbidden = forbidden_classes(state->reservations, itl.nexus.id());
    });
}

void LunShard::drop_idle_detached() {
    if (detached.empty()) return;
    std::erase_if(detached, [](const auto& itl) { return itl->tasks.empty(); });
    if (!detached.empty()) return;
    if (auto drained = std::exchange(on_drained, nullptr)) drained();
}

LogicalUnit::LogicalUnit(io::Runtime& runtime, const DeviceType& type,
                         std::unique_ptr<store::Store> store, std::string store_name,
                         std::string path, std::string flags, LunState state, unsigned io_threads)
    : runtime_(runtime),
      type_(type),
      store_(std::move(store)),
      store_name_(std::move(store_name)),
      path_(std::move(path)),
      flags_(std::move(flags)),
      lane_(runtime.pool(), io_threads),
      job_lane_(runtime.pool(), type.serial ? 1 : job_threads),
      state_(std::make_shared<const LunState>(std::move(state))) {
    for (unsigned i = 0; i < runtime.worker_count(); ++i)
        shards_.push_back(std::make_unique<LunShard>(*this, runtime.worker(i)));
}

LogicalUnit::~LogicalUnit() = default;

std::shared_ptr<LogicalUnit> LogicalUnit::make(io::Runtime& runtime, const DeviceType& type,
                                               std::unique_ptr<store::Store> store,
                                               std::string store_name, std::string path,
                                               std::string flags, LunState state,
                                               unsigned io_threads) {
    return std::shared_ptr<LogicalUnit>(
        new LogicalUnit(runtime, type, std::move(store), std::move(store_name), std::move(path),
                        std::move(flags), std::move(state), io_threads),
        dispose);
}

std::vector<uint16_t> LogicalUnit::ports() const {
    std::vector<uint16_t> all;
    for (const auto& [port, luns] : ports_) all.push_back(port);
    return all;
}

void LogicalUnit::add_port(uint16_t relative_port) {
    ++ports_[relative_port];
}

void LogicalUnit::remove_port(uint16_t relative_port) {
    auto found = ports_.find(relative_port);
    if (found != ports_.end() && --found->second == 0) ports_.erase(found);
}

void LogicalUnit::change(Build build, io::Worker& reply_to, std::function<void(Outcome)> done) {
    runtime_.control().post(
        [self = shared_from_this(), build = std::move(build), &reply_to, done = std::move(done)] {
            self->change_on_control(build, reply_to, done);
        });
}

void LogicalUnit::change_on_control(const Build& build, io::Worker& reply_to,
                                    const std::function<void(Outcome)>& done) {
    auto change = std::make_shared<const LunChange>(build(*state_));
    auto reply = [&reply_to, done, change] {
        reply_to.post([done, change] { done(change->outcome); });
    };
    if (change->next) state_ = change->next;
    if (!change->next && change->attentions.empty() && change->abort_commands_of.empty()) {
        reply();
        return;
    }
    auto self = shared_from_this();
    auto in_force = [self, change, reply] {
        if (change->abort_commands_of.empty()) {
            reply();
            return;
        }
        auto pick = [change](LunShard& shard) {
            std::vector<Command*> victims;
            auto add = [&](ItlNexus& itl) {
                if (!contains(change->abort_commands_of, itl.id)) return;
                for (Command* command : commands_of(itl)) victims.push_back(command);
            };
            shard.nexuses.for_each(add);
            for (auto& itl : shard.detached) add(*itl);
            return victims;
        };
        drain_everywhere(self, preempt_bound, pick, [reply](bool) { reply(); });
    };
    runtime_.on_every_worker(
        [self, change, state = state_](io::Worker& worker) {
            LunShard& shard = self->shard(worker.index());
            shard.adopt(state);
            raise_attentions(shard, change->attentions);
        },
        in_force);
}

void LogicalUnit::reset(UnitAttention attention, io::Duration bound,
                        std::function<void(bool)> done) {
    auto self = shared_from_this();
    auto without_reserve6 = [](const LunState& now) {
        LunChange change;
        if (!now.reservations.reserve6_holder) return change;
        change.next = std::make_shared<LunState>(now);
        change.next->reservations.reserve6_holder.reset();
        return change;
    };
    change(without_reserve6, runtime_.control(), [self, attention, bound, done](Outcome) {
        auto pick = [attention](LunShard& shard) {
            std::vector<Command*> victims;
            shard.nexuses.for_each([&](ItlNexus& itl) {
                for (Command* command : commands_of(itl)) victims.push_back(command);
                itl.set_prevents_removal(false);
                itl.attentions.raise(attention);
            });
            for (auto& itl : shard.detached)
                for (Command* command : commands_of(*itl)) victims.push_back(command);
            return victims;
        };
        drain_everywhere(self, bound, pick, done);
    });
}

Step change_state(Command& command, LogicalUnit::Build build) {
    LunShard& shard = *command.shard;
    shard.unit.change(std::move(build), shard.worker,
                      [&command](Outcome outcome) { complete(command, outcome); });
    return Step::pending;
}

}  // namespace tgt::scsi
