// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/sense.h"

#include <algorithm>
#include <array>

#include "wire/endian.h"

namespace tgt::scsi {

namespace {

constexpr size_t fixed_length = 18;
constexpr uint64_t max_fixed_information = 0xffffffffu;

// FILEMARK, EOM and ILI stand in the same bits of both formats (SPC-5 4.4.2.5, 4.4.3).
uint8_t stream_bits(const Sense& sense) {
    return uint8_t((sense.filemark ? 0x80 : 0) | (sense.end_of_medium ? 0x40 : 0) |
                   (sense.incorrect_length ? 0x20 : 0));
}

// The three sense-key specific bytes (SPC-5 4.4.2.4).
std::array<uint8_t, 3> specific_bytes(const Sense& sense) {
    std::array<uint8_t, 3> bytes{0x80};  // SKSV
    if (sense.specific == Sense::Specific::field) {
        if (sense.field_in_cdb) bytes[0] |= 0x40;
        if (sense.field_bit >= 0) bytes[0] |= uint8_t(0x08 | (sense.field_bit & 7));
    }
    wire::store_be<2>(&bytes[1], sense.specific_value);
    return bytes;
}

// SPC-5 4.4.3
size_t encode_fixed(const Sense& sense, std::span<uint8_t> out) {
    std::fill_n(out.begin(), fixed_length, uint8_t(0));
    // What does not fit is left out: VALID stays 0 (SPC-5 4.4.3.2).
    const bool fits = sense.information_signed
                          ? int64_t(sense.information) == int32_t(uint32_t(sense.information))
                          : sense.information <= max_fixed_information;
    const bool valid = sense.has_information && fits;
    out[0] = uint8_t((valid ? 0xf0 : 0x70) | (sense.deferred ? 1 : 0));
    out[2] = uint8_t(stream_bits(sense) | uint8_t(sense.key));
    if (valid) wire::store_be<4>(&out[3], uint32_t(sense.information));
    out[7] = fixed_length - 8;
    out[12] = sense.asc;
    out[13] = sense.ascq;
    if (sense.specific != Sense::Specific::none) {
        auto bytes = specific_bytes(sense);
        std::copy(bytes.begin(), bytes.end(), out.begin() + 15);
    }
    return fixed_length;
}

// SPC-5 4.4.2
size_t encode_descriptor(const Sense& sense, std::span<uint8_t> out) {
    std::fill_n(out.begin(), max_sense_bytes, uint8_t(0));
    out[0] = sense.deferred ? 0x73 : 0x72;
    out[1] = uint8_t(sense.key);
    out[2] = sense.asc;
    out[3] = sense.ascq;
    size_t at = 8;
    auto descriptor = [&](uint8_t type, uint8_t length) {
        uint8_t* start = &out[at];
        start[0] = type;
        start[1] = length;
        at += 2u + length;
        return start;
    };
    if (sense.has_information) {
        uint8_t* bytes = descriptor(0x00, 0x0a);
        bytes[2] = 0x80;  // VALID
        wire::store_be<8>(bytes + 4, sense.information);
    }
    if (sense.specific != Sense::Specific::none) {
        auto from = specific_bytes(sense);
        std::copy(from.begin(), from.end(), descriptor(0x02, 0x06) + 4);
    }
    if (stream_bits(sense)) descriptor(0x04, 0x02)[3] = stream_bits(sense);
    out[7] = uint8_t(at - 8);
    return at;
}

}  // namespace

size_t encode_sense(const Sense& sense, bool descriptor_format, std::span<uint8_t> out) {
    return descriptor_format ? encode_descriptor(sense, out) : encode_fixed(sense, out);
}

namespace sense {

namespace {

Sense with_information(SenseKey key, uint8_t asc, uint8_t ascq, uint64_t information) {
    Sense sense = make(key, asc, ascq);
    sense.has_information = true;
    sense.information = information;
    return sense;
}

Sense with_field(uint8_t asc, bool in_cdb, uint16_t byte, int8_t bit) {
    Sense sense = make(SenseKey::illegal_request, asc, 0x00);
    sense.specific = Sense::Specific::field;
    sense.field_in_cdb = in_cdb;
    sense.field_bit = bit;
    sense.specific_value = byte;
    return sense;
}

}  // namespace

Sense make(SenseKey key, uint8_t asc, uint8_t ascq) {
    Sense sense;
    sense.key = key;
    sense.asc = asc;
    sense.ascq = ascq;
    return sense;
}

Sense invalid_opcode() {
    return make(SenseKey::illegal_request, 0x20, 0x00);
}
Sense lba_out_of_range(uint64_t lba) {
    return with_information(SenseKey::illegal_request, 0x21, 0x00, lba);
}
Sense invalid_field_in_cdb(uint16_t byte, int8_t bit) {
    return with_field(0x24, true, byte, bit);
}
Sense lun_not_supported() {
    return make(SenseKey::illegal_request, 0x25, 0x00);
}
Sense invalid_field_in_parameters(uint16_t byte, int8_t bit) {
    return with_field(0x26, false, byte, bit);
}
Sense parameter_list_length_error() {
    return make(SenseKey::illegal_request, 0x1a, 0x00);
}
Sense saving_parameters_not_supported() {
    return make(SenseKey::illegal_request, 0x39, 0x00);
}
Sense invalid_release_of_reservation() {
    return make(SenseKey::illegal_request, 0x26, 0x04);
}
Sense insufficient_registration_resources() {
    return make(SenseKey::illegal_request, 0x55, 0x04);
}
Sense medium_removal_prevented() {
    return make(SenseKey::illegal_request, 0x53, 0x02);
}
Sense write_protected() {
    return make(SenseKey::data_protect, 0x27, 0x00);
}
Sense space_allocation_failed() {
    return make(SenseKey::data_protect, 0x27, 0x07);
}
Sense medium_not_present() {
    return make(SenseKey::not_ready, 0x3a, 0x00);
}
Sense not_ready(uint8_t ascq) {
    return make(SenseKey::not_ready, 0x04, ascq);
}
Sense unrecovered_read(uint64_t lba) {
    return with_information(SenseKey::medium_error, 0x11, 0x00, lba);
}
Sense write_error(uint64_t lba) {
    return with_information(SenseKey::medium_error, 0x0c, 0x00, lba);
}
Sense miscompare(uint64_t offset) {
    return with_information(SenseKey::miscompare, 0x1d, 0x00, offset);
}
Sense internal_target_failure() {
    return make(SenseKey::hardware_error, 0x44, 0x00);
}
Sense unit_attention(uint8_t asc, uint8_t ascq) {
    return make(SenseKey::unit_attention, asc, ascq);
}
Sense aborted_command(uint8_t asc, uint8_t ascq) {
    return make(SenseKey::aborted_command, asc, ascq);
}

}  // namespace sense

}  // namespace tgt::scsi
