// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/blocking_pool.h"
#include "io/runtime.h"
#include "scsi/attention_board.h"
#include "scsi/device_model.h"
#include "scsi/device_type.h"
#include "scsi/fence.h"
#include "scsi/lun_state.h"
#include "scsi/nexus.h"
#include "store/store.h"

namespace tgt::scsi {

class LogicalUnit;

// A LogicalUnit on one worker: the cached state, the submission channel to the store, and the
// nexuses of this worker. Owned by its LogicalUnit; touched by its worker only, so it has no lock.
class LunShard {
  public:
    LunShard(LogicalUnit& unit, io::Worker& worker);

    LogicalUnit& unit;
    io::Worker& worker;
    LunStatePtr state;
    std::shared_ptr<store::Store> store;       // null without a medium
    std::unique_ptr<store::StoreQueue> queue;  // the same
    IntrusiveList<ItlNexus> nexuses;
    // Commands with the store or the blocking pool, aborted ones included.
    IntrusiveList<Command, StoreHook> at_store;
    // Commands that a fence keeps from the store.
    IntrusiveList<Command, StoreHook> held;
    io::Timer held_timer;
    ShardFences fences;
    void left_store();                    // a command has left `at_store`
    std::function<void()> on_store_idle;  // called once when `at_store` has become empty, if set

    size_t in_flight = 0;  // commands that hold this shard, aborted ones included
    // Nexuses whose LUN was taken away while commands were running: kept until these have ended.
    std::vector<std::unique_ptr<ItlNexus>> detached;
    void drop_idle_detached();
    std::function<void()> on_drained;  // called when `detached` has become empty, if set

    // Swaps the state and recomputes what the nexuses cache from it.
    void adopt(LunStatePtr next);
};

// The change that a control command or an administrator makes (architecture: LUN-wide changes).
struct LunChange {
    std::shared_ptr<LunState> next;  // null: the state stays
    Outcome outcome;                 // of the command that asked
    struct Attention {
        UnitAttention attention;
        std::optional<NexusId> only;    // this nexus only; else every nexus...
        std::optional<NexusId> except;  // ...but this one
    };
    std::vector<Attention> attentions;
    // Before `done` their commands are aborted. If writes of them are still with the store at the
    // bound, the unit is made not ready, and the outcome is 02h/04h/01h.
    std::vector<NexusId> abort_commands_of;
    std::optional<NexusId> requester;  // who asked for that
    io::Duration abort_bound = std::chrono::seconds(5);
};

// Keeps persistent reservations over a restart (APTPL). Made by management, told by
// LogicalUnit::set_keeper(). Control thread.
class ReservationKeeper {
  public:
    virtual ~ReservationKeeper() = default;
    // `reservations` becomes what a unit on the same medium starts from after a restart; without
    // `aptpl` nothing is left to start from. `done(true)` when that is durable, `done(false)` when
    // it is not and what was kept before still is; on the control thread, perhaps before the call
    // returns.
    virtual void keep(const Reservations& reservations, std::function<void(bool)> done) = 0;
};

// Who looks after the store of a unit (management). Control thread.
class StoreObserver {
  public:
    // An operation failed with this errno value: the medium may be broken or gone. Called once,
    // then not before LogicalUnit::report_failures_again().
    virtual void store_failed(const std::shared_ptr<LogicalUnit>& unit, int error) = 0;
    // A flush failed; LunState::flush_failed is set now.
    virtual void flush_failed(const std::shared_ptr<LogicalUnit>& unit, int error) = 0;

  protected:
    ~StoreObserver() = default;
};

// A logical unit (SAM-5): device type, medium, and the current LunState. Independent of targets:
// several (target, LUN) pairs may lead to it. Shared: when the last reference goes, on whatever
// thread, the queues are closed on their workers and the store is closed on the blocking pool.
class LogicalUnit : public std::enable_shared_from_this<LogicalUnit> {
  public:
    // Control thread. `store` may be null: no medium. Throws nothing but bad_alloc.
    static std::shared_ptr<LogicalUnit> make(io::Runtime& runtime, const DeviceType& type,
                                             std::unique_ptr<store::Store> store,
                                             std::string store_name, std::string path,
                                             std::string flags, LunState state,
                                             unsigned io_threads);
    LogicalUnit(io::Runtime& runtime, const DeviceType& type, std::unique_ptr<store::Store> store,
                std::string store_name, std::string path, std::string flags, LunState state,
                unsigned io_threads);
    LogicalUnit(const LogicalUnit&) = delete;
    ~LogicalUnit();

    // Constant: any thread.
    io::Runtime& runtime() const { return runtime_; }
    const DeviceType& type() const { return type_; }
    const std::string& store_name() const { return store_name_; }
    const std::string& path() const { return path_; }
    const std::string& flags() const { return flags_; }
    io::PoolLane& lane() { return lane_; }                      // ordinary I/O (`tgtd -t`)
    io::PoolLane& job_lane() { return job_lane_; }              // blocking commands
    io::PoolLane& short_job_lane() { return short_job_lane_; }  // those with op_short_job
    // Of a serial device: one task at a time. Any thread.
    io::PoolLane& strand() { return job_lane_; }
    void on_strand(std::function<void()> call);
    // Null when the type has none. Who may use it: see there.
    DeviceModel* model() const { return model_.get(); }
    // What the model has published last. Any thread.
    std::shared_ptr<const MediumStatus> medium_status() const {
        return std::atomic_load_explicit(&medium_status_, std::memory_order_acquire);
    }
    void publish_medium(MediumStatus status) {
        std::atomic_store_explicit(&medium_status_,
                                   std::make_shared<const MediumStatus>(std::move(status)),
                                   std::memory_order_release);
    }
    // Unit attentions of the device itself, in force when post() returns. Any thread.
    AttentionBoard& attention_board() { return attention_board_; }
    LunShard& shard(unsigned worker) { return *shards_[worker]; }
    FenceTable& fences() { return fences_; }
    // Nexuses that hold PREVENT. Any thread.
    unsigned preventers() const { return preventers_.load(std::memory_order_relaxed); }

