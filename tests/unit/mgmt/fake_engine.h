// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "store/store.h"
#include "tests/unit/scsi/memory_store.h"

namespace tgt::mgmt::test {

// Where calls of a kind wait while it is shut. Any thread.
class Gate {
  public:
    void shut();
    void open();
    void pass();
    // Until a call stands before it.
    void await();

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool shut_ = false;
    size_t waiting_ = 0;
};

// What the fake engine finds at one path. Changed by the test through fake::with().
struct FakeMedium {
    uint64_t size = 1 << 20;
    store::Identity identity;  // that of the file, unless the test sets one
    std::string lasting_id;
    bool read_only = false;
    int open_error = 0, size_error = 0;  // errno values
    std::map<std::string, std::string> parameters{{"colour", "red"}};

    int opened = 0, closed = 0;                   // how often
    std::vector<tgt::test::MemoryStore*> stores;  // that are open
    store::OpenRequest request;                   // the last one
    Gate opening, closing, sizing, updating;
};

// Engines with media in memory, one for each path. Constants like every engine, hence with the
// state of the process: reset() begins a test.
namespace fake {
// "null", "rdwr", "fake", and for the same media "other", and "commands", which carries them.
std::span<const store::Engine* const> engines();
void reset();
// Opens every gate, and releases the operations that stores hold.
void let_everything_go();
FakeMedium& medium(const std::string& path);
// Runs `look` while no store looks at the medium.
void with(const std::string& path, const std::function<void(FakeMedium&)>& look);
}  // namespace fake

}  // namespace tgt::mgmt::test
