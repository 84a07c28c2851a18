// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/task_set.h"

namespace tgt::scsi {

namespace {

bool is_barrier(const Command& command) {
    return command.attribute != TaskAttribute::simple;
}
// ACA is not supported (NORMACA=0): such a command is handled as ORDERED.
bool is_ordered(const Command& command) {
    return is_barrier(command) && command.attribute != TaskAttribute::head_of_queue;
}

}  // namespace

void TaskSet::add(Command& command, bool takes_turns) {
    if (command.attribute == TaskAttribute::head_of_queue)
        commands_.push_front(command);
    else
        commands_.push_back(command);
    ++size_;
    if (is_barrier(command)) ++barriers_;
    command.takes_turns_ = takes_turns;
    if (takes_turns) ++in_turn_;
}

void TaskSet::remove(Command& command) {
    IntrusiveList<Command>::remove(command);
    --size_;
    if (is_barrier(command)) --barriers_;
    if (command.takes_turns_) --in_turn_;
    if (command.waits_) {
        command.waits_ = false;
        --waiting_;
    }
}

bool TaskSet::may_run(const Command& command) const {
    if (command.attribute == TaskAttribute::head_of_queue) return true;
    if (barriers_ == 0 && in_turn_ == 0) return true;
    const bool ordered = is_ordered(command), turns = command.takes_turns_;
    // HEAD OF QUEUE commands stand in front, so "older" is "before it in the list".
    const Command* in_the_way =
        const_cast<IntrusiveList<Command>&>(commands_).find_if([&](const Command& other) {
            return &other == &command || ordered || is_barrier(other) ||
                   (turns && other.takes_turns_);
        });
    return in_the_way == &command;
}

void TaskSet::note_waiting(Command& command) {
    command.phase_ = Command::Phase::waiting;
    if (!command.waits_) ++waiting_;
    command.waits_ = true;
}

Command* TaskSet::next_runnable() {
    Command* next =
        commands_.find_if([&](const Command& c) { return c.waits_ && !c.aborted() && may_run(c); });
    if (!next) return nullptr;
    next->waits_ = false;
    --waiting_;
    return next;
}

Command* TaskSet::find(uint64_t tag) {
    // The tag of an aborted command that the store still has may be in use again.
    Command* live = commands_.find_if(
        [&](const Command& command) { return command.tag == tag && !command.aborted(); });
    if (live) return live;
    return commands_.find_if([&](const Command& command) { return command.tag == tag; });
}

}  // namespace tgt::scsi
