// SPDX-License-Identifier: GPL-2.0-or-later
// READ(6) and VERIFY(6) (SSC-4 5.3, 5.8). VERIFY reads as READ does and keeps nothing of it; with
// BYTCMP it compares what it has read with what the initiator has sent.
#include <algorithm>
#include <array>
#include <cstring>

#include "device/ssc/block_codec.h"
#include "device/ssc/conditions.h"
#include "device/ssc/handlers.h"
#include "device/ssc/mode_pages.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

constexpr uint32_t longest_at_once = 1 << 20;  // bytes; others wait meanwhile

using Fixed = wire::Bits<0>;
using Sili = wire::Bits<1>;
using ByteCompare = wire::Bits<1>;
using scsi::Sense;
using store::TapeBlock;
using store::TapeObject;

// One READ or VERIFY while it runs.
struct Reading {
    Command& command;
    Drive& drive;
    store::Tape& tape;
    uint64_t length;  // of the CDB: blocks when fixed, else bytes
    uint32_t fixed_block;
    bool compares = false;
    uint64_t moved = 0;  // bytes

    // Where the data comes from that is compared, or goes to.
    const io::Buffer& memory() const { return compares ? command.out : command.in; }
};

// What stops it belongs to the initiator together with what was read before.
Outcome stopped(Reading& reading, Outcome outcome) {
    if (reading.command.row->direction == scsi::Direction::in) {
        reading.command.in_total = reading.moved;
        outcome.with_data = outcome.sense.has_value();
    }
    return outcome;
}

Outcome medium_failed(Reading& reading, int error, uint64_t residue) {
    return stopped(reading, reading.drive.failure(error, scsi::Access::read, residue));
}

// SSC-4 5.3: a filemark is passed, the end of data is not.
Outcome no_block(Reading& reading, TapeObject kind, uint64_t residue) {
    if (kind != TapeObject::filemark) return stopped(reading, with_residue(end_of_data(), residue));
    store::TapeMoved moved;
    if (const int error = reading.tape.space_filemarks(1, moved))
        return medium_failed(reading, error, residue);
    return stopped(reading, filemark_detected(residue));
}

void count(Drive& drive, const TapeBlock& block) {
    Counters& counters = drive.counters();
    for (Traffic* traffic : {&counters.lifetime, &counters.mount}) {
        traffic->blocks_read.add(1);
        traffic->bytes_read.add(block.length);
        traffic->stored_bytes_read.add(block.stored);
    }
}

// What was sent at `offset` is what was read.
bool same(const io::Buffer& sent, size_t offset, std::span<const uint8_t> read) {
    std::array<iovec, io::Buffer::max_segments> pieces;
    const size_t count = sent.slice(offset, read.size(), pieces.data());
    for (const iovec& piece : std::span(pieces).first(count)) {
        if (std::memcmp(piece.iov_base, read.data(), piece.iov_len) != 0) return false;
        read = read.subspan(piece.iov_len);
    }
    return true;
}

// E/1Dh/00h
Sense miscompare(uint64_t residue) {
    return with_residue(scsi::sense::make(scsi::SenseKey::miscompare, 0x1d, 0x00), residue);
}

// The block is not wanted as it lies there, or not whole.
Outcome read_over_scratch(Reading& reading, const TapeBlock& block, size_t offset, size_t room,
                          uint64_t residue) {
    const bool plain = is_plain(reading.command, block);
    const size_t visible = visible_length(reading.command, block);
    const size_t bytes = block.stored + (plain ? 0 : visible);
    const auto memory = reading.drive.scratch(bytes);
    if (memory.size() < bytes) return Status::busy;
    const auto stored = memory.first(block.stored);
    const iovec iov{stored.data(), stored.size()};
    if (const int error = reading.tape.read({&iov, 1}))
        return reading.drive.failure(error, scsi::Access::read, residue);
    auto clear = stored;
    if (!plain) {
        clear = memory.subspan(block.stored);
        const Outcome decoded = decode(reading.command, reading.drive, block, stored, clear);
        if (!decoded.good()) return decoded;
    }
    const auto wanted = clear.first(std::min(room, visible));
    if (!reading.compares)
        reading.command.in.copy_in(offset, wanted);
    else if (!same(reading.command.out, offset, wanted))
        return miscompare(residue);
    return {};
}

// The block at the position: as much of its beginning as is wanted and has room.
Outcome read_block(Reading& reading, const TapeBlock& block, uint64_t wanted, uint64_t residue) {
    Command& command = reading.command;
    const size_t offset = reading.moved;
    const uint64_t visible = visible_length(command, block);
    const size_t size = reading.memory().size();
    const uint64_t room = offset < size ? size - offset : 0;
    if (reading.compares || !is_plain(command, block) || visible > std::min(room, wanted)) {
        const Outcome read =
            read_over_scratch(reading, block, offset, std::min(room, wanted), residue);
        if (!read.good()) return read;
    } else {
        const size_t pieces = command.in.slice(offset, visible, command.iov.data());
        if (const int error = reading.tape.read(std::span(command.iov).first(pieces)))
            return reading.drive.failure(error, scsi::Access::read, residue);
    }
    reading.moved += std::min(visible, wanted);
    count(reading.drive, block);
    return {};
}

