// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "io/buffer.h"

namespace tgt::iscsi {

class MemoryAccounts;

// The buffer bytes that one initiator has in use on one target: by its sessions, and by commands
// that its earlier sessions have left with a store. Of one worker.
struct MemoryAccount {
    using Key = std::pair<int, std::string>;  // target and initiator
    MemoryAccounts& owner;
    const Key key;
    uint64_t bytes = 0;
    unsigned sessions = 0;
};

// A worker's buffers are shared by who asks: a command is admitted as long as its account has no
// more in use than is free. One that hoards leaves half, two leave a third, and so on. One thread.
class MemoryAccounts {
  public:
    // From the beginning of a session to its end.
    MemoryAccount& join(int tid, const std::string& initiator);
    void leave(MemoryAccount& account);

    static bool admits(const MemoryAccount& account, uint64_t bytes, const io::BufferPool& pool);
    static void take(MemoryAccount& account, uint64_t bytes) { account.bytes += bytes; }
    // The account may be gone afterwards, if no session has it.
    static void give_back(MemoryAccount& account, uint64_t bytes);
    size_t size() const { return accounts_.size(); }

  private:
    void drop_unused(MemoryAccount& account);
    std::map<MemoryAccount::Key, MemoryAccount> accounts_;
};

}  // namespace tgt::iscsi
