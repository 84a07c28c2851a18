// SPDX-License-Identifier: GPL-2.0-or-later
// Sense codes of media changers (SMC-3 annex, SPC-5 annex F).
#pragma once

#include "scsi/sense.h"

namespace tgt::smc::code {

inline scsi::Sense illegal(uint8_t asc, uint8_t ascq) {
    return scsi::sense::make(scsi::SenseKey::illegal_request, asc, ascq);
}
inline scsi::Sense invalid_element() {
    return illegal(0x21, 0x01);
}
inline scsi::Sense destination_full() {
    return illegal(0x3b, 0x0d);
}
inline scsi::Sense source_empty() {
    return illegal(0x3b, 0x0e);
}
// A magazine that cannot be got at: an import/export element that is open.
inline scsi::Sense not_accessible() {
    return illegal(0x3b, 0x11);
}
// Data transfer device removed: a drive element without its drive.
inline scsi::Sense no_drive() {
    return illegal(0x3b, 0x1a);
}
inline scsi::Sense incompatible_medium() {
    return illegal(0x30, 0x00);
}
inline scsi::Sense load_or_eject_failed() {
    return scsi::sense::make(scsi::SenseKey::hardware_error, 0x53, 0x00);
}

}  // namespace tgt::smc::code
