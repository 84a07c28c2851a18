// SPDX-License-Identifier: GPL-2.0-or-later
// The file that keeps the persistent reservations of one logical unit: JSON text, no I/O here.
#pragma once

#include <string>

#include "base/result.h"
#include "scsi/reservations.h"

namespace tgt::mgmt {

// For people who look into the folder; nothing depends on it.
struct UnitDescription {
    std::string path;
    std::string scsi_id;
};

// The name of the file within its folder: the SHA-256 of `medium_key` in hexadecimal, and ".json".
std::string reservation_file_name(const std::string& medium_key);

std::string encode_reservation_file(const std::string& medium_key,
                                    const UnitDescription& description,
                                    const scsi::Reservations& reservations);

// The reservations in `text`, which are consistent and for this key; else EBADMSG and what is wrong
// with it. PRGENERATION begins at 0 (SPC-4 6.15.2.2: with every power on), and RESERVE(6) does not
// outlive a restart.
Result<scsi::Reservations> decode_reservation_file(const std::string& text,
                                                   const std::string& medium_key);

}  // namespace tgt::mgmt
