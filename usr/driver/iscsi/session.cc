// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/session.h"

#include <fmt/core.h>

#include <algorithm>

#include "driver/iscsi/connection.h"
#include "driver/iscsi/session_registry.h"
#include "scsi/abort.h"
#include "scsi/target.h"
#include "wire/scsi_lun.h"

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

uint64_t most_immediate(const NegotiatedParameters& parameters) {
    const Parameters& values = parameters.values;
    if (!values.flag(ParamId::immediate_data)) return 0;
    return std::min(values.get(ParamId::first_burst_length), parameters.receive_limit);
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
      overdue_([this] { look_for_overdue(); }),
      bytes_each_(sizeof(HeldPdu) + most_immediate(parameters)),
      patience_([this] { lose_patience(); }) {
    context.windows.join();
    const uint32_t wanted = parameters.values.get(ParamId::max_queue_cmd);
    window_.begin(first_cmd_sn, context.windows.window(0, wanted, bytes_each_));
    context.windows.promise(0, window_.size() * bytes_each_);
    if (target_)
        nexus_ = std::make_unique<scsi::Nexus>(target_->shard(context.worker.index()),
                                               nexus_id(identity_, *target_), identity_.tsih);
}

Session::Session(WorkerContext& context, const SessionState& state,
                 std::shared_ptr<scsi::Target> target)
    : Session(context, state.identity, std::move(target), state.parameters,
              state.window.expected()) {
    context_.windows.promise(window_.size() * bytes_each_, state.window.size() * bytes_each_);
    window_ = state.window;
    if (nexus_ && state.nexus) nexus_->restore(*state.nexus);
}

Session::~Session() {
    forget_held(held_bytes_);
    context_.memory.leave(memory_);
    context_.windows.leave(window_.size() * bytes_each_);
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
    if (held_.empty()) sated();
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
    auto known = std::find_if(held_.begin(), held_.end(),
                              [&](const HeldPdu& held) { return held.cmd_sn == pdu.cmd_sn; });
    if (known != held_.end()) {
        known->aborted = known->aborted || pdu.aborted;
        return true;  // a duplicate: ignored (3.2.2.1)
    }
    // Windows allow for what waits because of memory; if they were larger once, it ends in its
    // turn.
    const bool too_much = context_.held_bytes + bytes > context_.windows.most();
    if (starving_ && too_much && pdu.bhs.opcode() == wire::Opcode::scsi_command) {
        std::vector<uint8_t>().swap(pdu.data);
        pdu.whole = false;
        bytes = pdu.bytes();
    } else if (too_much || (!starving_ && held_bytes_ + bytes > max_held_bytes)) {
        return false;
    }
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
    if (!refusing_ && !next->aborted && !fits(next->bhs, next->ahs)) {
        starve();
        return false;
    }
    pdu = std::move(*next);
    forget_held(pdu.bytes());
    held_.erase(next);
    return true;
}

void Session::abort_held(std::optional<uint64_t> lun, uint32_t before) {
    for (HeldPdu& held : held_) {
        const auto pdu = wire::from_bytes<wire::ScsiCommandPdu>(wire::bytes_of(held.bhs).data());
        const bool command = held.bhs.opcode() == wire::Opcode::scsi_command;
        if (!command || !sn_before(held.cmd_sn, before)) continue;
        if (!lun || wire::decode_lun(std::span<const uint8_t, 8>(pdu.lun)) == lun)
            held.aborted = true;
    }
    context_.starving.look_again();
}

// --- commands that wait for memory ---------------------------------------------------------------

bool Session::fits(const wire::Bhs& bhs, std::span<const uint8_t> ahs) const {
    if (bhs.opcode() != wire::Opcode::scsi_command || !nexus_) return true;
    const auto pdu = wire::from_bytes<wire::ScsiCommandPdu>(wire::bytes_of(bhs).data());
    const uint64_t bytes = memory_wanted(pdu, ahs);
    const io::BufferPool& pool = context_.worker.buffers();
    if (bytes > pool.limit()) return true;  // it never will
    return MemoryAccounts::admits(memory_, bytes, pool) &&
           bytes <= pool.limit() - std::min(pool.limit(), pool.bytes_in_use());
}

void Session::starve() {
    context_.memory.wanted = true;
    if (starving_) return;
    starving_ = true;
    context_.starving.add(*this);
    context_.worker.timers().arm_in(patience_, patience);
}

void Session::sated() {
    starving_ = refusing_ = false;
    patience_.disarm();
    ListHook<Hunger>::unlink();
}

bool Session::next_is_held() const {
    return std::any_of(held_.begin(), held_.end(),
                       [&](const HeldPdu& held) { return held.cmd_sn == window_.expected(); });
}

bool Session::feed() {
    HeldPdu held;
    if (!take_held(held)) return false;
    held.connection->deliver(held);
    if (next_is_held())
        context_.worker.timers().arm_in(patience_, patience);
    else
        sated();
    return true;
}

// What cannot begin now ends with TASK SET FULL or BUSY: memory is with a store that hangs.
void Session::lose_patience() {
    context_.log.warn("session {}: commands have waited {} s for memory: they end", identity_.tsih,
                      std::chrono::duration_cast<std::chrono::seconds>(patience).count());
    refusing_ = true;
    for (HeldPdu held; take_held(held);) held.connection->deliver(held);
    sated();
}

void Session::release_window() {
    WindowBudget& budget = context_.windows;
    const uint32_t wanted = parameters_.values.get(ParamId::max_queue_cmd);
    const uint32_t before = window_.size();
    if (before == wanted && budget.affords(wanted, bytes_each_)) return window_.release(wanted);
    window_.release(budget.window(before, wanted, bytes_each_));
    budget.promise(before * bytes_each_, window_.size() * bytes_each_);
}

void Session::forget_held(size_t bytes) {
    held_bytes_ -= bytes;
    context_.held_bytes -= bytes;
}

}  // namespace tgt::iscsi
