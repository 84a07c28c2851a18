// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>

#include "scsi/command.h"

namespace tgt::scsi {

class AbortWait;
class LunShard;
struct Fence;

// The life of a command: admission, waiting for data and for its turn, execution, end. Stateless;
// the state is in the Command. The entry points for drivers and handlers are the free functions of
// command.h. All on the command's worker.
class Engine {
  public:
    static void submit(Command& command);
    static void data_out_complete(Command& command);
    static Step offload(Command& command, Run job);
    static Step submit_io(Command& command, Command::Then then);
    static void finish(Command& command, const Outcome& outcome);

    // Aborts: no victim starts once it is marked; end_aborted() ends it now, or when the store
    // gives it back. `told`: with a response, TASK ABORTED.
    static void mark_aborted(Command& command, bool told);
    static void end_aborted(Command& command, const std::shared_ptr<AbortWait>& wait);

    // Fences: the command's own is up; one of the shard's was lowered; some were held too long.
    static void fence_is_up(Fence& fence);
    static void release_held(LunShard& shard);
    static void expire_held(LunShard& shard);

  private:
    static bool find_unit(Command& command);
    static std::optional<Outcome> refusal(Command& command);
    static std::optional<Outcome> pending_attention(Command& command);
    static std::optional<Outcome> prepare_transfer(Command& command);
    static std::optional<Outcome> standing_refusal(const Command& command);
    static void run_when_allowed(Command& command);
    static void execute_released(Command& command);
    static void execute(Command& command);
    static void run_job(Task& task);
    static void run_in_turn(Command& command);
    static std::optional<Outcome> run_now(Command& command);
    static bool is_overtaken(const Command& command);
    static void job_ended(Task& task);
    static void op_ended(store::Op& op);
    static bool may_touch_blocks(Command& command);
    static void hold(Command& command);
    static bool cancel(Command& command);
    static void make_orphan(Command& command, const std::shared_ptr<AbortWait>& wait);
    static void enter_store(Command& command);
    static void leave_store(Command& command);
    static void drop_fence(Command& command);
    static void leave(Command& command);
    static void count_submitted(const Command& command);
    static void count_done(const Command& command);
};

}  // namespace tgt::scsi
