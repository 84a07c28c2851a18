// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <map>
#include <vector>

#include "store/tape.h"

namespace tgt::test {

// A cartridge that has an identity, room and auxiliary memory, but holds no blocks.
class PaperTape final : public store::Tape {
  public:
    store::TapeInfo facts;
    std::vector<store::TapeRoom> rooms{store::TapeRoom()};
    store::TapePosition where;
    std::map<uint32_t, std::map<uint16_t, store::TapeAttribute>> memory;
    uint16_t full_at = 0;  // setting this attribute fails with ENOSPC

    const store::TapeInfo& info() const override { return facts; }
    unsigned partitions() const override { return unsigned(rooms.size()); }
    store::TapeRoom room(uint32_t partition) const override { return rooms.at(partition); }
    const store::TapePosition& position() const override { return where; }
    const std::map<uint16_t, store::TapeAttribute>& attributes(uint32_t partition) const override {
        static const std::map<uint16_t, store::TapeAttribute> none;
        const auto found = memory.find(partition);
        return found == memory.end() ? none : found->second;
    }
    int set_attribute(uint32_t partition, uint16_t id, store::TapeAttribute attribute) override {
        if (full_at && id == full_at) return ENOSPC;
        if (facts.read_only) return EROFS;
        if (attribute.value.empty())
            memory[partition].erase(id);
        else
            memory[partition][id] = std::move(attribute);
        return 0;
    }

    int format(std::span<const uint64_t>) override { return ENOTSUP; }
    int next(store::TapeBlock&) override { return ENOTSUP; }
    int previous(store::TapeBlock&) override { return ENOTSUP; }
    int locate(uint32_t, uint64_t, bool&) override { return ENOTSUP; }
    int locate_file(uint32_t, uint64_t, bool&) override { return ENOTSUP; }
    int to_end_of_data(uint32_t) override { return ENOTSUP; }
    int space_blocks(int64_t, store::TapeMoved&) override { return ENOTSUP; }
    int space_filemarks(int64_t, store::TapeMoved&) override { return ENOTSUP; }
    int read(std::span<const iovec>) override { return ENOTSUP; }
    int write(const store::TapeBlock&, std::span<const iovec>) override { return ENOTSUP; }
    int write_filemarks(uint32_t) override { return ENOTSUP; }
    int truncate() override { return ENOTSUP; }
    int flush() override { return 0; }
    int set_density(uint8_t density) override {
        facts.density = density;
        return 0;
    }
};

}  // namespace tgt::test
