// SPDX-License-Identifier: GPL-2.0-or-later
// COMPARE AND WRITE and ORWRITE (SBC-4 5.3, 5.12): read, look, write as one step. The engine keeps
// everything else away from their blocks meanwhile (op_exclusive).
#include "device/sbc/handlers.h"
#include "device/sbc/medium.h"

namespace tgt::sbc {

Outcome or_write(Command& command) {
    Scratch old_data(piece_bytes), new_data(piece_bytes);
    if (!old_data.valid() || !new_data.valid()) return Status::busy;
    Medium medium(command);
    const uint64_t whole = command.out.size() / block_size(command) * block_size(command);
    const uint64_t start = first_byte(command);
    Outcome outcome = in_pieces(command, whole, piece_bytes, [&](uint64_t done, uint64_t bytes) {
        auto old_piece = old_data.first(bytes);
        auto new_piece = new_data.first(bytes);
        Outcome read = medium.read(start + done, old_piece);
        if (!read.good()) return read;
        command.out.copy_out(done, new_piece);
        for (size_t i = 0; i < bytes; ++i) new_piece[i] |= old_piece[i];
        return medium.write(start + done, new_piece);
    });
    if (wants_forget(command)) medium.forget(start, whole);
    return outcome;
}

Outcome compare_and_write(Command& command) {
    // Both halves or nothing: half a compare instance decides nothing.
    if (command.expected_out != command.out_total) return scsi::sense::invalid_field_in_cdb(13);
    const size_t bytes = size_t(command.extents.blocks) * block_size(command);
    if (bytes == 0) return {};
    Scratch sent(2 * bytes), medium_data(bytes);
    if (!sent.valid() || !medium_data.valid()) return Status::busy;
    command.out.copy_out(0, sent.first(2 * bytes));
    Medium medium(command);
    const uint64_t start = first_byte(command);
    if (command.aborted()) return Status::task_aborted;
    Outcome outcome = medium.read(start, medium_data.first(bytes));
    if (outcome.good()) outcome = compare(sent.first(bytes), medium_data.first(bytes), 0);
    if (outcome.good()) outcome = medium.write(start, sent.first(2 * bytes).subspan(bytes));
    if (wants_forget(command)) medium.forget(start, bytes);
    return outcome;
}

}  // namespace tgt::sbc
