// SPDX-License-Identifier: GPL-2.0-or-later
// A tape drive with a cartridge in memory, driven through the engine; and the CDBs for it.
#pragma once

#include "device/ssc/tape.h"
#include "tests/unit/device/cdb.h"
#include "tests/unit/device/ssc/memory_tape.h"
#include "tests/unit/scsi/harness.h"
#include "wire/endian.h"

namespace tgt::test {

constexpr uint64_t mib = 1 << 20;

class TapeBench {
  public:
    // The tape is prepared, then the drive is made with it. Null: no cartridge.
    explicit TapeBench(uint64_t capacity = 64 * mib, std::function<void(MemoryTape&)> prepare = {},
                       std::function<void(scsi::LunState&)> adjust = {})
        : tape(std::make_shared<MemoryTape>(capacity)),
          harness(ssc::tape, options(prepare, adjust)) {}

    std::shared_ptr<MemoryTape> tape;
    Harness harness;

    Answer run(Bytes cdb) { return harness.run(std::move(cdb)); }
    Answer run(Bytes cdb, Bytes data) { return harness.run(std::move(cdb), std::move(data)); }
    Answer from(size_t nexus, Bytes cdb) {
        Harness::Send send;
        send.nexus = nexus;
        return harness.run(std::move(cdb), send);
    }
    // The fixed block length, as MODE SELECT sets it.
    void set_block(uint32_t bytes) {
        harness.change([bytes](scsi::LunState& state) { state.geometry.block_size = bytes; });
    }
    void write_blocks(size_t count, uint32_t bytes);  // block i is pattern(bytes, i)
    void write_marks(uint32_t count);
    // Object of the position, by READ POSITION.
    uint64_t object();
    uint32_t partition();

  private:
    Harness::Options options(std::function<void(MemoryTape&)> prepare,
                             std::function<void(scsi::LunState&)> adjust) {
        if (prepare) prepare(*tape);
        Harness::Options options;
        options.adjust = std::move(adjust);
        options.other_store = [this] { return std::make_unique<MemoryTapeStore>(tape); };
        return options;
    }
};

// A 6-byte CDB with a 3-byte length at byte 2.
inline Bytes cdb6(uint8_t opcode, uint8_t byte1, int64_t length) {
    Bytes cdb{opcode, byte1, 0, 0, 0, 0};
    wire::store_be<3>(&cdb[2], uint32_t(length) & 0xffffff);
    return cdb;
}
constexpr uint8_t fixed = 0x01, sili = 0x02, immed = 0x01;
inline Bytes read_variable(uint32_t bytes, uint8_t flags = 0) {
    return cdb6(0x08, flags, bytes);
}
inline Bytes read_fixed(uint32_t blocks) {
    return cdb6(0x08, fixed, blocks);
}
inline Bytes write_variable(uint32_t bytes) {
    return cdb6(0x0a, 0, bytes);
}
inline Bytes write_fixed(uint32_t blocks) {
    return cdb6(0x0a, fixed, blocks);
}
inline Bytes write_filemarks(uint32_t count, uint8_t flags = 0) {
    return cdb6(0x10, flags, count);
}
enum SpaceCode : uint8_t { over_blocks = 0, over_filemarks = 1, over_sequential = 2, to_eod = 3 };
inline Bytes space(uint8_t code, int32_t count = 0) {
    return cdb6(0x11, code, count);
}
inline Bytes space16(uint8_t code, int64_t count) {
    Bytes cdb(16);
    cdb[0] = 0x91;
    cdb[1] = code;
    wire::store_be<8>(&cdb[4], uint64_t(count));
    return cdb;
}
inline Bytes locate10(uint32_t object, int partition = -1) {
    Bytes cdb(10);
    cdb[0] = 0x2b;
    if (partition >= 0) cdb[1] = 0x02;
    wire::store_be<4>(&cdb[3], object);
    cdb[8] = uint8_t(std::max(partition, 0));
    return cdb;
}
inline Bytes locate16(uint8_t type, uint64_t id, int partition = -1) {
    Bytes cdb(16);
    cdb[0] = 0x92;
    cdb[1] = uint8_t(type << 3 | (partition >= 0 ? 0x02 : 0));
    cdb[3] = uint8_t(std::max(partition, 0));
    wire::store_be<8>(&cdb[4], id);
    return cdb;
}
inline const Bytes rewind_cdb{0x01, 0, 0, 0, 0, 0};
inline const Bytes test_ready{0, 0, 0, 0, 0, 0};
inline const Bytes load_cdb{0x1b, 0, 0, 0, 0x01, 0}, unload_cdb{0x1b, 0, 0, 0, 0, 0};
inline const Bytes erase_long{0x19, 0x01, 0, 0, 0, 0}, erase_short{0x19, 0, 0, 0, 0, 0};
inline Bytes read_position(uint8_t action, uint16_t allocation = 0) {
    Bytes cdb{0x34, action, 0, 0, 0, 0, 0, uint8_t(allocation >> 8), uint8_t(allocation), 0};
    return cdb;
}

// Key, ASC and ASCQ of what is special to tapes.
constexpr uint32_t filemark_detected = 0x000001, end_of_partition = 0x000002,
                   beginning_of_partition = 0x000004, programmable_warning = 0x000007,
                   end_of_data = 0x080005, overflow = 0x0d0002, worm_overwrite = 0x07300c,
                   incompatible_format = 0x023002, cannot_write_format = 0x073005,
                   medium_changed = 0x062800, past_beginning = 0x053b0c;

// The INFORMATION field, or nothing.
inline std::optional<int64_t> information(const Answer& answer) {
    if (!answer.outcome.sense || !answer.outcome.sense->has_information) return std::nullopt;
    return int64_t(answer.outcome.sense->information);
}

}  // namespace tgt::test
