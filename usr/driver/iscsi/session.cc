// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/session.h"

#include <fmt/core.h>

#include <algorithm>

#include "driver/iscsi/connection.h"
#include "driver/iscsi/session_registry.h"
#include "scsi/abort.h"
#include "scsi/target.h"

namespace tgt::iscsi {

namespace {

constexpr size_t immediate_tasks = 64;  // beside the window

// SPC-5 7.6.4.6: the iSCSI initiator port name.
scsi::NexusId nexus_id(const SessionIdentity& identity, const scsi::Target& target) {
    const auto& isid = identity.isid;
    return {fmt::format("{},i,0x{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}", identity.initiator_name,
                        isid[0], isid[1], isid[2], isid[3], isid[4], isid[5]),
            target.relative_port()};
}

}  // namespace

Session::Session(WorkerContext& context, SessionIdentity identity,
                 std::shared_ptr<scsi::Target> target, const NegotiatedParameters& parameters,
                 uint32_t first_cmd_sn)
    : context_(context),
      identity_(std::move(identity)),
      target_(std::move(target)),
      parameters_(parameters),
      max_tasks_(parameters.values.get(ParamId::max_queue_cmd) + immediate_tasks),
      memory_(context.memory.join(identity_.tid, identity_.initiator_name)),
      overdue_([this] { look_for_overdue(); }) {
    window_.begin(first_cmd_sn, parameters.values.get(ParamId::max_queue_cmd));
    if (target_)
        nexus_ = std::make_unique<scsi::Nexus>(target_->shard(context.worker.index()),
                                               nexus_id(identity_, *target_), identity_.tsih);
}

Session::Session(WorkerContext& context, const SessionState& state,
                 std::shared_ptr<scsi::Target> target)
    : Session(context, state.identity, std::move(target), state.parameters,
              state.window.expected()) {
    window_ = state.window;
    if (nexus_ && state.nexus) nexus_->restore(*state.nexus);
}

Session::~Session() {
    forget_held(held_bytes_);
    context_.memory.leave(memory_);
}

SessionState Session::snapshot() const {
    SessionState state;
    state.identity = identity_;
    state.parameters = parameters_;
    state.window = window_;
    if (nexus_) state.nexus = nexus_->snapshot();
    for (const Connection* connection : connections_)
        state.connections.push_back(connection->snapshot());
    return state;
}

void Session::leave(Connection& connection) {
    std::erase(connections_, &connection);
    held_.remove_if([&](const HeldPdu& held) {
        if (held.connection != &connection) return false;
        forget_held(held.bytes());
        return true;
    });
    std::vector<scsi::Command*> victims;
    for (auto& bucket : table_)
        bucket.for_each([&](Task& task) {
            if (task.connection != &connection) return;
            task.connection = nullptr;
            stop_waiting(task);
            victims.push_back(&task);
        });
    // Together: the end of one must not let another run.
    scsi::abort_commands(victims, nullptr);
    if (connections_.empty()) end();
}

void Session::drop() {
    for (Connection* connection : std::vector<Connection*>(connections_))
        connection->close("the session is dropped");
}

// The last thing a session does: it is destroyed here.
void Session::end() {
    for (auto& bucket : table_)
        while (Task* task = bucket.pop_front()) task->session = nullptr;
    auto tell = [&registry = context_.registry, tsih = identity_.tsih] {
        registry.session_ended(tsih);
    };
    if (nexus_)
        scsi::retire(std::move(nexus_), target_->abort_bound(), tell);
    else
        tell();
    context_.sessions.erase(identity_.tsih);
}

Task* Session::find_task(uint32_t initiator_task_tag) {
    return table_[initiator_task_tag % buckets].find_if([&](const Task& task) {
        return task.initiator_task_tag == initiator_task_tag && !task.silent;
    });
}

Task& Session::new_task(Connection& connection, uint32_t initiator_task_tag) {
    Task& task = *context_.tasks.take();
    task.slab = &context_.tasks;
    task.session = this;
    task.connection = &connection;
    task.nexus = nexus_.get();
    task.initiator_task_tag = initiator_task_tag;
    task.tag = initiator_task_tag;
    table_[initiator_task_tag % buckets].push_back(task);
    ++task_count_;
    return task;
}

void Session::end_task(Task& task) {
    stop_waiting(task);
    IntrusiveList<Task, TaskTable>::remove(task);
    --task_count_;
    release_task(task);
}

bool Session::reserve(Task& task, uint64_t bytes) {
    if (!MemoryAccounts::admits(memory_, bytes, context_.worker.buffers())) return false;
    task.account = &memory_;
    task.memory = bytes;
    MemoryAccounts::take(memory_, bytes);
    return true;
}

// --- commands that wait for data -----------------------------------------------------------------

io::Duration Session::data_out_bound() const {
    return std::chrono::seconds(parameters_.values.get(ParamId::data_out_timeout));
}

void Session::await_data(Task& task) {
    io::TimerQueue& timers = context_.worker.timers();
    task.waiting_since = timers.now();
    IntrusiveList<Task, DataWait>::remove(task);
    waiting_.push_back(task);
    if (!overdue_.armed() && data_out_bound() > io::Duration(0))
        timers.arm_in(overdue_, data_out_bound());
}

void Session::stop_waiting(Task& task) {
    IntrusiveList<Task, DataWait>::remove(task);
    if (waiting_.empty()) overdue_.disarm();
}

void Session::look_for_overdue() {
    io::TimerQueue& timers = context_.worker.timers();
    while (!waiting_.empty()) {
        Task& longest = waiting_.front();
        const io::TimePoint deadline = longest.waiting_since + data_out_bound();
        if (timers.now() < deadline) return timers.arm(overdue_, deadline);
        stop_waiting(longest);
        longest.connection->data_overdue(longest);
    }
}

// --- early PDUs ----------------------------------------------------------------------------------

bool Session::hold(HeldPdu&& pdu) {
    size_t bytes = pdu.bytes();
    bool known = std::any_of(held_.begin(), held_.end(),
                             [&](const HeldPdu& held) { return held.cmd_sn == pdu.cmd_sn; });
    if (known) return true;  // a duplicate: ignored (3.2.2.1)
    if (held_bytes_ + bytes > max_held_bytes) return false;
    if (context_.held_bytes + bytes > max_held_on_worker) return false;
    held_bytes_ += bytes;
    context_.held_bytes += bytes;
    held_.push_back(std::move(pdu));
    return true;
}

bool Session::take_held(HeldPdu& pdu) {
    auto next = std::find_if(held_.begin(), held_.end(), [&](const HeldPdu& held) {
        return held.cmd_sn == window_.expected();
    });
    if (next == held_.end()) return false;
    pdu = std::move(*next);
    forget_held(pdu.bytes());
    held_.erase(next);
    return true;
}

void Session::forget_held(size_t bytes) {
    held_bytes_ -= bytes;
    context_.held_bytes -= bytes;
}

}  // namespace tgt::iscsi
