// SPDX-License-Identifier: GPL-2.0-or-later
// Changes of a whole logical unit: built on the control thread, kept where that was promised, put
// in force on every worker, answered.
#include <algorithm>

#include "scsi/abort.h"
#include "scsi/command.h"
#include "scsi/device_reset.h"
#include "scsi/logical_unit.h"
#include "scsi/target.h"

namespace tgt::scsi {

namespace {

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
                      const std::optional<NexusId>& tell_all_but, std::function<void(bool)> done) {
    io::Runtime& runtime = unit->runtime();
    auto drain = std::make_shared<Drain>(Drain{runtime.worker_count(), true, std::move(done)});
    runtime.on_every_worker([unit, bound, pick, tell_all_but, drain, &runtime](io::Worker& worker) {
        auto answer = [drain, unit, &runtime](bool ended) {
            runtime.control().post([drain, ended] {
                drain->all = drain->all && ended;
                if (--drain->workers_left == 0) drain->done(drain->all);
            });
        };
        auto wait = std::make_shared<AbortWait>(worker, std::move(answer));
        abort_commands(pick(unit->shard(worker.index())), wait, tell_all_but);
        wait->seal(bound);
    });
}

bool is_kept(const Reservations& now, const Reservations& next) {
    Reservations same = next;
    same.reserve6_holder = now.reserve6_holder;  // never outlives the daemon
    return (now.aptpl || next.aptpl) && same != now;
}

// PREEMPT AND ABORT (SPC-4 5.13.11.2.6): the commands of those that lost their registrations; their
// PREVENT ends, too.
std::vector<Command*> preempted_commands(LunShard& shard, const LunChange& change) {
    std::vector<Command*> victims;
    auto add = [&](ItlNexus& itl) {
        if (!contains(change.abort_commands_of, itl.id)) return;
        itl.set_prevents_removal(false);
        const auto commands = commands_of(itl);
        if (!commands.empty() && !shard.state->task_aborted_status())
            itl.attentions.raise(ua::commands_cleared);
        victims.insert(victims.end(), commands.begin(), commands.end());
    };
    shard.nexuses.for_each(add);
    for (auto& itl : shard.detached) add(*itl);
    return victims;
}

// LOGICAL UNIT RESET: every command here; PREVENT ends; everybody is told.
std::vector<Command*> reset_shard(LunShard& shard, UnitAttention attention) {
    std::vector<Command*> victims;
    shard.nexuses.for_each([&](ItlNexus& itl) {
        for (Command* command : commands_of(itl)) victims.push_back(command);
        itl.set_prevents_removal(false);
        itl.attentions.raise(attention);
    });
    for (auto& itl : shard.detached)
        for (Command* command : commands_of(*itl)) victims.push_back(command);
    return victims;
}

// SPC-5 5.15, 7.5.1: nothing is saved, so a reset brings the defaults back.
LunChange reset_state(const DeviceType& type, const LunState& now) {
    LunChange change;
    auto next = std::make_shared<LunState>(now);
    next->reservations.reserve6_holder.reset();
    for (ModePage& page : next->mode_pages) page.current = page.defaults;
    if (type.mode_rules.reset) type.mode_rules.reset(*next);
    if (*next != now) change.next = std::move(next);
    return change;
}

std::vector<Command*> aborted_commands(LunShard& shard) {
    std::vector<Command*> aborted;
    shard.at_store.for_each([&](Command& command) {
        if (command.aborted()) aborted.push_back(&command);
    });
    return aborted;
}

// A pass-through device is reset itself. What had not begun for it is aborted before, so that it
// does not start behind the reset; the rest comes back by it.
void reset_device(const std::shared_ptr<LogicalUnit>& unit, UnitAttention attention,
                  io::Duration bound, std::function<void(bool)> done) {
    auto reset = [unit, bound, done = std::move(done)](bool) {
        DeviceReset::begin(unit, bound, [unit, bound, done](bool was_reset) {
            drain_everywhere(unit, bound, aborted_commands, std::nullopt,
                             [was_reset, done](bool) { done(was_reset); });
        });
    };
    auto pick = [attention](LunShard& shard) { return reset_shard(shard, attention); };
    drain_everywhere(unit, io::Duration(), pick, std::nullopt, std::move(reset));
}

}  // namespace

void LogicalUnit::change(Build build, io::Worker& reply_to, std::function<void(Outcome)> done) {
    Request request{std::move(build), &reply_to, std::move(done)};
    runtime_.control().post([self = shared_from_this(), request = std::move(request)] {
        if (self->keeping_)
            self->waiting_changes_.push_back(request);
        else
            self->begin_change(request);
    });
}

