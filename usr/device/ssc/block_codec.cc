// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/block_codec.h"

#include <algorithm>

namespace tgt::ssc {

namespace {

// 5/6Fh or the like have a reason; here nobody knows how the block was made.
scsi::Outcome unknown_coding() {
    return scsi::sense::make(scsi::SenseKey::medium_error, 0x30, 0x02);
}

}  // namespace

scsi::Outcome encode(const scsi::Command& command, Drive&, size_t offset, uint32_t length,
                     EncodedBlock& into) {
    into.block.kind = store::TapeObject::block;
    into.block.length = into.block.stored = length;
    into.block.flags = 0;
    into.pieces = command.out.slice(offset, length, into.payload.data());
    return {};
}

uint32_t visible_length(const scsi::Command&, const store::TapeBlock& block) {
    return block.length;
}

bool is_plain(const scsi::Command&, const store::TapeBlock& block) {
    return block.flags == 0 && block.stored == block.length;
}

scsi::Outcome decode(const scsi::Command& command, Drive&, const store::TapeBlock& stored,
                     std::span<const uint8_t> payload, std::span<uint8_t> block) {
    if (!is_plain(command, stored)) return unknown_coding();
    std::copy_n(payload.begin(), block.size(), block.begin());
    return {};
}

}  // namespace tgt::ssc
