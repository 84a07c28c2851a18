// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace tgt::test {

// What a command has to answer.
struct Expected {
    bool good = true;
    uint32_t sense = 0;  // key, ASC, ASCQ; with !good
    bool filemark = false, end_of_medium = false, incorrect_length = false;
    std::optional<int64_t> information = {};
    std::vector<uint8_t> data = {};
};

// A tape drive as SSC-4 has it, once more and as simply as can be: lists of objects, walked one by
// one. The drive is compared with it. Blocks take their length of the partition's capacity.
class ReferenceTape {
  public:
    using Bytes = std::vector<uint8_t>;
    explicit ReferenceTape(uint64_t capacity) { partitions_[0].capacity = capacity; }

    uint32_t block_length = 0;  // of the mode parameter block descriptor

    Expected read(bool fixed, bool sili, uint32_t length, bool wants_data = true);
    Expected write(bool fixed, uint32_t length, const Bytes& data);
    Expected write_filemarks(uint32_t count);
    Expected space(uint8_t code, int64_t count);
    Expected locate(uint8_t type, uint64_t id, std::optional<uint32_t> partition);
    Expected rewind();
    Expected erase();
    Expected format(const std::vector<uint64_t>& sizes);
    void reload() { partition_ = 0, at_ = 0; }

    uint32_t partition() const { return partition_; }
    uint64_t object() const { return at_; }
    uint64_t file() const;

  private:
    struct Object {
        bool mark = false;
        Bytes data = {};
    };
    struct Partition {
        uint64_t capacity = 0;
        std::vector<Object> objects = {};
    };
    std::vector<Object>& objects() { return partitions_[partition_].objects; }
    bool at_mark() { return objects()[at_].mark; }
    uint64_t taken() const;
    Expected at_early_warning() const;
    Expected space_blocks(int64_t count);
    Expected space_marks(int64_t count);
    Expected space_sequential(int64_t count);

    std::vector<Partition> partitions_{1};
    uint32_t partition_ = 0;
    uint64_t at_ = 0;
};

}  // namespace tgt::test
