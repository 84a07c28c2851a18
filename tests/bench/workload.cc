// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/workload.h"

#include <algorithm>
#include <cstring>

#include "wire/endian.h"

namespace tgt::bench {

namespace {

constexpr uint64_t golden = 0x9e3779b97f4a7c15u;

// splitmix64: every bit of the result depends on every bit of the value.
constexpr uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

// The words of a block are an arithmetic progression from a mixed beginning: cheap, and no two
// blocks look alike.
constexpr uint64_t first_word(uint64_t lba, uint64_t seed) {
    return mix(lba * golden + seed);
}
constexpr uint64_t word_at(uint64_t first, uint64_t index) {
    return first + index * golden;
}

}  // namespace

Workload::Workload(const Options& options, const Geometry& geometry, unsigned index)
    : state_(mix(options.seed * golden + index + 1)),
      blocks_(options.block / geometry.block_size),
      read_percent_(options.read_percent),
      sequential_(options.sequential) {
    uint64_t blocks = geometry.blocks;
    if (options.range != 0) blocks = std::min(blocks, options.range / geometry.block_size);
    if (blocks_ == 0) return;
    slots_ = blocks / blocks_;
    if (!sequential_) return;
    slots_ /= options.sessions;
    first_ = slots_ * index;
}

Workload Workload::filling(Options options, const Geometry& geometry) {
    options.sequential = true;
    options.sessions = 1;
    options.read_percent = 0;
    Workload workload(options, geometry, 0);
    workload.limit(workload.slots());
    return workload;
}

uint64_t Workload::random() {  // xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
}

Io Workload::next() {
    const uint64_t slot =
        sequential_
            ? position_
            : static_cast<uint64_t>(static_cast<unsigned __int128>(random()) * slots_ >> 64);
    position_ = position_ + 1 == slots_ ? 0 : position_ + 1;
    --left_;
    Io io;
    io.lba = (first_ + slot) * blocks_;
    io.blocks = blocks_;
    io.write = read_percent_ == 0 || (read_percent_ < 100 && random() % 100 >= read_percent_);
    return io;
}

void fill_pattern(std::span<uint8_t> bytes, uint64_t lba, uint32_t block_size, uint64_t seed) {
    for (size_t at = 0; at < bytes.size(); at += block_size, ++lba) {
        const uint64_t first = first_word(lba, seed);
        for (size_t i = 0; i < block_size / 8; ++i) {
            const uint64_t word = word_at(first, i);
            std::memcpy(bytes.data() + at + i * 8, &word, 8);
        }
    }
}

bool matches_pattern(std::span<const uint8_t> bytes, uint64_t lba, uint64_t offset,
                     uint32_t block_size, uint64_t seed) {
    while (!bytes.empty()) {
        const uint64_t first = first_word(lba + offset / block_size, seed);
        const uint64_t word = word_at(first, offset % block_size / 8);
        const size_t inside = offset % 8;
        const size_t length = std::min<size_t>(8 - inside, bytes.size());
        uint8_t expected[8];
        std::memcpy(expected, &word, 8);
        if (std::memcmp(bytes.data(), expected + inside, length) != 0) return false;
        bytes = bytes.subspan(length);
        offset += length;
    }
    return true;
}

std::array<uint8_t, 16> transfer_cdb(const Io& io) {
    std::array<uint8_t, 16> cdb{};
    cdb[0] = io.write ? 0x8a : 0x88;
    wire::store_be<8>(&cdb[2], io.lba);
    wire::store_be<4>(&cdb[10], io.blocks);
    return cdb;
}

}  // namespace tgt::bench
