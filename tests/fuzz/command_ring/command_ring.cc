// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel that writes anything into its end of a command ring, with the driver and the engine at
// the other. Whatever it says, replies name memory of the data area only, and everything ends.
//
// Input: steps, each a byte that says what is done and the bytes for that. 0: a byte of the header
// becomes another, before the attachment. 1: bytes of a descriptor. 2: an event. 3: a descriptor
// whose tag is right, and its event. 4: the loop turns.
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "base/unique_fd.h"
#include "driver/kring/queue.h"
#include "tests/fuzz/input.h"
#include "tests/unit/scsi/engine_bench.h"

namespace {

using namespace tgt;
using test::Input;

constexpr uint32_t tags = 16, entries = 32;
constexpr size_t data_bytes = size_t(4) << 20;
constexpr uint32_t event_offset = sizeof(tgt_ring_header);
constexpr uint32_t desc_offset = event_offset + entries * sizeof(tgt_ring_event);
constexpr uint32_t reply_offset = sizeof(tgt_ring_user);
constexpr uint32_t slot_offset = reply_offset + entries * 4;

struct Memory {
    Memory() : data(static_cast<uint8_t*>(aligned_alloc(4096, data_bytes))) {
        tgt_ring_header header{};
        header.magic = TGT_RING_MAGIC;
        header.version = TGT_RING_VERSION;
        header.host = 1;
        header.tags = tags;
        header.ring_entries = entries;
        header.event_offset = event_offset;
        header.desc_offset = desc_offset;
        header.desc_size = sizeof(tgt_ring_desc);
        header.reply_offset = reply_offset;
        header.slot_offset = slot_offset;
        header.slot_size = sizeof(tgt_ring_reply);
        header.data_bytes = data_bytes;
        memcpy(kernel.data(), &header, sizeof(header));
    }
    ~Memory() { free(data); }
    uint8_t* desc(uint32_t tag) {
        return kernel.data() + desc_offset + (tag % tags) * sizeof(tgt_ring_desc);
    }
    void event(const tgt_ring_event& event) {
        uint32_t head;
        uint8_t* word = kernel.data() + offsetof(tgt_ring_header, event_head);
        memcpy(&head, word, 4);
        memcpy(kernel.data() + event_offset + head % entries * sizeof(event), &event,
               sizeof(event));
        ++head;
        memcpy(word, &head, 4);
    }

    alignas(8) std::array<uint8_t, desc_offset + tags * sizeof(tgt_ring_desc)> kernel{};
    alignas(8) std::array<uint8_t, slot_offset + tags * sizeof(tgt_ring_reply)> user{};
    uint8_t* data;
};

class End final : public ipc::RingEnd {
  public:
    explicit End(Memory& memory) : memory_(memory), event_(eventfd(0, EFD_CLOEXEC)) {}
    int descriptor() const override { return event_.get(); }
    ipc::RingRegions regions() const override {
        return {memory_.kernel, memory_.user, {memory_.data, data_bytes}};
    }
    int kick() override {
        tgt_ring_user user;
        memcpy(&user, memory_.user.data(), sizeof(user));
        for (; taken_ != user.reply_head; ++taken_) {
            uint32_t tag;
            memcpy(&tag, memory_.user.data() + reply_offset + taken_ % entries * 4, 4);
            if (tag >= tags) std::abort();
            check(memory_.user.data() + slot_offset + tag * sizeof(tgt_ring_reply));
        }
        return 0;
    }

  private:
    static void check(const uint8_t* slot) {
        tgt_ring_reply reply;
        memcpy(&reply, slot, sizeof(reply));
        if (reply.segment_count > TGT_RING_MAX_SEGMENTS) std::abort();
        if (reply.sense_length > TGT_RING_MAX_SENSE) std::abort();
        uint64_t sum = 0;
        for (size_t i = 0; i < reply.segment_count; sum += reply.segments[i++].length)
            if (reply.segments[i].offset % TGT_RING_DATA_UNIT != 0 ||
                reply.segments[i].offset + reply.segments[i].length > data_bytes)
                std::abort();
        if (sum != reply.length) std::abort();
    }
    Memory& memory_;
    const UniqueFd event_;
    uint32_t taken_ = 0;
};

class Opener final : public ipc::RingOpener {
  public:
    explicit Opener(Memory& memory) : memory_(memory) {}
    Result<std::unique_ptr<ipc::RingEnd>> open(const ipc::RingPlace&) override {
        if (std::exchange(opened_, true)) return fail(EBUSY, "once only");
        return std::make_unique<End>(memory_);
    }

  private:
    Memory& memory_;
    bool opened_ = false;
};

void step(uint8_t kind, Input& input, Memory& memory, test::Bench& bench) {
    switch (kind % 5) {
        case 1: {
            uint8_t* desc = memory.desc(input.byte());
            const size_t at = input.byte() % sizeof(tgt_ring_desc);
            input.copy(desc + at, std::min<size_t>(input.byte(), sizeof(tgt_ring_desc) - at));
            break;
        }
        case 2:
            memory.event({input.byte(), input.byte(), 0, int8_t(input.byte()), 0});
            break;
        case 3: {
            const uint32_t tag = input.byte() % tags;
            tgt_ring_desc desc{};
            desc.tag = tag;
            desc.type = uint8_t(1 + input.byte() % 4);
            desc.nexus = input.byte() % 4;
            desc.function = input.byte();
            desc.id = desc.function;
            desc.in_length = uint32_t(input.byte()) << 12;
            desc.out_length = uint32_t(input.byte()) << 12;
            desc.cdb_length = 10;
            desc.lun[1] = input.byte() % 2;
            input.copy(desc.cdb, 10);
            memcpy(memory.desc(tag), &desc, sizeof(desc));
            memory.event({tag, TGT_EVENT_NEW, 0, 0, 0});
            break;
        }
        default:
            bench.settle();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static test::Bench& bench = *new test::Bench;
    log::set_all(log::Level::off);
    Memory memory;
    Opener opener(memory);
    Input input(data, size);
    while (!input.empty() && input.byte() == 0) {
        const size_t at = input.byte() % sizeof(tgt_ring_header);
        memory.kernel[at] = input.byte();
    }
    auto queue =
        std::make_shared<kring::Queue>(bench.runtime.worker(0), opener, ipc::RingPlace{1, 0, 0});
    if (queue->open({1, 6, 1, bench.target}))
        while (!input.empty()) step(input.byte(), input, memory, bench);
    bench.settle();
    bool closed = false;
    queue->close([&] { closed = true; });
    std::weak_ptr<kring::Queue> left = queue;
    queue.reset();
    bench.await_jobs();
    if (!closed || !left.expired()) std::abort();
    return 0;
}
