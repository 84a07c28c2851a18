// SPDX-License-Identifier: GPL-2.0-or-later
// WRITE SAME (SBC-4 5.51, 5.52). A block count of zero means to the end (WSNZ is zero).
#include <cstring>

#include "device/sbc/handlers.h"
#include "device/sbc/limits.h"
#include "device/sbc/medium.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

using UnmapBit = wire::Bits<3>;
using NoDataOut = wire::Bits<0>;

bool all_zero(std::span<const uint8_t> block) {
    return std::all_of(block.begin(), block.end(), [](uint8_t byte) { return byte == 0; });
}

Outcome write_pattern(Command& command, const Medium& medium, std::span<const uint8_t> block) {
    Scratch scratch(piece_bytes);
    if (!scratch.valid()) return Status::busy;
    const uint64_t start = first_byte(command);
    const uint64_t length = command.extents.blocks * block.size();
    auto pattern = scratch.first(size_t(std::min<uint64_t>(piece_bytes, length)));
    for (size_t at = 0; at < pattern.size(); at += block.size())
        std::memcpy(&pattern[at], block.data(), block.size());
    return in_pieces(command, length, piece_bytes, [&](uint64_t done, uint64_t bytes) {
        return medium.write(start + done, pattern.first(size_t(bytes)));
    });
}

}  // namespace

Outcome write_same(Command& command) {
    const bool unmap_bit = UnmapBit::get(command.cdb[1]);
    const bool no_data_out = command.row->cdb_length == 16 && NoDataOut::get(command.cdb[1]);
    if (unmap_bit && !command.state().thin) return scsi::sense::invalid_field_in_cdb(1, 3);
    const uint8_t length_field = command.row->cdb_length == 16 ? 10 : 7;
    if (command.extents.blocks > max_write_same_blocks)
        return scsi::sense::invalid_field_in_cdb(length_field);
    // One block, neither more nor less, is the whole Data-Out.
    if (!no_data_out && command.expected_out != command.out_total)
        return scsi::sense::invalid_field_in_cdb(length_field);
    const auto block = command.parameter_list();
    const Medium medium(command);
    const auto& features = medium.features();
    Outcome outcome;
    // Unmapped blocks read as zeroes, so unmapping is writing zeroes (SBC-4 4.7.3.4.4). With the
    // UNMAP bit the pattern is not looked at, as initiators know it from tgt and LIO.
    if (unmap_bit || all_zero(block)) {
        bool discard = unmap_bit && features.discard && features.discard_zeroes;
        auto kind = discard ? store::OpKind::discard : store::OpKind::write_zeroes;
        outcome = medium.change_range(kind, first_byte(command),
                                      command.extents.blocks * block_size(command));
    } else {
        outcome = write_pattern(command, medium, block);
    }
    return outcome.good() ? medium.flush_unless_cached() : outcome;
}

}  // namespace tgt::sbc
