// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/engine.h"

#include <algorithm>

#include "scsi/abort.h"
#include "scsi/fence.h"
#include "scsi/logical_unit.h"
#include "scsi/spc_commands.h"
#include "scsi/target.h"

namespace tgt::scsi {

namespace {

bool has(const OpRow& row, OpFlags flag) {
    return (row.flags & flag) != 0;
}

// Where the length field of the range stands, for the field pointer.
uint16_t length_field(const OpRow& row) {
    switch (row.range) {
        case Range::cdb6:
            return 4;
        case Range::cdb10:
            return 7;
        case Range::cdb12:
            return 6;
        case Range::cdb16:
            return 10;
        case Range::cdb16_byte:
            return 13;
        default:
            return row.length_at;
    }
}

bool takes_turns(const Command& command) {
    return command.row->kind == Kind::blocking && command.shard->unit.type().serial;
}

// A command that takes turns finds out on the strand whether the medium is ready: the one in front
// of it may be the one that loads it.
std::optional<Outcome> not_ready(const Command& command) {
    if (has(*command.row, op_not_ready)) return std::nullopt;
    const Sense sense =
        takes_turns(command) ? readiness(command.state()) : medium_readiness(command);
    if (sense.key == SenseKey::no_sense) return std::nullopt;
    return Outcome(sense);
}

// SBC-4 4.5: an LBA or a range beyond the capacity.
std::optional<Outcome> check_range(Command& command) {
    const OpRow& row = *command.row;
    if (row.range == Range::none) return std::nullopt;
    uint64_t capacity = command.state().geometry.blocks;
    Extents& extents = command.extents;
    if (extents.lba >= capacity) return Outcome(sense::lba_out_of_range(extents.lba));
    if (extents.blocks == 0 && has(row, op_zero_is_rest)) extents.blocks = capacity - extents.lba;
    if (extents.blocks > capacity - extents.lba)
        return Outcome(sense::lba_out_of_range(extents.lba));
    return std::nullopt;
}

io::PoolLane& lane_of(const Command& command) {
    LogicalUnit& unit = command.shard->unit;
    if (unit.type().serial) return unit.strand();
    if (has(*command.row, op_io_lane)) return unit.lane();
    return has(*command.row, op_short_job) ? unit.short_job_lane() : unit.job_lane();
}

bool data_belongs_to_initiator(const Outcome& outcome) {
    if (outcome.status == Status::good || outcome.status == Status::condition_met) return true;
    return outcome.with_data;
}

}  // namespace

// An unknown LUN is answered with the help of the target's lowest one (SPC-5 4.5.2: INQUIRY, REPORT
// LUNS and REQUEST SENSE work there); command.itl stays null.
bool Engine::find_unit(Command& command) {
    if (command.lun) command.itl = command.nexus->find(*command.lun);
    if (command.itl) {
        command.shard = &command.itl->shard;
        return true;
    }
    auto& luns = command.nexus->target().luns;
    if (luns.empty()) return false;
    command.shard = luns.begin()->second;
    return true;
}

void Engine::submit(Command& command) {
    if (!find_unit(command)) {
        command.outcome = sense::lun_not_supported();
        command.phase_ = Command::Phase::finished;
        command.finished();
        return;
    }
    ++command.shard->in_flight;
    command.state_ = command.shard->state.get();
    if (auto refused = refusal(command)) {
        finish(command, *refused);
        return;
    }
    if (command.itl) command.itl->tasks.add(command, takes_turns(command));
    command.data_complete_ = command.out.empty();
    if (command.data_complete_) {
        run_when_allowed(command);
    } else {
        command.phase_ = Command::Phase::collecting;
        command.want_data_out();
    }
}

// Everything that can be said against a command before any data moves.
std::optional<Outcome> Engine::refusal(Command& command) {
    bool opcode_known = false;
    const DeviceType& type = command.shard->unit.type();
    command.row = type.passes_through() ? type.choose_row(command)
                                        : type.ops().find(command.cdb.data(), opcode_known);
    bool any_lun = command.row && has(*command.row, op_any_lun);
    if (!command.itl && !any_lun) return Outcome(sense::lun_not_supported());
    if (!command.row && !opcode_known) return Outcome(sense::invalid_opcode());
    if (!command.row) return Outcome(sense::invalid_field_in_cdb(1, 4));
    const OpRow& row = *command.row;
    if (auto attention = pending_attention(command)) return attention;
    if (command.itl && (command.itl->forbidden & class_bit(row.reservation)))
        return Outcome(Status::reservation_conflict);
    if (has(row, op_thin_only) && !command.state().thin) return Outcome(sense::invalid_opcode());
    if (auto bad = check_reserved_bits(row, command.cdb.data())) return Outcome(*bad);
    if (auto refused = not_ready(command)) return refused;
    if (has(row, op_writes) && command.state().write_protected())
        return Outcome(sense::write_protected());
    return prepare_transfer(command);
}

// SAM-5 5.14
std::optional<Outcome> Engine::pending_attention(Command& command) {
    ItlNexus* itl = command.itl;
    if (!itl) return std::nullopt;
    itl->look_at_board();
    command.board_seen_ = itl->board_seen();
    const auto attention = itl->attentions.front();
    if (!attention || has(*command.row, op_with_unit_attention)) return std::nullopt;
    itl->attentions.pop();
    return Outcome(sense::unit_attention(attention->asc, attention->ascq));
}

// LBA range, byte counts, buffers.
std::optional<Outcome> Engine::prepare_transfer(Command& command) {
    const OpRow& row = *command.row;
    command.extents = decode(row, command.cdb.data(), command.state().geometry.block_size);
    if (auto refused = check_range(command)) return refused;
    if (row.amount == Amount::expected)
        command.extents.bytes =
            row.direction == Direction::in ? command.expected_in : command.expected_out;
    uint64_t bytes = command.extents.bytes;
    bool parameter_in = row.amount == Amount::field && row.direction == Direction::in;
    if (bytes == 0 || parameter_in) return std::nullopt;
    if (bytes > io::Buffer::max_bytes && row.amount == Amount::expected)
        return Outcome(sense::make(SenseKey::illegal_request, 0x24, 0x00));
    if (bytes > io::Buffer::max_bytes)
        return Outcome(sense::invalid_field_in_cdb(length_field(row)));
    if (row.direction == Direction::in) {
        command.in_total = bytes;
        uint64_t wanted = std::min(bytes, command.expected_in);
        if (wanted > 0 && (command.in = command.take_buffer(wanted)).empty())
            return Outcome(Status::busy);
    } else {
        command.out_total = bytes;
        uint64_t wanted = std::min(bytes, command.expected_out);
        if (wanted > 0 && (command.out = command.take_buffer(wanted)).empty())
            return Outcome(Status::busy);
    }
    return std::nullopt;
}

// What may have changed while the command waited for data or for its turn.
std::optional<Outcome> Engine::standing_refusal(const Command& command) {
    if (command.itl && (command.itl->forbidden & class_bit(command.row->reservation)))
        return Outcome(Status::reservation_conflict);
    if (auto refused = not_ready(command)) return refused;
    if (has(*command.row, op_writes) && command.state().write_protected())
        return Outcome(sense::write_protected());
    const Extents& extents = command.extents;
    uint64_t capacity = command.state().geometry.blocks;
    if (command.row->range != Range::none &&
        (extents.lba >= capacity || extents.blocks > capacity - extents.lba))
        return Outcome(sense::lba_out_of_range(extents.lba));
    return std::nullopt;
}

void Engine::data_out_complete(Command& command) {
    command.data_complete_ = true;
    run_when_allowed(command);
}

void Engine::run_when_allowed(Command& command) {
    if (command.itl && !command.itl->tasks.may_run(command)) {
        command.itl->tasks.note_waiting(command);
        return;
    }
    execute(command);
}

// What would end at once does so in a turn of its own: the one that has let it go is answered
// first, and a long row of them does not keep the worker.
void Engine::execute_released(Command& command) {
    if (!command.row->run_now || !takes_turns(command)) return execute(command);
    command.phase_ = Command::Phase::running;  // the job is with the worker: nobody may end it
    command.job_.command = &command;
    command.job_.run = [](Task& task) {
        Command& released = *static_cast<Command::Job&>(task).command;
        if (released.aborted())
            finish(released, Status::task_aborted);
        else
            execute(released);
    };
    command.shard->worker.post(command.job_);
}

void Engine::execute(Command& command) {
    bool waited = command.phase_ != Command::Phase::idle;
    command.phase_ = Command::Phase::running;
    command.state_ = command.shard->state.get();
    if (waited) {
        if (auto refused = standing_refusal(command)) {
            finish(command, *refused);
            return;
        }
    }
    if (!may_touch_blocks(command)) return hold(command);
    count_submitted(command);
    switch (command.row->kind) {
        case Kind::inline_:
            finish(command, command.row->run(command));
            break;
        case Kind::blocking:
            if (const auto outcome = run_now(command))
                finish(command, *outcome);
            else
                offload(command, command.row->run);
            break;
        case Kind::io:
        case Kind::control:
            if (command.row->start(command) == Step::done) {
                Outcome outcome = command.outcome;
                finish(command, outcome);
            }
            break;
    }
}

// False: a fence stands there. A command that needs its blocks for itself asks for a fence of its
// own.
bool Engine::may_touch_blocks(Command& command) {
    const OpRow& row = *command.row;
    if (row.kind != Kind::io && row.kind != Kind::blocking) return true;
    LunShard& shard = *command.shard;
    command.reach_ = row.reach ? row.reach(command) : BlockRange();
    if (command.reach_.empty()) return true;
    if (!has(row, op_exclusive)) return !shard.fences.stands_in_the_way(command.reach_);
    if (command.fence_) return command.fence_->up;
    command.fence_ = std::make_shared<Fence>(command.reach_, false, shard, command);
    shard.unit.fences().raise(command.fence_);
    return false;
}

void Engine::enter_store(Command& command) {
    auto& hook = static_cast<ListHook<StoreHook>&>(command);
    if (!hook.linked()) command.shard->at_store.push_back(command);
}

// Nobody waits for ever: what holds the fence may be stuck in the store.
void Engine::hold(Command& command) {
    LunShard& shard = *command.shard;
    io::TimerQueue& timers = shard.worker.timers();
    if (command.held_until_ == io::TimePoint())
        command.held_until_ = timers.now() + command.nexus->target().target.abort_bound();
    command.phase_ = Command::Phase::held;
    shard.held.push_back(command);
    if (!shard.held_timer.armed()) timers.arm(shard.held_timer, command.held_until_);
}

void Engine::release_held(LunShard& shard) {
    // Those that are held again go to the end of the list, behind `count`.
    for (size_t count = shard.held.size(); count > 0 && !shard.held.empty(); --count)
        execute(*shard.held.pop_front());
}

// 02h/04h/01h: initiators come again later.
void Engine::expire_held(LunShard& shard) {
    const io::TimePoint now = shard.worker.timers().now();
    auto late = [&](const Command& command) { return command.held_until_ <= now; };
    while (Command* command = shard.held.find_if(late)) finish(*command, sense::not_ready(0x01));
    io::TimePoint next = io::TimePoint::max();
    shard.held.for_each([&](Command& command) { next = std::min(next, command.held_until_); });
    if (!shard.held.empty()) shard.worker.timers().arm(shard.held_timer, next);
}

void Engine::fence_is_up(Fence& fence) {
    fence.up = true;
    for (auto& wait : std::exchange(fence.waits, {})) wait->fence_is_up();
    if (fence.orphan || !fence.command) return;
    Command& command = *fence.command;
    static_cast<ListHook<StoreHook>&>(command).unlink();
    execute(command);
}

Step Engine::offload(Command& command, Run job) {
    command.held_state_ = command.shard->state;
    command.state_ = command.held_state_.get();
    command.offloaded_ = job;
    command.job_.command = &command;
    command.job_.run = &Engine::run_job;
    enter_store(command);
    lane_of(command).submit(command.job_);
    return Step::pending;
}

void Engine::run_job(Task& task) {
    Command& command = *static_cast<Command::Job&>(task).command;
    if (takes_turns(command))
        run_in_turn(command);
    else
        command.job_outcome_ = command.offloaded_(command);
    command.job_.run = &Engine::job_ended;
    command.shard->worker.post(command.job_);
}

// What was in front of it on the strand may have loaded another medium: the command was not meant
// for that. Only the worker can say whether the attention has been told.
bool Engine::is_overtaken(const Command& command) {
    return command.itl &&
           command.shard->unit.attention_board().has_news(command.board_seen_, command.itl->id);
}

void Engine::run_in_turn(Command& command) {
    command.overtaken_ = is_overtaken(command);
    if (command.overtaken_) return;
    const auto instead = command.shard->unit.model()->begin(command);
    command.job_outcome_ = instead ? *instead : command.offloaded_(command);
}

// To the strand and back costs more than a short command does.
std::optional<Outcome> Engine::run_now(Command& command) {
    if (!command.row->run_now || !takes_turns(command)) return std::nullopt;
    LogicalUnit& unit = command.shard->unit;
    const io::PoolLane::Turn turn(unit.strand());
    if (!turn) return std::nullopt;
    if (is_overtaken(command))
        if (auto attention = pending_attention(command)) return attention;
    if (auto instead = unit.model()->begin(command)) return instead;
    return command.row->run_now(command);
}

void Engine::job_ended(Task& task) {
    Command& command = *static_cast<Command::Job&>(task).command;
    const Run job = std::exchange(command.offloaded_, nullptr);
    if (std::exchange(command.overtaken_, false) && !command.aborted()) {
        if (auto attention = pending_attention(command)) return finish(command, *attention);
        offload(command, job);
        return;
    }
    Outcome outcome = command.job_outcome_;
    if (!command.staged_.empty()) {
        std::vector<uint8_t> staged = std::move(command.staged_);
        Outcome copied = command.reply(staged, command.in_total);
        if (!copied.good()) outcome = copied;
    }
    finish(command, outcome);
}

Step Engine::submit_io(Command& command, Command::Then then) {
    store::StoreQueue* queue = command.shard->queue.get();
    if (!queue) {
        command.outcome = sense::medium_not_present();
        return Step::done;
    }
    command.then_ = then;
    command.op.command = &command;
    command.op.error = 0;
    command.op.complete = &Engine::op_ended;
    enter_store(command);
    command.shard->unit.note_begins(command.op);
    if (!queue->submit(command.op)) return Step::pending;
    command.then_ = nullptr;
    command.shard->unit.note_ended(command.op);
    command.outcome = then(command);
    // A continuation may have started another operation.
    return command.then_ || command.offloaded_ ? Step::pending : Step::done;
}

void Engine::op_ended(store::Op& op) {
    Command& command = *static_cast<Command::OwnedOp&>(op).command;
    auto then = std::exchange(command.then_, nullptr);
    command.shard->unit.note_ended(op);
    command.state_ = command.shard->state.get();
    Outcome outcome = then(command);
    // A continuation may have started another operation.
    if (command.then_ || command.offloaded_) return;
    finish(command, outcome);
}

void Engine::finish(Command& command, const Outcome& outcome) {
    command.outcome = command.aborted() ? Outcome(Status::task_aborted) : outcome;
    if (command.aborted()) command.forget_device_answer();
    command.phase_ = Command::Phase::finished;
    command.state_ = command.shard->state.get();
    if (!command.data_complete_) command.out_total = 0;  // nothing was taken: all is residual
    if (command.outcome.sense) command.descriptor_sense = command.state().sense_descriptor_format();
    if (!command.device_answer && !data_belongs_to_initiator(command.outcome)) {
        command.in.release();
        command.in_total = 0;
    }
    if (command.in.size() > command.in_total) command.in.shrink(command.in_total);
    count_done(command);
    leave_store(command);
    leave(command);
    for (auto& wait : std::exchange(command.abort_waits_, {})) wait->one_ended();
    command.finished();
}

// Takes the command out of the task set and lets the next ones run.
void Engine::leave(Command& command) {
    command.held_state_.reset();
    command.state_ = nullptr;
    LunShard& shard = *command.shard;
    if (ItlNexus* itl = command.itl) {
        if (command.ListHook<>::linked()) itl->tasks.remove(command);
        itl->tasks.release_waiting(&Engine::execute_released);
    }
    command.itl = nullptr;
    --shard.in_flight;
    shard.drop_idle_detached();
}

void Engine::leave_store(Command& command) {
    LunShard& shard = *command.shard;
    auto& hook = static_cast<ListHook<StoreHook>&>(command);
    const bool was_there = hook.linked();
    hook.unlink();
    if (command.fence_) drop_fence(command);
    if (command.orphaned_) shard.unit.orphan_ended();
    if (was_there) shard.left_store();
}

void Engine::drop_fence(Command& command) {
    FencePtr fence = std::exchange(command.fence_, nullptr);
    fence->command = nullptr;
    for (auto& wait : std::exchange(fence->waits, {})) wait->fence_is_up();
    command.shard->unit.fences().lower(std::move(fence));
}

void Engine::mark_aborted(Command& command, bool told) {
    command.silent = !told;
    command.aborted_.store(true, std::memory_order_relaxed);
}

// True: what the store or the pool had of it had not begun and never will.
bool Engine::cancel(Command& command) {
    if (command.then_ && command.shard->queue->cancel(command.op)) {
        command.then_ = nullptr;
        return true;
    }
    if (command.offloaded_ && lane_of(command).take_back(command.job_)) {
        command.offloaded_ = nullptr;
        return true;
    }
    return false;
}

// What the store still writes may land at any time: until it has ended, nobody else gets at these
// blocks.
void Engine::make_orphan(Command& command, const std::shared_ptr<AbortWait>& wait) {
    if (!has(*command.row, op_writes) || command.reach_.empty()) return;
    LunShard& shard = *command.shard;
    if (!std::exchange(command.orphaned_, true)) shard.unit.orphan_begins();
    if (!command.fence_) {
        command.fence_ = std::make_shared<Fence>(command.reach_, true, shard, command);
        shard.unit.fences().raise(command.fence_);
    }
    if (!wait || command.fence_->up) return;
    wait->expect_fence();
    command.fence_->waits.push_back(wait);
}

void Engine::end_aborted(Command& command, const std::shared_ptr<AbortWait>& wait) {
    if (command.phase_ != Command::Phase::running || cancel(command)) {
        finish(command, Status::task_aborted);
        return;
    }
    make_orphan(command, wait);
    if (!wait) return;
    command.abort_waits_.push_back(wait);
    wait->expect();
}

void Engine::count_submitted(const Command& command) {
    if (!command.itl) return;
    Counters& counters = command.itl->counters;
    if (command.row->direction == Direction::in) {
        ++counters.read_submitted;
        counters.read_submitted_bytes += command.in.size();
    } else if (command.row->direction != Direction::none) {
        ++counters.write_submitted;
        counters.write_submitted_bytes += command.out.size();
    }
}

void Engine::count_done(const Command& command) {
    if (!command.itl) return;
    Counters& counters = command.itl->counters;
    if (command.outcome.status != Status::good) ++counters.errors;
    if (!command.row) return;
    if (command.row->direction == Direction::in) {
        ++counters.read_done;
        counters.read_done_bytes += command.in.size();
    } else if (command.row->direction != Direction::none) {
        ++counters.write_done;
        counters.write_done_bytes += command.out.size();
    }
}

void submit(Command& command) {
    Engine::submit(command);
}
void data_out_complete(Command& command) {
    Engine::data_out_complete(command);
}
void abandon(Command& command) {
    Engine::mark_aborted(command, false);
    Engine::end_aborted(command, nullptr);
}
Step offload(Command& command, Run job) {
    return Engine::offload(command, job);
}
void complete(Command& command, const Outcome& outcome) {
    Engine::finish(command, outcome);
}

}  // namespace tgt::scsi
