// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/intrusive_list.h"
#include "io/worker.h"

namespace tgt::iscsi {

class Session;

struct Hunger {};  // tag of the hook that links sessions that wait for memory

// The sessions of a worker whose next command waits until buffers are free. Its number is not taken
// meanwhile, so that MaxCmdSN stands still and the initiator holds back the rest (RFC
// 7143 4.2.2.1). When there is memory each is given one command at a time, in turn. Its worker's
// thread only.
class StarvingSessions {
  public:
    explicit StarvingSessions(io::Worker& worker) : worker_(worker), feed_([this] { feed(); }) {}

    void add(Session& session);
    // Something may have become possible: looked at in the next loop turn.
    void look_again() {
        if (!sessions_.empty() && !feed_.armed()) arm();
    }

  private:
    static constexpr size_t commands_per_turn = 64;  // then others get their turn

    void arm();
    void feed();

    io::Worker& worker_;
    IntrusiveList<Session, Hunger> sessions_;
    io::Timer feed_;
};

}  // namespace tgt::iscsi