Sense incorrect_length(uint64_t residue) {
    Sense sense = scsi::sense::make(scsi::SenseKey::no_sense, 0x00, 0x00);
    sense.incorrect_length = true;
    sense.information_signed = true;
    return with_residue(sense, residue);
}

Outcome read_fixed(Reading& reading) {
    for (uint64_t done = 0; done < reading.length; ++done) {
        const uint64_t residue = reading.length - done;
        TapeBlock block;
        if (const int error = reading.tape.next(block))
            return medium_failed(reading, error, residue);
        if (block.kind != TapeObject::block) return no_block(reading, block.kind, residue);
        const bool fits = visible_length(reading.command, block) == reading.fixed_block;
        const uint64_t before = reading.moved;
        const Outcome read = read_block(reading, block, reading.fixed_block, residue);
        // The block that does not fit is passed, and neither counted nor transferred.
        if (!fits) reading.moved = before;
        if (!read.good()) return stopped(reading, stopped_by(read, done == 0, residue));
        if (!fits) return stopped(reading, incorrect_length(residue));
    }
    return stopped(reading, {});
}

Outcome read_variable(Reading& reading, bool suppress) {
    TapeBlock block;
    if (const int error = reading.tape.next(block))
        return medium_failed(reading, error, reading.length);
    if (block.kind != TapeObject::block) return no_block(reading, block.kind, reading.length);
    const Outcome read = read_block(reading, block, reading.length, reading.length);
    if (!read.good()) return stopped(reading, stopped_by(read, true, reading.length));
    const int64_t difference =
        int64_t(reading.length) - int64_t(visible_length(reading.command, block));
    // SSC-4 5.3: an overlength block is reported in spite of SILI when there is a block length.
    const bool suppressed =
        suppress && (difference > 0 || fixed_block_bytes(reading.command.state()) == 0);
    if (difference == 0 || suppressed) return stopped(reading, {});
    return stopped(reading, incorrect_length(uint64_t(difference)));
}

// The length of blocks as it was when memory was taken for the data.
uint32_t block_of(const Command& command, uint64_t length) {
    return length ? uint32_t(command.extents.bytes / length) : fixed_block_bytes(command.state());
}

Outcome run(Command& command, uint32_t fixed_block) {
    Drive& drive = drive_of(command);
    const uint64_t length = wire::load_be<3>(&command.cdb[2]);
    const bool fixed = Fixed::get(command.cdb[1]);
    if (auto sense = drive.not_ready()) return *sense;
    if (fixed && fixed_block == 0) return scsi::sense::invalid_field_in_cdb(1, 0);
    if (length == 0) return {};
    if (auto sense = broken_key_lock(command, drive)) return *sense;
    const bool reads = command.row->direction == scsi::Direction::in;
    const bool compares = !reads && ByteCompare::get(command.cdb[1]);
    Reading reading{command, drive, *drive.tape(), length, fixed_block, compares};
    const bool suppress = reads && Sili::get(command.cdb[1]);
    return fixed ? read_fixed(reading) : read_variable(reading, suppress);
}

}  // namespace

Outcome read_6(Command& command) {
    const uint8_t byte1 = command.cdb[1];
    if (Sili::get(byte1) && Fixed::get(byte1)) return scsi::sense::invalid_field_in_cdb(1, 1);
    const uint64_t length = wire::load_be<3>(&command.cdb[2]);
    if (!Fixed::get(byte1)) {
        const uint32_t most = personality_of(command.state()).max_block;
        if (length > most) return scsi::sense::invalid_field_in_cdb(2);
    }
    return run(command, block_of(command, length));
}

// What streams: a whole block of the length that was asked for, as it lies in the page cache.
std::optional<Outcome> read_6_now(Command& command) {
    Drive& drive = drive_of(command);
    const uint64_t length = wire::load_be<3>(&command.cdb[2]);
    const bool whole =
        length != 0 && command.in.size() == length &&
        length <= std::min(longest_at_once, personality_of(command.state()).max_block);
    if (Fixed::get(command.cdb[1]) || !whole || drive.not_ready() ||
        broken_key_lock(command, drive))
        return std::nullopt;
    store::Tape& tape = *drive.tape();
    TapeBlock block;
    if (!tape.next_cached(block) || block.kind != TapeObject::block || block.length != length ||
        !is_plain(command, block))
        return std::nullopt;
    const size_t pieces = command.in.slice(0, length, command.iov.data());
    if (tape.read_cached(std::span(command.iov).first(pieces)) != 0) return std::nullopt;
    count(drive, block);
    return Outcome();
}

Outcome verify_6(Command& command) {
    if (ByteCompare::get(command.cdb[1])) {
        // What was not sent cannot be compared.
        if (command.out.size() < command.extents.bytes) return scsi::sense::invalid_field_in_cdb(2);
        return run(command, block_of(command, wire::load_be<3>(&command.cdb[2])));
    }
    return run(command, fixed_block_bytes(command.state()));
}

}  // namespace tgt::ssc
