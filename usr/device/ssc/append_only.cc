// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/append_only.h"

#include "device/ssc/conditions.h"
#include "device/ssc/handlers.h"
#include "device/ssc/mode_pages.h"
#include "device/ssc/worm.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using What = OverwriteLeave::What;

std::optional<scsi::Sense> refused(Drive& drive) {
    drive.counters().raise(Alert::write_protect);
    return worm_overwrite_attempted();
}

// Leave is for one command, whether that needed it or not.
OverwriteLeave take_leave(Drive& drive) {
    return std::exchange(drive.overwrite_leave(), {});
}

bool is_for_here(const OverwriteLeave& leave, const store::TapePosition& here) {
    return leave.what == What::position && leave.partition == here.partition &&
           leave.object == here.object;
}

// Uses the leave up, if there is one.
bool allowed_here(const Command& command, Drive& drive) {
    const OverwriteLeave leave = take_leave(drive);
    return !append_only(command.state()) || is_for_here(leave, drive.tape()->position());
}

}  // namespace

std::optional<scsi::Sense> overwriting(const Command& command, Drive& drive) {
    if (auto sense = overwriting_worm(drive)) return sense;
    if (allowed_here(command, drive) || nothing_but_filemarks_follows(*drive.tape()))
        return std::nullopt;
    return refused(drive);
}

std::optional<scsi::Sense> erasing(const Command& command, Drive& drive) {
    if (auto sense = emptying_worm(drive)) return sense;
    if (allowed_here(command, drive) || at_end_of_data(*drive.tape())) return std::nullopt;
    return refused(drive);
}

std::optional<scsi::Sense> formatting(const Command& command, Drive& drive) {
    if (auto sense = emptying_worm(drive)) return sense;
    const OverwriteLeave leave = take_leave(drive);
    if (!append_only(command.state()) || leave.what == What::format) return std::nullopt;
    return refused(drive);
}

// A new leave takes the place of the last one, and so does one that is refused.
Outcome allow_overwrite(Command& command) {
    constexpr uint8_t last = uint8_t(What::format);
    Drive& drive = drive_of(command);
    if (auto sense = drive.not_ready()) return *sense;
    OverwriteLeave& leave = drive.overwrite_leave() = {};
    const uint8_t what = command.cdb[2] & 0x0f;
    if (what > last) return scsi::sense::invalid_field_in_cdb(2, 3);
    const store::Tape& tape = *drive.tape();
    const OverwriteLeave asked{What(what), command.cdb[3], wire::load_be<8>(&command.cdb[4])};
    if (asked.what == What::position) {
        if (asked.partition >= tape.partitions()) return scsi::sense::invalid_field_in_cdb(3);
        if (!is_for_here(asked, tape.position())) return sequential_positioning_error();
    }
    leave = asked;
    return {};
}

}  // namespace tgt::ssc
