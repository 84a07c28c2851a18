// SPDX-License-Identifier: GPL-2.0-or-later
// Sense data as a value (SPC-5 4.4) and its named builders. Handlers never write sense bytes
// themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace tgt::scsi {

enum class SenseKey : uint8_t {
    no_sense = 0x0,
    recovered_error = 0x1,
    not_ready = 0x2,
    medium_error = 0x3,
    hardware_error = 0x4,
    illegal_request = 0x5,
    unit_attention = 0x6,
    data_protect = 0x7,
    blank_check = 0x8,
    copy_aborted = 0xa,
    aborted_command = 0xb,
    volume_overflow = 0xd,
    miscompare = 0xe,
    completed = 0xf,
};

struct Sense {
    SenseKey key = SenseKey::no_sense;
    uint8_t asc = 0;
    uint8_t ascq = 0;

    enum class Specific : uint8_t { none, field, progress };
    Specific specific = Specific::none;  // which sense-key specific bytes are valid (SPC-5 4.4.2.4)
    bool field_in_cdb = false;           // field: in the CDB, else in the parameter data
    int8_t field_bit = -1;               // field: 7..0, or -1 when the whole byte is meant
    uint16_t specific_value = 0;         // field: byte number; progress: 0..65535

    bool has_information = false;
    uint64_t information = 0;  // an LBA, an offset or a residue, as the command defines it
    // A difference, which may be negative (two's complement).
    bool information_signed = false;

    bool filemark = false;
    bool end_of_medium = false;
    bool incorrect_length = false;

    // Of commands that have ended with GOOD; the one that is told has not been carried out (SPC-4
    // 4.5.5).
    bool deferred = false;

    bool operator==(const Sense&) const = default;
};

constexpr size_t max_sense_bytes = 64;          // of our own
constexpr size_t max_device_sense_bytes = 252;  // SPC-5 4.4.1

// Encodes in fixed (70h) or descriptor (72h) format, with the next code when it is deferred;
// returns the length. `out` has max_sense_bytes
// or more. Fixed format leaves an information value over 32 bits out.
size_t encode_sense(const Sense& sense, bool descriptor_format, std::span<uint8_t> out);

namespace sense {

Sense make(SenseKey key, uint8_t asc, uint8_t ascq);
Sense invalid_opcode();                                             // 5/20h/00h
Sense lba_out_of_range(uint64_t lba);                               // 5/21h/00h, INFORMATION = lba
Sense invalid_field_in_cdb(uint16_t byte, int8_t bit = -1);         // 5/24h/00h
Sense lun_not_supported();                                          // 5/25h/00h
Sense invalid_field_in_parameters(uint16_t byte, int8_t bit = -1);  // 5/26h/00h
Sense parameter_list_length_error();                                // 5/1Ah/00h
Sense saving_parameters_not_supported();                            // 5/39h/00h
Sense invalid_release_of_reservation();                             // 5/26h/04h
Sense insufficient_registration_resources();                        // 5/55h/04h
Sense medium_removal_prevented();                                   // 5/53h/02h
Sense write_protected();                                            // 7/27h/00h
Sense space_allocation_failed();                                    // 7/27h/07h
Sense medium_not_present();                                         // 2/3Ah/00h
Sense not_ready(uint8_t ascq);                                      // 2/04h/ascq
Sense unrecovered_read(uint64_t lba);                               // 3/11h/00h, INFORMATION = lba
Sense write_error(uint64_t lba);                                    // 3/0Ch/00h, INFORMATION = lba
Sense miscompare(uint64_t offset);                 // E/1Dh/00h, INFORMATION = offset
Sense internal_target_failure();                   // 4/44h/00h
Sense unit_attention(uint8_t asc, uint8_t ascq);   // 6
Sense aborted_command(uint8_t asc, uint8_t ascq);  // B

}  // namespace sense

}  // namespace tgt::scsi
