// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/abort.h"

#include "scsi/engine.h"
#include "scsi/logical_unit.h"
#include "scsi/nexus.h"

namespace tgt::scsi {

AbortWait::AbortWait(io::Worker& worker, std::function<void(bool)> done)
    : worker_(worker), timer_([this] { bound_passed(); }), done_(std::move(done)) {}

void AbortWait::one_ended() {
    --pending_;
    if (sealed_ && pending_ == 0) finish(true);
}

void AbortWait::seal(io::Duration bound) {
    sealed_ = true;
    if (pending_ == 0)
        finish(true);
    else
        worker_.timers().arm_in(timer_, bound);
}

void AbortWait::bound_passed() {
    late_ = true;
    if (fences_ == 0) finish(false);
}

void AbortWait::fence_is_up() {
    --fences_;
    if (late_ && fences_ == 0) finish(false);
}

void AbortWait::finish(bool all_ended) {
    auto self = shared_from_this();
    timer_.disarm();
    if (auto done = std::exchange(done_, nullptr)) done(all_ended);
}

namespace {

bool is_told(const Command& victim, const std::optional<NexusId>& tell_all_but) {
    return tell_all_but && victim.itl && victim.itl->id != *tell_all_but;
}

}  // namespace

void abort_commands(const std::vector<Command*>& victims, const std::shared_ptr<AbortWait>& wait,
                    const std::optional<NexusId>& tell_all_but) {
    // All are marked first: ending one lets others of the task set run, and no victim may start
    // now.
    for (Command* victim : victims) Engine::mark_aborted(*victim, is_told(*victim, tell_all_but));
    for (Command* victim : victims) Engine::end_aborted(*victim, wait);
}

std::vector<Command*> commands_of(ItlNexus& itl, const Command* except) {
    std::vector<Command*> commands;
    itl.tasks.for_each([&](Command& command) {
        if (&command != except) commands.push_back(&command);
    });
    return commands;
}

}  // namespace tgt::scsi
