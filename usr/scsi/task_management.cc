// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/task_management.h"

#include "scsi/abort.h"
#include "scsi/target.h"

namespace tgt::scsi {

namespace {

using Done = std::function<void(TaskResponse)>;

// What outlives the bound is fenced, so that it harms nobody. Behind a pass-through device nothing
// is: the initiator is told that it still runs, and will ask for a reset.
TaskResponse answer_of(const LogicalUnit& unit, bool all_ended) {
    if (all_ended || !unit.type().passes_through()) return TaskResponse::complete;
    return TaskResponse::rejected;
}

void abort_these(ItlNexus& itl, const std::vector<Command*>& victims, io::Duration bound,
                 Done done) {
    auto answer = [unit = itl.shard.unit.shared_from_this(),
                   done = std::move(done)](bool all_ended) { done(answer_of(*unit, all_ended)); };
    auto wait = std::make_shared<AbortWait>(itl.target.worker, std::move(answer));
    abort_commands(victims, wait);
    wait->seal(bound);
}

void abort_task(ItlNexus& itl, const TaskRequest& request, Done done) {
    Command* victim = itl.tasks.find(request.tag);
    if (!victim) {
        done(TaskResponse::no_such_task);
        return;
    }
    abort_these(itl, {victim}, request.bound, std::move(done));
}

// Task sets are per I_T nexus (TST=001b), so CLEAR TASK SET clears what ABORT TASK SET aborts
// (SAM-5 7.5).
void abort_task_set(ItlNexus& itl, const TaskRequest& request, Done done) {
    abort_these(itl, commands_of(itl), request.bound, std::move(done));
}

struct Resets {
    size_t left;
    Done done;
    TaskResponse response = TaskResponse::complete;
};

void reset_units(Nexus& nexus, std::vector<std::shared_ptr<LogicalUnit>> units,
                 UnitAttention attention, const TaskRequest& request, Done done) {
    io::Worker& worker = nexus.target().worker;
    auto resets = std::make_shared<Resets>(Resets{units.size(), std::move(done), {}});
    for (auto& unit : units) {
        unit->reset(attention, nexus.id(), request.bound, [resets, unit, &worker](bool all_ended) {
            const TaskResponse response = answer_of(*unit, all_ended);
            if (response != TaskResponse::complete) resets->response = response;
            if (--resets->left > 0) return;
            worker.post([resets] { resets->done(resets->response); });
        });
    }
}

void reset_unit(ItlNexus& itl, const TaskRequest& request, Done done) {
    reset_units(itl.nexus, {itl.shard.unit.shared_from_this()}, ua::bus_device_reset, request,
                std::move(done));
}

// All logical units of the target, whatever LUN the request names (SAM-5 7.7 is obsolete; RFC
// 7143 11.5.1).
void reset_target(Nexus& nexus, const TaskRequest& request, Done done) {
    std::vector<std::shared_ptr<LogicalUnit>> units;
    for (auto& [lun, shard] : nexus.target().luns) units.push_back(shard->unit.shared_from_this());
    if (units.empty()) {
        done(TaskResponse::complete);
        return;
    }
    reset_units(nexus, std::move(units), ua::power_on_reset, request, std::move(done));
}

}  // namespace

void manage_tasks(Nexus& nexus, const TaskRequest& request, Done done) {
    if (request.function == TaskFunction::clear_aca) return done(TaskResponse::not_supported);
    bool whole_target = request.function == TaskFunction::target_warm_reset ||
                        request.function == TaskFunction::target_cold_reset;
    if (whole_target) return reset_target(nexus, request, std::move(done));
    ItlNexus* itl = request.lun ? nexus.find(*request.lun) : nullptr;
    if (!itl) return done(TaskResponse::no_such_lun);
    switch (request.function) {
        case TaskFunction::abort_task:
            return abort_task(*itl, request, std::move(done));
        case TaskFunction::abort_task_set:
        case TaskFunction::clear_task_set:
            return abort_task_set(*itl, request, std::move(done));
        case TaskFunction::logical_unit_reset:
            return reset_unit(*itl, request, std::move(done));
        default:
            return done(TaskResponse::rejected);
    }
}

}  // namespace tgt::scsi
