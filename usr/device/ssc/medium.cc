// SPDX-License-Identifier: GPL-2.0-or-later
// LOAD UNLOAD, ERASE(6), FORMAT MEDIUM, SET CAPACITY (SSC-4 5.2, 7.1, 7.2, 7.12). All are done when
// they are answered: IMMED has nothing to begin early.
#include <algorithm>

#include "device/ssc/append_only.h"
#include "device/ssc/attributes.h"
#include "device/ssc/conditions.h"
#include "device/ssc/handlers.h"
#include "device/ssc/mode_pages.h"
#include "scsi/logical_unit.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using Load = wire::Bits<0>;
using EndOfTape = wire::Bits<2>;
using Hold = wire::Bits<3>;

Outcome unload(Drive& drive, bool hold) {
    if (!hold && drive.unit().preventers() > 0) {
        drive.counters().raise(Alert::no_removal);
        return scsi::sense::medium_removal_prevented();
    }
    return drive.unload(hold);
}

// For commands that make the medium anew: writable, not WORM, at the beginning of partition 0.
std::optional<scsi::Sense> cannot_begin_anew(Command& command, Drive& drive) {
    if (auto sense = drive.refusal_of_write(command.state())) return sense;
    if (drive.tape()->position() != store::TapePosition()) return past_beginning_of_medium();
    return formatting(command, drive);
}

Outcome format_as(Drive& drive, const std::vector<uint64_t>& sizes) {
    if (const int error = drive.tape()->format(sizes))
        return drive.failure(error, scsi::Access::write, {});
    note_format(*drive.tape());
    drive.wrote();
    return drive.flush();
}

}  // namespace

// RETEN has nothing to tighten.
Outcome load_unload(Command& command) {
    Drive& drive = drive_of(command);
    const uint8_t byte4 = command.cdb[4];
    const bool hold = Hold::get(byte4);
    if (!Load::get(byte4)) return unload(drive, hold);
    if (EndOfTape::get(byte4)) return scsi::sense::invalid_field_in_cdb(4, 2);
    return drive.load(command.nexus->id(), hold);
}

// Long or short, everything behind the position is gone.
Outcome erase_6(Command& command) {
    Drive& drive = drive_of(command);
    if (auto sense = drive.refusal_of_write(command.state())) return *sense;
    if (auto sense = erasing(command, drive)) return *sense;
    if (const int error = drive.tape()->truncate())
        return drive.failure(error, scsi::Access::write, {});
    drive.wrote();
    return drive.flush();
}

// SSC-4 7.1: with a format of 0h all is one partition; with 1h and 2h the medium partition page
// says what there is to be.
Outcome format_medium(Command& command) {
    constexpr uint8_t one_partition = 0, last_format = 2;
    Drive& drive = drive_of(command);
    if (auto sense = cannot_begin_anew(command, drive)) return *sense;
    const uint8_t format = command.cdb[2] & 0x0f;
    if (format > last_format) return scsi::sense::invalid_field_in_cdb(2, 3);
    if (wire::load_be<2>(&command.cdb[3]) != 0) return scsi::sense::invalid_field_in_cdb(3);
    const store::TapeInfo& info = drive.tape()->info();
    if (format == one_partition) return format_as(drive, {info.capacity});
    const unsigned most =
        std::min(info.max_partitions, personality_of(command.state()).max_partitions);
    const auto sizes = planned_partitions(command.state(), most, info.capacity);
    return sizes ? format_as(drive, *sizes) : Outcome(sizes.error());
}

// SSC-4 7.12: a part of what the cartridge was made with, 65,535 being all of it.
Outcome set_capacity(Command& command) {
    Drive& drive = drive_of(command);
    if (auto sense = cannot_begin_anew(command, drive)) return *sense;
    const uint64_t proportion = wire::load_be<2>(&command.cdb[3]);
    if (drive.tape()->partitions() > 1) return scsi::sense::invalid_field_in_cdb(3);
    if (proportion == 0) return scsi::sense::invalid_field_in_cdb(3);
    const uint64_t all = drive.tape()->info().capacity;
    return format_as(drive, {all / 0xffff * proportion + all % 0xffff * proportion / 0xffff});
}

}  // namespace tgt::ssc
