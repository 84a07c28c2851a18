// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
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

    std::function<void()> on_freed;  // called once there is more than before, if `wanted`
    bool wanted = false;

  private:
    void drop_unused(MemoryAccount& account);
    void tell();
    std::map<MemoryAccount::Key, MemoryAccount> accounts_;
};

// What the initiators of a worker may send unasked with commands that then wait for memory: no
// window promises more than there is room for, shared evenly by the sessions. One thread.
class WindowBudget {
  public:
    static constexpr uint32_t min_window = 4;

    explicit WindowBudget(uint64_t bytes) : bytes_(bytes), share_(bytes) {}
    void join();
    // Takes back what the session's window promised.
    void leave(uint64_t promised);
    // How many commands, of `each` bytes, a session may have that wishes `wanted` and has promised
    // `have`: less than that, if others came.
    uint32_t window(uint32_t have, uint32_t wanted, uint64_t each) const;
    // That is so now.
    void promise(uint64_t before, uint64_t now) { promised_ += now - before; }
    // Whether window(wanted, wanted, each) is `wanted`.
    bool affords(uint32_t wanted, uint64_t each) const { return wanted * each <= share_; }
    // What can come, as every session has min_window.
    uint64_t most() const { return std::max(bytes_, promised_); }

  private:
    const uint64_t bytes_;
    uint64_t share_;  // of one session
    uint64_t promised_ = 0;
    unsigned sessions_ = 0;
};

}  // namespace tgt::iscsi
