// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tgt::mgmt {

// Calls that may never come back (to a device that hangs, to a file server that has gone): one at a
// time for each thing they are made to, so that asking again and again does not use up threads. One
// thread.
class Attempts {
  public:
    enum class Entry {
        entered,  // go on; leave() when the call has come back
        waiting,  // another is being made; `again` is called when it has ended, or is late
        late,     // another is being made, and who made it has given up waiting
    };
    Entry enter(const std::string& what, std::function<void()> again);
    // Who entered does not wait any more; the call is still under way.
    void give_up(const std::string& what);
    void leave(const std::string& what);

  private:
    struct Attempt {
        bool late = false;
        std::vector<std::function<void()>> waiting;
    };
    std::map<std::string, Attempt> running_;
};

}  // namespace tgt::mgmt
