// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/worm.h"

#include "device/ssc/conditions.h"

namespace tgt::ssc {

namespace {

using store::TapeObject;

// Passes filemarks; what comes behind them.
int behind_filemarks(store::Tape& tape, TapeObject& kind) {
    store::TapeBlock object;
    for (;;) {
        if (const int error = tape.next(object)) return error;
        kind = object.kind;
        if (kind != TapeObject::filemark) return 0;
        store::TapeMoved moved;
        if (const int error = tape.space_filemarks(1, moved)) return error;
    }
}

bool is_worm(const Drive& drive) {
    return drive.tape()->info().kind == store::TapeKind::worm;
}

scsi::Sense refused(Drive& drive) {
    drive.counters().raise(Alert::worm_overwrite_attempted);
    return worm_overwrite_attempted();
}

}  // namespace

bool nothing_but_filemarks_follows(store::Tape& tape) {
    const store::TapePosition start = tape.position();
    TapeObject kind = TapeObject::end_of_data;
    const int error = behind_filemarks(tape, kind);
    bool reached = true;
    if (tape.position() != start && tape.locate(start.partition, start.object, reached) != 0)
        return false;
    return error == 0 && kind == TapeObject::end_of_data;
}

bool at_end_of_data(store::Tape& tape) {
    store::TapeBlock object;
    return tape.next(object) == 0 && object.kind == TapeObject::end_of_data;
}

std::optional<scsi::Sense> overwriting_worm(Drive& drive) {
    if (!is_worm(drive) || nothing_but_filemarks_follows(*drive.tape())) return std::nullopt;
    return refused(drive);
}

std::optional<scsi::Sense> emptying_worm(Drive& drive) {
    if (!is_worm(drive)) return std::nullopt;
    return refused(drive);
}

}  // namespace tgt::ssc
