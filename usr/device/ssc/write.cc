// SPDX-License-Identifier: GPL-2.0-or-later
// WRITE(6) and WRITE FILEMARKS(6) (SSC-4 5.10, 5.11).
#include <cerrno>

#include "device/ssc/append_only.h"
#include "device/ssc/block_codec.h"
#include "device/ssc/conditions.h"
#include "device/ssc/handlers.h"
#include "device/ssc/mode_pages.h"
#include "scsi/nexus.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using Fixed = wire::Bits<0>;
using Immed = wire::Bits<0>;
using store::TapeObject;

bool synchronises_at_early_warning(const scsi::LunState& state) {
    constexpr uint8_t sew = 0x08;  // SSC-4 8.3.3, byte 10
    const scsi::ModePage* page = state.mode_page(0x10);
    return page && page->current.size() > 8 && (page->current[8] & sew);
}

// SSC-4 4.2.5, 4.2.7: everything was written, and the end is near. Early warning is told each time,
// programmable early warning once.
Outcome warned(Command& command, Drive& drive, const Warning& before) {
    const Warning now = drive.warning(command.state());
    if (now.early) {
        if (!before.early && synchronises_at_early_warning(command.state())) {
            const Outcome flushed = drive.flush();
            if (!flushed.good()) return flushed;
        }
        return with_residue(at_end(scsi::SenseKey::no_sense, 0x00, 0x02), 0);
    }
    if (now.programmable && !before.programmable)
        return with_residue(at_end(scsi::SenseKey::no_sense, 0x00, 0x07), 0);
    return {};
}

// When a command that writes ends, whatever its outcome, the initiator takes for written what it
// has not told otherwise.
class Acknowledging {
  public:
    Acknowledging(const Command& command, Drive& drive)
        : nexus_(command.nexus->id()), drive_(drive) {}
    ~Acknowledging() { drive_.acknowledge(nexus_); }
    Acknowledging(const Acknowledging&) = delete;
    Acknowledging& operator=(const Acknowledging&) = delete;

  private:
    const scsi::NexusId& nexus_;
    Drive& drive_;
};

Outcome write_failed(Drive& drive, int error, uint64_t residue) {
    if (error == EFBIG) return volume_overflow(residue);
    return drive.write_failure(error, residue);
}

bool full(const store::Tape& tape, uint64_t more) {
    const store::TapeRoom room = tape.room(tape.position().partition);
    return room.before + more > room.capacity;
}

void count(Drive& drive, const store::TapeBlock& block) {
    Counters& counters = drive.counters();
    for (Traffic* traffic : {&counters.lifetime, &counters.mount}) {
        traffic->blocks_written.add(1);
        traffic->bytes_written.add(block.length);
        traffic->stored_bytes_written.add(block.stored);
    }
}

// A cartridge without density gets that of the drive with its first block.
int set_density(Command& command, store::Tape& tape) {
    const uint8_t density = personality_of(command.state()).density;
    const bool first = tape.position() == store::TapePosition();
    if (!first || density == 0 || tape.info().density != 0) return 0;
    return tape.set_density(density);
}

Outcome write_block(Command& command, Drive& drive, size_t offset, uint32_t length,
                    uint64_t residue) {
    store::Tape& tape = *drive.tape();
    EncodedBlock encoded;
    const Outcome made = encode(command, drive, offset, length, encoded);
    if (!made.good()) return made;
    if (full(tape, encoded.block.stored)) return volume_overflow(residue);
    if (const int error = tape.write(encoded.block, encoded.iov()))
        return write_failed(drive, error, residue);
    drive.wrote();
    count(drive, encoded.block);
    return {};
}

// The lengths of the CDB; 5/24h at the field that is wrong.
std::optional<scsi::Sense> wrong_length(const Command& command, bool fixed, uint32_t block) {
    if (fixed && block == 0) return scsi::sense::invalid_field_in_cdb(1, 0);
    if (block > personality_of(command.state()).max_block)
        return scsi::sense::invalid_field_in_cdb(2);
    // What was not sent cannot be written, and a block is never made shorter.
    if (command.out.size() < command.extents.bytes) return scsi::sense::invalid_field_in_cdb(2);
    return std::nullopt;
}

}  // namespace

Outcome write_6(Command& command) {
    Drive& drive = drive_of(command);
    if (auto sense = drive.refusal_of_write(command.state())) return *sense;
    const uint64_t length = wire::load_be<3>(&command.cdb[2]);
    const bool fixed = Fixed::get(command.cdb[1]);
    // The block length as it was when memory was taken for the data.
    const uint64_t blocks = fixed ? length : 1;
    const uint32_t block =
        length ? uint32_t(command.extents.bytes / blocks) : fixed_block_bytes(command.state());
    if (fixed && block == 0) return scsi::sense::invalid_field_in_cdb(1, 0);
    if (length == 0) return {};
    if (auto sense = wrong_length(command, fixed, block)) return *sense;
    if (auto sense = broken_key_lock(command, drive)) return *sense;
    if (auto sense = overwriting(command, drive)) return *sense;
    const Acknowledging at_end(command, drive);
    const Warning before = drive.warning(command.state());
    if (const int error = set_density(command, *drive.tape()))
        return write_failed(drive, error, length);
    for (uint64_t done = 0; done < blocks; ++done) {
        const uint64_t residue = fixed ? blocks - done : length;
        const Outcome written = write_block(command, drive, done * block, block, residue);
        if (!written.good()) return stopped_by(written, done == 0, residue);
    }
    if (!buffered(command.state())) {
        const Outcome flushed = drive.flush();
        if (!flushed.good()) return flushed;
    }
    return warned(command, drive, before);
}

Outcome write_filemarks_6(Command& command) {
    Drive& drive = drive_of(command);
    if (auto sense = drive.not_ready()) return *sense;
    const uint32_t marks = wire::load_be<3>(&command.cdb[2]);
    const bool immediate = Immed::get(command.cdb[1]);
    if (immediate && !buffered(command.state())) return scsi::sense::invalid_field_in_cdb(1, 0);
    if (marks == 0) return immediate ? Outcome() : drive.flush();
    if (auto sense = drive.refusal_of_write(command.state())) return *sense;
    if (auto sense = overwriting(command, drive)) return *sense;
    store::Tape& tape = *drive.tape();
    const Acknowledging at_end(command, drive);
    const Warning before = drive.warning(command.state());
    if (full(tape, 0)) return volume_overflow(marks);
    if (const int error = set_density(command, tape)) return write_failed(drive, error, marks);
    if (const int error = tape.write_filemarks(marks)) return write_failed(drive, error, marks);
    drive.wrote();
    Counters& counters = drive.counters();
    for (Traffic* traffic : {&counters.lifetime, &counters.mount})
        traffic->filemarks_written.add(marks);
    if (!immediate) {
        const Outcome flushed = drive.flush();
        if (!flushed.good()) return flushed;
    }
    return warned(command, drive, before);
}

}  // namespace tgt::ssc
