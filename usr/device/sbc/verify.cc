// SPDX-License-Identifier: GPL-2.0-or-later
// VERIFY and WRITE AND VERIFY (SBC-4 5.36 to 5.38, 5.45 to 5.47).
#include "device/sbc/handlers.h"
#include "device/sbc/medium.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

using ByteCheck = wire::Bits<1, 2>;
enum : unsigned { check_medium = 0, check_bytes = 1, check_one_block = 3 };

// Reads [start, start + length) and hands each piece to `look(piece, offset)`.
template <class Fn>
Outcome read_and(Command& command, uint64_t start, uint64_t length, Fn&& look) {
    Scratch scratch(piece_bytes);
    if (!scratch.valid()) return Status::busy;
    Medium medium(command);
    return in_pieces(command, length, piece_bytes, [&](uint64_t done, uint64_t bytes) {
        auto piece = scratch.first(bytes);
        Outcome outcome = medium.read(start + done, piece);
        return outcome.good() ? look(std::span<const uint8_t>(piece), done) : outcome;
    });
}

Outcome compare_with_data_out(Command& command, uint64_t length) {
    Scratch expected(piece_bytes);
    if (!expected.valid()) return Status::busy;
    auto look = [&](std::span<const uint8_t> piece, uint64_t done) {
        auto sent = expected.first(piece.size());
        command.out.copy_out(done, sent);
        return compare(sent, piece, done);
    };
    return read_and(command, first_byte(command), length, look);
}

Outcome compare_with_one_block(Command& command, uint64_t length) {
    const auto block = command.parameter_list();
    auto look = [&](std::span<const uint8_t> piece, uint64_t done) {
        for (size_t at = 0; at < piece.size(); at += block.size()) {
            Outcome outcome = compare(block, piece.subspan(at, block.size()), done + at);
            if (!outcome.good()) return outcome;
        }
        return Outcome();
    };
    return read_and(command, first_byte(command), length, look);
}

Outcome check_readable(Command& command, uint64_t length) {
    return read_and(command, first_byte(command), length,
                    [](std::span<const uint8_t>, uint64_t) { return Outcome(); });
}

}  // namespace

Outcome verify(Command& command) {
    const unsigned check = ByteCheck::get(command.cdb[1]);
    if (check == 2) return scsi::sense::invalid_field_in_cdb(1, 2);
    const uint64_t length = command.extents.blocks * block_size(command);
    if (length == 0) return {};
    // What the initiator did not send cannot be verified, and GOOD would say that it was.
    if (command.out.size() < command.out_total) return scsi::sense::invalid_field_in_cdb(1, 2);
    if (check == check_bytes) return compare_with_data_out(command, length);
    if (check == check_one_block) return compare_with_one_block(command, length);
    return check_readable(command, length);
}

Outcome write_and_verify(Command& command) {
    const unsigned check = ByteCheck::get(command.cdb[1]);
    if (check > check_bytes) return scsi::sense::invalid_field_in_cdb(1, 2);
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
    // The verification is of the medium, so the data must have got there.
    if (outcome.good() && whole > 0) outcome = medium.flush();
    if (!outcome.good()) return outcome;
    if (check == check_bytes) outcome = compare_with_data_out(command, whole);
    if (check == check_medium) outcome = check_readable(command, whole);
    if (wants_forget(command)) medium.forget(start, whole);
    return outcome;
}

}  // namespace tgt::sbc
