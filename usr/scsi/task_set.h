// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/intrusive_list.h"
#include "scsi/command.h"

namespace tgt::scsi {

// The task set of one I_T_L nexus (control mode page TST=001b; SAM-5 clause 8): commands in order
// of arrival and the rules of SIMPLE, ORDERED and HEAD OF QUEUE among them. Its worker's thread
// only.
class TaskSet {
  public:
    bool empty() const { return commands_.empty(); }
    size_t size() const { return size_; }
    // `takes_turns`: it waits for the older ones that do, too.
    void add(Command& command, bool takes_turns = false);
    void remove(Command& command);
    // True when no older command stands in the way of this one (SAM-5 8.6).
    bool may_run(const Command& command) const;
    // Calls fn for every command that waits for its turn and may run now. `fn` may end commands.
    template <class Fn>
    void release_waiting(Fn&& fn) {
        if (waiting_ == 0) return;
        while (Command* next = next_runnable()) fn(*next);
    }
    Command* find(uint64_t tag);
    // `fn` may end the command it is given, no other.
    template <class Fn>
    void for_each(Fn&& fn) {
        commands_.for_each(fn);
    }
    void note_waiting(Command& command);

  private:
    Command* next_runnable();
    IntrusiveList<Command> commands_;
    size_t size_ = 0;
    size_t waiting_ = 0;   // phase waiting
    size_t barriers_ = 0;  // ORDERED and HEAD OF QUEUE commands in the set
    size_t in_turn_ = 0;   // those that take turns
};

}  // namespace tgt::scsi
