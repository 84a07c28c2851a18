// SPDX-License-Identifier: GPL-2.0-or-later
// What stops a tape command before it has done all (SSC-4 4.2.8, 4.2.9), as sense.
#pragma once

#include <cstdint>

#include "device/ssc/drive.h"
#include "scsi/outcome.h"
#include "scsi/sense.h"

namespace tgt::ssc {

inline scsi::Sense with_residue(scsi::Sense sense, uint64_t residue) {
    sense.has_information = true;
    sense.information = residue;
    return sense;
}
// What ended a command that moves blocks one by one, `first` or in the middle: with the residue.
// BUSY would ask for all of it again, from a position that has changed: Bh/55h/03h.
inline scsi::Outcome stopped_by(scsi::Outcome outcome, bool first, uint64_t residue) {
    if (outcome.status == scsi::Status::busy && !first)
        outcome = scsi::sense::aborted_command(0x55, 0x03);
    if (!outcome.sense || outcome.sense->key == scsi::SenseKey::illegal_request) return outcome;
    if (!outcome.sense->has_information && !outcome.sense->deferred)
        outcome.sense = with_residue(*outcome.sense, residue);
    return outcome;
}
// 0/00h/01h, FILEMARK
inline scsi::Sense filemark_detected(uint64_t residue) {
    scsi::Sense sense = scsi::sense::make(scsi::SenseKey::no_sense, 0x00, 0x01);
    sense.filemark = true;
    return with_residue(sense, residue);
}
// 8/00h/05h
inline scsi::Sense end_of_data() {
    return scsi::sense::make(scsi::SenseKey::blank_check, 0x00, 0x05);
}
inline scsi::Sense at_end(scsi::SenseKey key, uint8_t asc, uint8_t ascq) {
    scsi::Sense sense = scsi::sense::make(key, asc, ascq);
    sense.end_of_medium = true;
    return sense;
}
// 0/00h/04h, EOM
inline scsi::Sense beginning_of_partition(uint64_t residue) {
    return with_residue(at_end(scsi::SenseKey::no_sense, 0x00, 0x04), residue);
}
// Dh/00h/02h, EOM: the partition is full.
inline scsi::Sense volume_overflow(uint64_t residue) {
    return with_residue(at_end(scsi::SenseKey::volume_overflow, 0x00, 0x02), residue);
}
// 7/30h/0Ch
inline scsi::Sense worm_overwrite_attempted() {
    return scsi::sense::make(scsi::SenseKey::data_protect, 0x30, 0x0c);
}
// 5/3Bh/0Ch
inline scsi::Sense past_beginning_of_medium() {
    return scsi::sense::make(scsi::SenseKey::illegal_request, 0x3b, 0x0c);
}

// 5/3Bh/00h
inline scsi::Sense sequential_positioning_error() {
    return scsi::sense::make(scsi::SenseKey::illegal_request, 0x3b, 0x00);
}

}  // namespace tgt::ssc
