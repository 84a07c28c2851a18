// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "scsi/lun_state.h"

namespace tgt::sbc {

std::array<uint8_t, 8> capacity_10_data(const scsi::Geometry& geometry);
// `reads_zeroes`: unmapped blocks read as zeroes (LBPRZ).
std::array<uint8_t, 32> capacity_16_data(const scsi::LunState& state, bool reads_zeroes);

// Blocks of one provisioning status.
struct LbaRun {
    uint64_t lba = 0;
    uint64_t blocks = 0;
    bool mapped = true;
    bool operator==(const LbaRun&) const = default;
};
// GET LBA STATUS parameter data; runs longer than a descriptor can say are cut there.
std::vector<uint8_t> lba_status_data(std::span<const LbaRun> runs);

// Turns runs of bytes into runs of blocks: a block that is data in part is mapped; neighbours of
// equal status become one.
class LbaRunBuilder {
  public:
    LbaRunBuilder(uint64_t lba, uint64_t capacity, uint32_t block_size, size_t max_runs)
        : next_(lba), capacity_(capacity), block_size_(block_size), max_runs_(max_runs) {}
    // Where the next extent is asked for.
    uint64_t offset() const { return next_ * block_size_; }
    bool complete() const { return next_ >= capacity_ || full_; }
    // The extent that starts at offset().
    void add(uint64_t bytes, bool mapped);
    const std::vector<LbaRun>& runs() const { return runs_; }

  private:
    uint64_t next_;
    uint64_t capacity_;
    uint32_t block_size_;
    size_t max_runs_;
    bool full_ = false;
    std::vector<LbaRun> runs_;
};

}  // namespace tgt::sbc
