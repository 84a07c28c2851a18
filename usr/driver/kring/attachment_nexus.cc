// SPDX-License-Identifier: GPL-2.0-or-later
// The nexuses of an attachment, task management, and its end.
#include <fmt/core.h>

#include <algorithm>

#include "driver/kring/attachment.h"
#include "driver/kring/port_name.h"
#include "wire/scsi_lun.h"

namespace tgt::kring {

namespace {

using scsi::TaskFunction;
using scsi::TaskResponse;

std::optional<TaskFunction> function_of(uint8_t ring) {
    switch (ring) {
        case TGT_TASK_ABORT_TASK:
            return TaskFunction::abort_task;
        case TGT_TASK_ABORT_TASK_SET:
            return TaskFunction::abort_task_set;
        case TGT_TASK_CLEAR_TASK_SET:
            return TaskFunction::clear_task_set;
        case TGT_TASK_LOGICAL_UNIT_RESET:
            return TaskFunction::logical_unit_reset;
        case TGT_TASK_TARGET_RESET:
            return TaskFunction::target_warm_reset;
        case TGT_TASK_CLEAR_ACA:
            return TaskFunction::clear_aca;
        default:
            return std::nullopt;
    }
}

uint8_t response_of(TaskResponse response) {
    switch (response) {
        case TaskResponse::complete:
            return TGT_RESPONSE_COMPLETE;
        case TaskResponse::no_such_task:
            return TGT_RESPONSE_NO_TASK;
        case TaskResponse::no_such_lun:
            return TGT_RESPONSE_NO_LUN;
        case TaskResponse::not_supported:
            return TGT_RESPONSE_NOT_SUPPORTED;
        default:
            return TGT_RESPONSE_REJECTED;
    }
}

// Whether a command that has not begun is one that the function aborts.
bool is_victim(const Request& request, const Initiator& initiator, const scsi::TaskRequest& task) {
    const bool own = request.initiator == &initiator;
    switch (task.function) {
        case TaskFunction::abort_task:
            return own && request.lun == task.lun && request.id == task.tag;
        case TaskFunction::abort_task_set:
        case TaskFunction::clear_task_set:
            return own && request.lun == task.lun;
        case TaskFunction::logical_unit_reset:
            return request.lun == task.lun;
        case TaskFunction::target_warm_reset:
            return true;
        default:
            return false;
    }
}

// Calls `done` when it has been called as often as it was counted, and once more.
std::function<void()> joint(size_t count, std::function<void()> done) {
    auto left = std::make_shared<size_t>(count + 1);
    return [left, done = std::move(done)] {
        if (--*left == 0 && done) done();
    };
}

}  // namespace

// --- nexuses -------------------------------------------------------------------------------------

Result<void> Attachment::nexus_arrived(const tgt_ring_desc& desc) {
    auto [place, fresh] = initiators_.try_emplace(desc.nexus);
    if (!fresh) return fail(EPROTO, fmt::format("nexus {} is there already", desc.nexus));
    Initiator& initiator = place->second;
    const auto* name = desc.nexus_info.name;
    initiator.number = desc.nexus;
    initiator.name.assign(name, name + desc.name_length);
    initiator.port = port_name(desc.nexus_info.transport_id, service_.protocol, initiator.name);
    make_nexus(initiator);
    put_done(desc.tag, desc.id);
    return {};
}

void Attachment::make_nexus(Initiator& initiator) {
    if (!service_.target || initiator.leaving) return;
    scsi::TargetShard& shard = service_.target->shard(worker_.index());
    initiator.nexus = std::make_unique<scsi::Nexus>(
        shard, scsi::NexusId{initiator.port, service_.target->relative_port()},
        nexus_number(service_.host, initiator.number));
}

Result<void> Attachment::nexus_left(const tgt_ring_desc& desc, Initiator& initiator) {
    initiator.leaving = Initiator::Leaving{desc.tag, desc.id};
    retire(initiator, {});
    return {};
}

// The last thing that is done with an initiator: it is gone then.
void Attachment::forget_if_left(Initiator& initiator) {
    if (!initiator.leaving || initiator.retiring > 0 || initiator.nexus) return;
    if (!initiator.requests.empty()) return;
    put_done(initiator.leaving->tag, initiator.leaving->id);
    initiators_.erase(initiator.number);
}

// Its nexus leaves the target, and its commands end.
void Attachment::retire(Initiator& initiator, std::function<void()> done) {
    ++initiator.retiring;
    std::vector<Request*> waiting;
    waiting_.for_each([&](Request& request) {
        if (request.initiator == &initiator) waiting.push_back(&request);
    });
    for (Request* request : waiting) {
        request->silent = true;
        over_ ? release(*request) : answer(*request);
    }
    auto ended = [weak = weak_from_this(), number = initiator.number, target = service_.target,
                  done = std::move(done)] {
        if (auto self = weak.lock()) self->retired(number);
        if (done) done();
    };
    if (initiator.nexus)
        scsi::retire(std::move(initiator.nexus), service_.target->abort_bound(), std::move(ended));
    else
        ended();
}

void Attachment::retired(uint32_t nexus) {
    const auto found = initiators_.find(nexus);
    if (found == initiators_.end()) return;
    Initiator& initiator = found->second;
    if (!over_) abandon_aborted(initiator);
    --initiator.retiring;
    if (!over_) forget_if_left(initiator);
}

void Attachment::retire_all(std::function<void()> done) {
    std::vector<Initiator*> all;
    for (auto& [number, initiator] : initiators_)
        if (initiator.nexus) all.push_back(&initiator);
    auto one = joint(all.size(), std::move(done));
    for (Initiator* initiator : all) retire(*initiator, one);
    one();
}

void Attachment::serve(Service service, std::function<void()> done) {
    retire_all(std::move(done));
    service_ = std::move(service);
    for (auto& [number, initiator] : initiators_) make_nexus(initiator);
}

std::vector<mgmt::SessionInfo> Attachment::sessions() const {
    std::vector<mgmt::SessionInfo> infos;
    for (const auto& [number, initiator] : initiators_) {
        if (!initiator.nexus) continue;
        mgmt::SessionInfo info;
        info.tid = service_.tid;
        info.id = initiator.nexus->number();
        info.initiator_name = initiator.name;
        infos.push_back(std::move(info));
    }
    return infos;
}

// --- task management -----------------------------------------------------------------------------

Result<void> Attachment::begin_task(const tgt_ring_desc& desc, Initiator& initiator) {
    TaskAnswer answer{desc.tag, desc.id, desc.nexus, next_serial_++, TGT_RESPONSE_COMPLETE};
    const auto function = function_of(desc.function);
    if (!function || !initiator.nexus) {
        answer.response = function ? TGT_RESPONSE_NO_LUN : TGT_RESPONSE_NOT_SUPPORTED;
        task_done(answer);
        return {};
    }
    scsi::TaskRequest request;
    request.function = *function;
    request.lun = wire::decode_lun(std::span<const uint8_t, 8>(desc.lun));
    request.tag = desc.ref_id;
    request.bound = service_.target->abort_bound();
    if (abort_waiting(initiator, request) && *function == TaskFunction::abort_task) {
        task_done(answer);
        return {};
    }
    scsi::manage_tasks(*initiator.nexus, request,
                       [weak = weak_from_this(), answer](TaskResponse response) {
                           TaskAnswer mine = answer;
                           mine.response = response_of(response);
                           if (auto self = weak.lock()) self->task_done(mine);
                       });
    return {};
}

bool Attachment::abort_waiting(const Initiator& initiator, const scsi::TaskRequest& task) {
    std::vector<Request*> victims;
    waiting_.for_each([&](Request& request) {
        if (is_victim(request, initiator, task)) victims.push_back(&request);
    });
    for (Request* victim : victims) {
        victim->silent = true;
        answer(*victim);
    }
    return !victims.empty();
}

// What it has aborted is answered before it.
void Attachment::task_done(TaskAnswer answer) {
    if (over_) return;
    const auto found = initiators_.find(answer.nexus);
    if (found != initiators_.end()) abandon_aborted(found->second);
    task_answers_.push_back(answer);
    flush_tasks();
}

// Whether the kernel still moves data of a command that came before and has ended here.
bool Attachment::victims_left(const TaskAnswer& answer) const {
    const auto found = initiators_.find(answer.nexus);
    if (found == initiators_.end()) return false;
    auto& requests = const_cast<IntrusiveList<Request, OpenRequests>&>(found->second.requests);
    return requests.find_if([&](const Request& request) {
        return request.fetching && request.ended && request.serial < answer.serial;
    }) != nullptr;
}

void Attachment::flush_tasks() {
    std::erase_if(task_answers_, [this](const TaskAnswer& answer) {
        if (victims_left(answer)) return false;
        put_done(answer.tag, answer.id, answer.response);
        return true;
    });
}

// --- the end -------------------------------------------------------------------------------------

void Attachment::lose(std::string why) {
    if (auto lost = std::exchange(lost_, nullptr)) lost(std::move(why));
}

void Attachment::end(std::function<void()> done) {
    if (ring_->unkicked()) ring_->kick();
    over_ = true;
    lost_ = nullptr;
    patience_.disarm();
    worker_.poller().remove(ring_->descriptor(), *this);
    worker_.remove(static_cast<io::EventSource&>(*this));
    // Those that wait are released with their nexus; the store and the engine have the others.
    for (Request* request : by_tag_)
        if (request && (request->sending || request->ended)) release(*request);
    while (!waiting_.empty()) release(waiting_.front());
    auto all_retired = [weak = weak_from_this(), done = std::move(done)] {
        if (done) done();
        if (auto self = weak.lock()) self->check_idle();
    };
    retire_all(std::move(all_retired));
}

// In a later turn: it may be one of its own functions that runs.
void Attachment::check_idle() {
    if (!over_ || !idle() || turn_end_.waits || !on_idle) return;
    worker_.post([on_idle = std::exchange(on_idle, nullptr)] { on_idle(); });
}

}  // namespace tgt::kring
