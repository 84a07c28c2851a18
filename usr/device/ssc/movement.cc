// SPDX-License-Identifier: GPL-2.0-or-later
// SPACE, LOCATE, REWIND (SSC-4 5.5, 6.3, 7.3, 7.4, 7.8). What was written before is flushed first,
// so that it is safe once the position has left it.
#include <cstdlib>

#include "device/ssc/conditions.h"
#include "device/ssc/handlers.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using store::TapeBlock;
using store::TapeMoved;
using store::TapeObject;

Outcome failed(Drive& drive, int error) {
    return drive.failure(error, scsi::Access::read, {});
}

// Ready, and nothing of what was written can be lost any more.
Outcome begin(Drive& drive) {
    if (auto sense = drive.not_ready()) return *sense;
    return drive.flush();
}

// ---- SPACE

// SSC-4 5.5, table 45: what stopped it, with the number of objects that were not passed.
Outcome stopped_at(const TapeMoved& moved, uint64_t wanted) {
    const uint64_t residue = wanted - moved.count;
    switch (moved.stopped_at) {
        case TapeObject::filemark:
            return filemark_detected(residue);
        case TapeObject::end_of_data:
            return with_residue(end_of_data(), residue);
        case TapeObject::beginning_of_partition:
            return beginning_of_partition(residue);
        case TapeObject::block:
            break;
    }
    return {};
}

uint64_t magnitude(int64_t count) {
    return count < 0 ? uint64_t(0) - uint64_t(count) : uint64_t(count);
}

Outcome space_blocks(Drive& drive, int64_t count) {
    TapeMoved moved;
    const int error = drive.tape()->space_blocks(count, moved);
    return error ? failed(drive, error) : stopped_at(moved, magnitude(count));
}

Outcome space_filemarks(Drive& drive, int64_t count) {
    TapeMoved moved;
    const int error = drive.tape()->space_filemarks(count, moved);
    return error ? failed(drive, error) : stopped_at(moved, magnitude(count));
}

// `count` filemarks without a block between them: behind the last of them, backwards in front of
// the one that comes last there. The residue would say nothing.
Outcome space_sequential(Drive& drive, int64_t count) {
    store::Tape& tape = *drive.tape();
    const bool forwards = count > 0;
    uint64_t run = 0;
    while (run < magnitude(count)) {
        TapeBlock object;
        const int seen = forwards ? tape.next(object) : tape.previous(object);
        if (seen) return failed(drive, seen);
        if (object.kind == TapeObject::end_of_data) return end_of_data();
        if (object.kind == TapeObject::beginning_of_partition)
            return at_end(scsi::SenseKey::no_sense, 0x00, 0x04);
        const bool mark = object.kind == TapeObject::filemark;
        // Blocks are passed together, up to the next filemark and over it.
        TapeMoved moved;
        const int error = mark ? tape.space_filemarks(forwards ? 1 : -1, moved)
                               : tape.space_blocks(forwards ? INT64_MAX : -INT64_MAX, moved);
        if (error) return failed(drive, error);
        if (mark)
            ++run;
        else
            run = moved.stopped_at == TapeObject::filemark ? 1 : 0;
    }
    return {};
}

Outcome to_end_of_data(Drive& drive, int64_t) {
    store::Tape& tape = *drive.tape();
    const int error = tape.to_end_of_data(tape.position().partition);
    return error ? failed(drive, error) : Outcome();
}

constexpr uint8_t end_of_data_code = 3;

Outcome space(Command& command, int64_t count) {
    using Way = Outcome (*)(Drive&, int64_t);
    static constexpr Way ways[] = {space_blocks, space_filemarks, space_sequential, to_end_of_data};
    const uint8_t code = command.cdb[1] & 0x0f;
    Drive& drive = drive_of(command);
    if (auto sense = drive.not_ready()) return *sense;
    if (code >= std::size(ways)) return scsi::sense::invalid_field_in_cdb(1, 3);
    if (count == 0 && code != end_of_data_code) return {};
    const Outcome flushed = drive.flush();
    return flushed.good() ? ways[code](drive, count) : flushed;
}

// ---- LOCATE

struct Destination {
    bool change_partition;
    uint32_t partition;
    uint16_t partition_field;  // byte of the CDB
    uint64_t identifier;
};

Outcome locate(Command& command, const Destination& to,
               int (*go)(store::Tape&, uint32_t, uint64_t, bool&)) {
    Drive& drive = drive_of(command);
    if (auto sense = drive.not_ready()) return *sense;
    store::Tape& tape = *drive.tape();
    if (to.change_partition && to.partition >= tape.partitions())
        return scsi::sense::invalid_field_in_cdb(to.partition_field);
    const Outcome flushed = drive.flush();
    if (!flushed.good()) return flushed;
    const uint32_t partition = to.change_partition ? to.partition : tape.position().partition;
    bool reached = true;
    if (const int error = go(tape, partition, to.identifier, reached)) return failed(drive, error);
    return reached ? Outcome() : Outcome(end_of_data());
}

int to_object(store::Tape& tape, uint32_t partition, uint64_t object, bool& reached) {
    return tape.locate(partition, object, reached);
}
int to_file(store::Tape& tape, uint32_t partition, uint64_t file, bool& reached) {
    return tape.locate_file(partition, file, reached);
}
int to_end(store::Tape& tape, uint32_t partition, uint64_t, bool&) {
    return tape.to_end_of_data(partition);
}

using ChangePartition = wire::Bits<1>;
using DestinationType = wire::Bits<3, 3>;

}  // namespace

Outcome space_6(Command& command) {
    const uint32_t raw = wire::load_be<3>(&command.cdb[2]);
    return space(command, int32_t(raw << 8) >> 8);
}

Outcome space_16(Command& command) {
    return space(command, int64_t(wire::load_be<8>(&command.cdb[4])));
}

// BT asks for vendor specific identifiers, which are the same here.
Outcome locate_10(Command& command) {
    const auto& cdb = command.cdb;
    const Destination to{bool(ChangePartition::get(cdb[1])), cdb[8], 8, wire::load_be<4>(&cdb[3])};
    return locate(command, to, to_object);
}

Outcome locate_16(Command& command) {
    static constexpr decltype(&to_object) ways[] = {to_object, to_file, nullptr, to_end};
    const auto& cdb = command.cdb;
    const uint8_t type = DestinationType::get(cdb[1]);
    if (type >= std::size(ways) || !ways[type]) return scsi::sense::invalid_field_in_cdb(1, 5);
    const Destination to{bool(ChangePartition::get(cdb[1])), cdb[3], 3, wire::load_be<8>(&cdb[4])};
    return locate(command, to, ways[type]);
}

Outcome rewind(Command& command) {
    Drive& drive = drive_of(command);
    const Outcome ready = begin(drive);
    if (!ready.good()) return ready;
    drive.counters().rewinds.add(1);
    store::Tape& tape = *drive.tape();
    bool reached = true;
    const int error = tape.locate(tape.position().partition, 0, reached);
    return error ? failed(drive, error) : Outcome();
}

}  // namespace tgt::ssc