    // The control thread's view. The store is null without a medium.
    const LunStatePtr& state() const { return state_; }
    // The same on any thread.
    LunStatePtr current_state() const {
        return std::atomic_load_explicit(&state_, std::memory_order_acquire);
    }
    const std::shared_ptr<store::Store>& store() const { return store_; }

    // The relative target port identifiers through which initiators reach the unit, in order. A
    // target calls the other two as its LUNs come and go. Control thread.
    std::vector<uint16_t> ports() const;
    void add_port(uint16_t relative_port);
    void remove_port(uint16_t relative_port);

    // Control thread, before the unit is in any target. Without a keeper APTPL=1 is refused.
    void set_keeper(std::shared_ptr<ReservationKeeper> keeper) { keeper_ = std::move(keeper); }
    // The observer outlives the unit's last command. Control thread.
    void set_observer(StoreObserver* observer) { observer_ = observer; }
    void report_failures_again() { failure_reported_.store(false, std::memory_order_relaxed); }
    // Any thread: tells the observer, and keeps a flush failure in the state.
    void store_failed(store::OpKind kind, bool dsync, int error);
    void note_begins(const store::Op& op) {
        if (op.kind == store::OpKind::flush) unflushed_.store(false, std::memory_order_relaxed);
    }
    void note_ended(const store::Op& op);
    // Something was changed that no flush has covered that began later. Any thread.
    bool unflushed() const { return unflushed_.load(std::memory_order_relaxed); }

    // Aborted writes that the store still has; their ranges are fenced. Any thread.
    unsigned orphans() const { return orphans_.load(std::memory_order_relaxed); }
    void orphan_begins() { orphans_.fetch_add(1, std::memory_order_relaxed); }
    void orphan_ended();

    // The same medium, opened again. To be called while LunState::backing is `gone`: nothing new
    // reaches the store then. Each worker changes over when its last operation has ended, however
    // long that takes; `done` on the control thread when all have. The old store is closed on the
    // pool. Control thread; one at a time.
    void replace_store(std::unique_ptr<store::Store> store, std::function<void()> done);

    // Any thread. `build` runs on the control thread with the current state; then every worker
    // adopts the next one; then `done` runs on `reply_to` with the outcome: the change is in force
    // everywhere.
    using Build = std::function<LunChange(const LunState& now)>;
    void change(Build build, io::Worker& reply_to, std::function<void(Outcome)> done);

    // LOGICAL UNIT RESET (SAM-5 6.3.3): every command of every nexus is aborted, RESERVE(6) and
    // PREVENT end, mode pages go back to their defaults, every nexus gets `attention`. Any thread;
    // `done` on the control thread when all commands have ended (true), or the bound has passed. A
    // pass-through device is reset itself as well; `done(true)` when that was done.
    void reset(UnitAttention attention, const NexusId& requester, io::Duration bound,
               std::function<void(bool)> done);

  private:
    friend class ItlNexus;
    struct Request {  // of change()
        Build build;
        io::Worker* reply_to;
        std::function<void(Outcome)> done;
    };
    void begin_change(Request request);
    void keep_then_publish(Request request, LunChange change);
    void next_change();
    void publish(const Request& request, LunChange change);
    void abort_then_answer(const Request& request, std::shared_ptr<const LunChange> change);
    void drain_before_ready(std::function<void(bool)> done);
    void note_flush_failure(int error);
    void swap_store(LunShard& shard, std::shared_ptr<store::Store> store,
                    std::function<void()> done);

    io::Runtime& runtime_;
    const DeviceType& type_;
    std::shared_ptr<store::Store> store_;
    const std::string store_name_, path_, flags_;
    io::PoolLane lane_;
    io::PoolLane job_lane_;
    io::PoolLane short_job_lane_;
    LunStatePtr state_;  // changed by the atomic functions
    AttentionBoard attention_board_;
    std::shared_ptr<const MediumStatus> medium_status_;  // by the atomic functions only
    std::unique_ptr<DeviceModel> model_;
    FenceTable fences_;
    // A change waits until reservations are kept; those behind it wait for it.
    bool keeping_ = false;
    std::deque<Request> waiting_changes_;
    std::vector<std::unique_ptr<LunShard>> shards_;
    std::map<uint16_t, unsigned> ports_;  // how many LUNs lead here through each
    std::shared_ptr<ReservationKeeper> keeper_;
    StoreObserver* observer_ = nullptr;
    std::atomic<bool> failure_reported_{false};
    std::atomic<bool> unflushed_{false};
    std::atomic<unsigned> orphans_{0};
    std::atomic<unsigned> preventers_{0};
};

// For control commands: LogicalUnit::change() for the command's LUN; ends the command with the
// outcome.
Step change_state(Command& command, LogicalUnit::Build build);

}  // namespace tgt::scsi
