// SPDX-License-Identifier: GPL-2.0-or-later
// READ and WRITE (SBC-4 5.17 to 5.21, 5.40 to 5.44). The data moves between the store and the
// command's own buffer. When the initiator offers less room or data than the CDB says, the bytes in
// the buffer move and the transport reports the rest as residual; of a write, whole blocks only.
#include "device/sbc/handlers.h"
#include "device/sbc/medium.h"

namespace tgt::sbc {

namespace {

using scsi::Access;

void fill_op(Command& command, store::OpKind kind, const io::Buffer& buffer, uint64_t bytes) {
    store::Op& op = command.op;
    op.kind = kind;
    op.dsync = false;
    op.offset = first_byte(command);
    op.length = bytes;
    op.iov = command.iov.data();
    op.iov_count = unsigned(buffer.slice(0, bytes, command.iov.data()));
}

Outcome read_ended(Command& command) {
    return scsi::outcome_of_errno(command.op.error, Access::read, command.extents.lba);
}

Outcome write_ended(Command& command) {
    return scsi::outcome_of_errno(command.op.error, Access::write, command.extents.lba);
}

// The slow way of a READ: with DPO, or when the last block is not wanted whole, which a store with
// direct I/O cannot do.
Outcome read_in_pieces(Command& command) {
    Scratch scratch(piece_bytes);
    if (!scratch.valid()) return Status::busy;
    Medium medium(command);
    const uint32_t block = block_size(command);
    const uint64_t wanted = command.in.size();
    const uint64_t whole = (wanted + block - 1) / block * block;
    const uint64_t start = first_byte(command);
    Outcome outcome = in_pieces(command, whole, piece_bytes, [&](uint64_t done, uint64_t bytes) {
        auto piece = scratch.first(bytes);
        Outcome read = medium.read(start + done, piece);
        if (read.good()) command.in.copy_in(done, piece.first(std::min(bytes, wanted - done)));
        return read;
    });
    if (wants_forget(command)) medium.forget(start, whole);
    return outcome;
}

Outcome write_in_pieces(Command& command) {
    Scratch scratch(piece_bytes);
    if (!scratch.valid()) return Status::busy;
    Medium medium(command);
    const uint64_t whole = command.out.size() / block_size(command) * block_size(command);
    const uint64_t start = first_byte(command);
    Outcome outcome = in_pieces(command, whole, piece_bytes, [&](uint64_t done, uint64_t bytes) {
        auto piece = scratch.first(bytes);
        command.out.copy_out(done, piece);
        return medium.write(start + done, piece);
    });
    medium.forget(start, whole);
    return outcome;
}

Step done_good(Command& command) {
    command.outcome = {};
    return Step::done;
}

}  // namespace

Step start_read(Command& command) {
    const uint64_t bytes = command.in.size();
    if (bytes == 0) return done_good(command);
    if (wants_forget(command) || bytes % block_size(command) != 0)
        return scsi::offload(command, &read_in_pieces);
    fill_op(command, store::OpKind::read, command.in, bytes);
    return command.submit_io(&read_ended);
}

Step start_write(Command& command) {
    const uint64_t bytes = command.out.size() / block_size(command) * block_size(command);
    if (bytes == 0) return done_good(command);
    if (wants_forget(command)) return scsi::offload(command, &write_in_pieces);
    fill_op(command, store::OpKind::write, command.out, bytes);
    command.op.dsync = wants_dsync(command);
    if (command.op.dsync) {
        if (auto failed = flush_failure(command)) {
            command.outcome = *failed;
            return Step::done;
        }
    }
    return command.submit_io(&write_ended);
}

}  // namespace tgt::sbc
