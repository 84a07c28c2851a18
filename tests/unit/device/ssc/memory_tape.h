// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "store/store.h"
#include "store/tape.h"

namespace tgt::test {

// A cartridge in memory that does what store/tape.h says, and fails when told to. A block takes its
// payload's bytes of room, a filemark none.
class MemoryTape final : public store::Tape {
  public:
    enum class Call : uint8_t { read, write, flush, move };
    struct Object {
        store::TapeBlock block;
        std::vector<uint8_t> payload;
        bool damaged = false;
    };
    struct Partition {
        uint64_t capacity = 0;
        std::vector<Object> objects;
        std::map<uint16_t, store::TapeAttribute> attributes;
    };

    explicit MemoryTape(uint64_t capacity);

    store::TapeInfo about;
    std::vector<Partition> all;
    size_t flushes = 0;
    size_t unflushed = 0;                  // changes since the last one
    int lost_data = 0;                     // what lost() says
    std::function<int(Call)> fail_when{};  // 0: not this time
    bool cached = true;                    // nothing has to be waited for
    size_t cached_reads = 0;

    const store::TapeInfo& info() const override { return about; }
    unsigned partitions() const override { return unsigned(all.size()); }
    store::TapeRoom room(uint32_t partition) const override;
    int format(std::span<const uint64_t> sizes) override;
    const store::TapePosition& position() const override { return at_; }
    int next(store::TapeBlock& block) override;
    int previous(store::TapeBlock& block) override;
    int locate(uint32_t partition, uint64_t object, bool& reached) override;
    int locate_file(uint32_t partition, uint64_t file, bool& reached) override;
    int to_end_of_data(uint32_t partition) override;
    int space_blocks(int64_t count, store::TapeMoved& moved) override;
    int space_filemarks(int64_t count, store::TapeMoved& moved) override;
    int read(std::span<const iovec> out) override;
    bool next_cached(store::TapeBlock& block) override;
    int read_cached(std::span<const iovec> out) override;
    int write(const store::TapeBlock& block, std::span<const iovec> payload) override;
    int write_filemarks(uint32_t count) override;
    int truncate() override;
    int flush() override;
    int lost() const override { return lost_data; }
    const std::map<uint16_t, store::TapeAttribute>& attributes(uint32_t partition) const override {
        return all[partition].attributes;
    }
    int set_attribute(uint32_t partition, uint16_t id, store::TapeAttribute attribute) override;
    int set_density(uint8_t density) override;

  private:
    bool is_cached() { return cached && !fail_when && at_.object < here().size(); }
    std::vector<Object>& here() { return all[at_.partition].objects; }
    int check(Call call) const { return fail_when ? fail_when(call) : 0; }
    void go(uint32_t partition, uint64_t object);
    template <class Passed>
    int space(int64_t count, store::TapeMoved& moved, Passed passed);
    void cut();

    store::TapePosition at_;
};

// The store that a drive gets; the test keeps the tape.
class MemoryTapeStore final : public store::Store {
  public:
    explicit MemoryTapeStore(std::shared_ptr<MemoryTape> tape) : tape_(std::move(tape)) {}
    const store::Info& info() const override { return info_; }
    std::unique_ptr<store::StoreQueue> make_queue(io::Worker&, io::PoolLane&) override {
        return nullptr;
    }
    int perform(store::Op&) override { return EOPNOTSUPP; }
    Result<store::Extent> extent(uint64_t) override { return fail(EOPNOTSUPP, "a tape"); }
    Result<uint64_t> current_size() override { return 0; }
    store::Tape* tape() override { return tape_.get(); }

  private:
    std::shared_ptr<MemoryTape> tape_;
    store::Info info_;
};

}  // namespace tgt::test
