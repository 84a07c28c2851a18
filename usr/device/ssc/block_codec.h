// SPDX-License-Identifier: GPL-2.0-or-later
// What becomes of a block between the initiator and the cartridge: the one place for logical block
// protection, compression and encryption, in this order. What passes through unchanged is not
// copied.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "device/ssc/block_compression.h"
#include "device/ssc/drive.h"
#include "device/ssc/encryption.h"
#include "io/buffer.h"

namespace tgt::ssc {

// TapeBlock::flags: how the payload was made. Encrypted last, opened first.
enum BlockFlags : uint16_t {
    block_compressed = 1 << 0,  // zstd (block_compression.h)
    block_encrypted = 1 << 1,   // AES-256-GCM (block_cipher.h)
};

// Memory that grows; what was in it is lost then, and wiped.
class ScratchMemory {
  public:
    ~ScratchMemory() { wipe(); }
    // Empty: there is none.
    std::span<uint8_t> take(size_t bytes);
    void wipe();

  private:
    std::unique_ptr<uint8_t[]> bytes_;
    size_t size_ = 0;
};

// What the drive keeps for it from block to block. On the strand.
struct BlockCodec {
    Encryption encryption;
    BlockCompressor compressor;
    ScratchMemory gathered, compressed, sealed;
};

// A block as it goes to the cartridge. The payload is the initiator's memory, or the drive's until
// the next block.
struct EncodedBlock {
    store::TapeBlock block;
    std::array<iovec, io::Buffer::max_segments> payload;
    size_t pieces = 0;
    std::span<const iovec> iov() const { return {payload.data(), pieces}; }
};

// The initiator has locked itself to a key that another has replaced (SSC-4 4.2.22.6): what blocks
// are read or written with is not what it believes.
std::optional<scsi::Sense> broken_key_lock(const scsi::Command& command, Drive& drive);

// The block of `length` bytes that lies at `offset` of the command's data.
scsi::Outcome encode(const scsi::Command& command, Drive& drive, size_t offset, uint32_t length,
                     EncodedBlock& into);

// As the initiator gets it.
uint32_t visible_length(const scsi::Command& command, const store::TapeBlock& block);
// The payload is what the initiator gets.
bool is_plain(const scsi::Command& command, const store::TapeBlock& block);
// `block`: visible_length() bytes. A block that cannot be had for want of its key is left in front
// of the position.
scsi::Outcome decode(const scsi::Command& command, Drive& drive, const store::TapeBlock& stored,
                     std::span<const uint8_t> payload, std::span<uint8_t> block);

// Whether blocks can be encrypted for the cartridge that is loaded.
bool takes_encryption(const Drive& drive, const scsi::LunState& state);
// SECURITY PROTOCOL IN, page 0021h: the block at the position.
NextBlock next_block(const scsi::Command& command, Drive& drive);

}  // namespace tgt::ssc
