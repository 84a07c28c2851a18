// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "random.h"

namespace tgt::hostile {

class Attachment;

struct Options {
    uint32_t host = 1;
    uint32_t spare = 0;  // a host that no message names; 0: none
    uint64_t seed = 0;
    uint64_t writes = 100000;
    uint64_t messages = 20000;
    uint64_t seconds = 600;  // give up after them
    std::string load;        // /dev/sgN: commands come from there
};

// What was done, and what the kernel made of it. Any thread.
struct Counters {
    std::atomic<uint64_t> writes{0};       // of words of the user's region, before a kick
    std::atomic<uint64_t> race_writes{0};  // of words while another thread kicks
    std::atomic<uint64_t> kicks{0};
    std::atomic<uint64_t> attached{0};
    std::atomic<uint64_t> broken{0};  // attachments that the kernel has ended
    std::atomic<uint64_t> events{0};
    std::atomic<uint64_t> taken{0};  // replies
    std::atomic<uint64_t> messages{0};
    std::atomic<uint64_t> refused{0};  // of them
    std::atomic<uint64_t> made{0};     // hosts
    std::atomic<uint64_t> maps{0};
    std::atomic<uint64_t> ioctls{0};
    std::atomic<uint64_t> commands{0};  // of the load
};

// What all threads of the program share; outlives them.
class Field {
  public:
    explicit Field(Options options) : options(std::move(options)) {}

    const Options options;
    Counters count;
    std::atomic<bool> over{false};

    // A promise of the kernel that it broke. Any thread.
    void blame(const std::string& what);
    bool blamed() const { return blamed_; }

    // The attachment that the scribblers write into while another thread kicks it.
    void expose(std::shared_ptr<Attachment> attachment);
    std::shared_ptr<Attachment> exposed();

  private:
    std::mutex lock_;
    std::shared_ptr<Attachment> exposed_;
    std::atomic<bool> blamed_{false};
};

// Threads. Each ends when `over`, or by itself when it has done its share.
void attack_ring(Field& field, Random random);
void scribble(Field& field, Random random);
void attack_file(Field& field, Random random);
void attack_netlink(Field& field, Random random);
void load(Field& field, Random random);

// One process each: what a user without privileges gets, and what must not be writable.
void check_privileges(Field& field);
void check_protection(Field& field);

}  // namespace tgt::hostile