void LogicalUnit::begin_change(Request request) {
    LunChange change = request.build(*state_);
    if (keeper_ && change.next && is_kept(state_->reservations, change.next->reservations))
        keep_then_publish(std::move(request), std::move(change));
    else
        publish(request, std::move(change));
}

// SPC-4 5.9.5: with APTPL the status tells that the change outlives a loss of power.
void LogicalUnit::keep_then_publish(Request request, LunChange change) {
    keeping_ = true;
    const Reservations reservations = change.next->reservations;
    auto kept = [self = shared_from_this(), request = std::move(request),
                 change = std::move(change)](bool done) {
        self->keeping_ = false;
        LunChange failed;
        failed.outcome = sense::internal_target_failure();
        self->publish(request, done ? change : failed);
        self->next_change();
    };
    keeper_->keep(reservations, std::move(kept));
}

void LogicalUnit::next_change() {
    while (!keeping_ && !waiting_changes_.empty()) {
        Request request = std::move(waiting_changes_.front());
        waiting_changes_.pop_front();
        begin_change(std::move(request));
    }
}

void LogicalUnit::publish(const Request& request, LunChange built) {
    auto change = std::make_shared<const LunChange>(std::move(built));
    if (change->next)
        std::atomic_store_explicit(&state_, LunStatePtr(change->next), std::memory_order_release);
    auto self = shared_from_this();
    auto in_force = [self, change, request] { self->abort_then_answer(request, change); };
    if (!change->next && change->attentions.empty()) {
        in_force();
        return;
    }
    runtime_.on_every_worker(
        [self, change, state = state_](io::Worker& worker) {
            LunShard& shard = self->shard(worker.index());
            shard.adopt(state);
            raise_attentions(shard, change->attentions);
        },
        in_force);
}

void LogicalUnit::abort_then_answer(const Request& request,
                                    std::shared_ptr<const LunChange> change) {
    auto reply = [request, change](const Outcome& outcome) {
        request.reply_to->post([done = request.done, outcome] { done(outcome); });
    };
    if (change->abort_commands_of.empty()) return reply(change->outcome);
    auto self = shared_from_this();
    auto drained = [self, change, reply](bool all_ended) {
        if (all_ended || self->orphans() == 0) return reply(change->outcome);
        self->drain_before_ready([change, reply](bool draining) {
            reply(draining ? Outcome(sense::not_ready(0x01)) : change->outcome);
        });
    };
    drain_everywhere(
        self, change->abort_bound,
        [change](LunShard& shard) { return preempted_commands(shard, *change); },
        state_->task_aborted_status() ? change->requester : std::nullopt, drained);
}

// Who preempts goes on in the belief that nothing of the others lands any more: until that is so,
// the unit is not ready.
void LogicalUnit::drain_before_ready(std::function<void(bool)> done) {
    auto draining = std::make_shared<bool>(false);
    auto build = [self = shared_from_this(), draining](const LunState& now) {
        LunChange change;
        *draining = self->orphans() > 0;
        if (!*draining || now.backing != Backing::present) return change;
        change.next = std::make_shared<LunState>(now);
        change.next->backing = Backing::draining;
        return change;
    };
    change(build, runtime_.control(), [draining, done](const Outcome&) { done(*draining); });
}

void LogicalUnit::reset(UnitAttention attention, const NexusId& requester, io::Duration bound,
                        std::function<void(bool)> done) {
    auto tell_all_but = std::make_shared<std::optional<NexusId>>();
    auto build = [&type = type_, requester, tell_all_but](const LunState& now) {
        if (now.task_aborted_status()) tell_all_but->emplace(requester);
        return reset_state(type, now);
    };
    auto in_force = [self = shared_from_this(), attention, tell_all_but, bound,
                     done](const Outcome&) {
        if (self->type_.passes_through()) return reset_device(self, attention, bound, done);
        if (self->model_) self->on_strand([self] { self->model_->reset(); });
        auto pick = [attention](LunShard& shard) { return reset_shard(shard, attention); };
        drain_everywhere(self, bound, pick, *tell_all_but, done);
    };
    change(build, runtime_.control(), in_force);
}

Step change_state(Command& command, LogicalUnit::Build build) {
    LunShard& shard = *command.shard;
    auto asked = [build = std::move(build), requester = command.nexus->id(),
                  bound = command.nexus->target().target.abort_bound()](const LunState& now) {
        LunChange change = build(now);
        change.requester.emplace(requester);
        change.abort_bound = bound;
        return change;
    };
    shard.unit.change(std::move(asked), shard.worker,
                      [&command](const Outcome& outcome) { complete(command, outcome); });
    return Step::pending;
}

}  // namespace tgt::scsi
