// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/intrusive_list.h"
#include "base/mailbox.h"
#include "io/buffer.h"
#include "io/clock.h"
#include "scsi/block_range.h"
#include "scsi/lun_state.h"
#include "scsi/op_table.h"
#include "scsi/outcome.h"
#include "store/store.h"

namespace tgt::scsi {

class Nexus;
class ItlNexus;
class LunShard;
class AbortWait;
struct Fence;

// Tag of the second list a command can be in: with the store, or held by a fence.
struct StoreHook;

enum class TaskAttribute : uint8_t { simple, ordered, head_of_queue, aca };

// One SCSI command (SAM-5 Command): CDB, buffers, outcome, and the operation on the store. A driver
// derives its own class from it (R2T state and the like) and recycles the objects in a slab per
// worker. Life: from the first header byte to the later of the last response byte and the last
// store completion. Thread: the session's worker; while a blocking command runs, its pool thread
// (marked below).
class Command : public ListHook<>, public ListHook<StoreHook> {
  public:
    virtual ~Command() = default;

    // ---- set by the driver before submit() ----
    Nexus* nexus = nullptr;
    std::optional<uint64_t> lun;  // empty: the LUN field was in a form we do not address
    uint64_t tag = 0;
    TaskAttribute attribute = TaskAttribute::simple;
    std::array<uint8_t, 260> cdb{};  // zero filled behind cdb_length
    uint16_t cdb_length = 0;
    uint64_t expected_in = 0;   // bytes the initiator is ready to take
    uint64_t expected_out = 0;  // bytes the initiator is ready to send

    // ---- buffers ----
    io::BufferSource* memory = nullptr;  // null: the worker's buffers. Set by the driver
    io::Buffer in;                       // data for the initiator: min(in_total, expected_in) bytes
    uint64_t in_total =
        0;  // what the command transfers by the SCSI standards; the residual is against this
    io::Buffer out;  // data from the initiator: min(out_total, expected_out) bytes
    uint64_t out_total = 0;

    // ---- decoded, from submit() on ----
    const OpRow* row = nullptr;
    ItlNexus* itl = nullptr;
    LunShard* shard = nullptr;
    Extents extents;
    // What the handler may read; kept alive for it.
    const LunState& state() const { return *state_; }
    store::Store& store() const;

    // ---- the outcome ----
    Outcome outcome;
    bool silent = false;            // aborted by a task management function: no response is sent
    bool descriptor_sense = false;  // the format for outcome.sense (D_SENSE)
    // A device behind us has answered: status and data are its own, whatever they are, and so is
    // this sense data, instead of outcome.sense.
    bool device_answer = false;
    std::vector<uint8_t> device_sense;
    void forget_device_answer() {
        device_answer = false;
        device_sense.clear();
    }
    // What goes with the status; the length, 0 without. `out` has max_device_sense_bytes or more.
    size_t sense_data(std::span<uint8_t> out) const;

    // Small answers: copies `data`, cut to the allocation length, to `in`. GOOD, or BUSY without
    // memory.
    Outcome reply(std::span<const uint8_t> data, uint64_t allocation_length);
    // For `in` and `out`. Empty: there is no memory.
    io::Buffer take_buffer(uint64_t bytes);
    // The parameter list in one piece (min(out_total, expected_out) bytes); copied when `out` has
    // several.
    std::vector<uint8_t> parameter_list() const;

    // Set by an abort; long blocking work looks at it now and then. Any thread.
    bool aborted() const { return aborted_.load(std::memory_order_relaxed); }

    // ---- the driver's part, called on the session's worker ----
    // Every check is passed: collect out.size() bytes into `out`, then call
    // data_out_complete(*this).
    virtual void want_data_out() = 0;
    // The outcome is final: send `in` and the status (nothing if `silent`), then give the object
    // back to its slab. It is no longer in any list of this layer.
    virtual void finished() = 0;
    // The slab's hook; overriders call it.
    virtual void recycle();

    // For io handlers: start `op` (filled in but for `complete`); when it is complete `then` runs
    // on the worker and sets the outcome. Returns what the handler returns.
    using Then = Outcome (*)(Command&);
    Step submit_io(Then then);
    struct OwnedOp : store::Op {
        Command* command = nullptr;
    } op;
    std::array<iovec, io::Buffer::max_segments> iov;

    // held: a fence stands in its way, or its own is not up yet.
    enum class Phase : uint8_t { idle, collecting, waiting, held, running, finished };
    Phase phase() const { return phase_; }
    // The blocks it reads or changes, from its turn on; empty: none.
    const BlockRange& reach() const { return reach_; }

  private:
    friend class Engine;
    friend class TaskSet;

    struct Job : Task {
        Command* command = nullptr;
    };

    const LunState* state_ = nullptr;
    LunStatePtr held_state_;  // while code outside the worker may read state()
    Phase phase_ = Phase::idle;
    bool data_complete_ = false;
    bool takes_turns_ = false;  // known to its TaskSet
    bool waits_ = false;        // counted by its TaskSet as waiting for its turn
    std::atomic<bool> aborted_{false};
    bool orphaned_ = false;    // aborted while the store changes blocks for it
    Then then_ = nullptr;      // an operation is with the store
    Run offloaded_ = nullptr;  // a job is with the blocking pool
    BlockRange reach_;
    std::shared_ptr<Fence> fence_;  // its own
    io::TimePoint held_until_;      // phase held
    Job job_;
    uint64_t board_seen_ = 0;  // of the unit's attention board, when it was last asked
    bool overtaken_ = false;   // a unit attention came before the job could begin
    Outcome job_outcome_;
    std::vector<uint8_t> staged_;  // a reply made by a job; copied to `in` on the worker
    std::vector<std::shared_ptr<AbortWait>> abort_waits_;  // who aborted it and waits for its end
};

// Entry points of the command engine (usr/scsi/engine.cc); all on the session's worker.
// A new command: checks it, then want_data_out(), or runs it, or finished() with the reason. May
// call finished() before it returns.
void submit(Command& command);
// The driver has filled `out`.
void data_out_complete(Command& command);
// The driver gives up a command (transport error, session end): as an abort without response.
void abandon(Command& command);

// Handlers of control commands: `change` runs on the control thread, the outcome comes back (see
// logical_unit.h). Handlers of io commands: run the rest on the blocking pool.
Step offload(Command& command, Run job);
// Ends a command whose handler returned Step::pending. On its worker.
void complete(Command& command, const Outcome& outcome);

}  // namespace tgt::scsi
