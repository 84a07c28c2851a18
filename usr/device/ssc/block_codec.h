// SPDX-License-Identifier: GPL-2.0-or-later
// What becomes of a block between the initiator and the cartridge: the one place for compression,
// encryption and logical block protection. What passes through unchanged is not copied.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "device/ssc/drive.h"
#include "io/buffer.h"

namespace tgt::ssc {

// A block as it goes to the cartridge. The payload is the initiator's memory, or the drive's.
struct EncodedBlock {
    store::TapeBlock block;
    std::array<iovec, io::Buffer::max_segments> payload;
    size_t pieces = 0;
    std::span<const iovec> iov() const { return {payload.data(), pieces}; }
};

// The block of `length` bytes that lies at `offset` of the command's data.
scsi::Outcome encode(const scsi::Command& command, Drive& drive, size_t offset, uint32_t length,
                     EncodedBlock& into);

// As the initiator gets it.
uint32_t visible_length(const scsi::Command& command, const store::TapeBlock& block);
// The payload is what the initiator gets.
bool is_plain(const scsi::Command& command, const store::TapeBlock& block);
// `block`: visible_length() bytes.
scsi::Outcome decode(const scsi::Command& command, Drive& drive, const store::TapeBlock& stored,
                     std::span<const uint8_t> payload, std::span<uint8_t> block);

}  // namespace tgt::ssc
