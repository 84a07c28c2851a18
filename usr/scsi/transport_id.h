// SPDX-License-Identifier: GPL-2.0-or-later
// TransportIDs (SPC-4 7.6.4): how PERSISTENT RESERVE names initiators. Pure codecs.
//
// Ports of other protocols are written "tid:<48 hex digits>", the whole TransportID of 24 bytes.
//
// An iSCSI initiator port is written "<iSCSI name>,i,0x<12 hex digits of the ISID>" (RFC
// 7143 4.4.1), an initiator device by its iSCSI name alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tgt::scsi {

// Whether the text names one port, not a device with any number of them.
bool names_port(std::string_view initiator);
// The device that a port belongs to; a device is its own.
std::string_view device_of(std::string_view initiator);

// What the TransportIDs of a protocol with binary names are: FORMAT CODE 00b, and 24 bytes that are
// reserved but for the name.
struct TransportIdForm {
    uint8_t protocol = 0;  // PROTOCOL IDENTIFIER
    uint8_t name_at = 0;
    uint8_t name_bytes = 0;
};
// Of Fibre Channel, SRP and SAS; nullptr for others.
const TransportIdForm* transport_id_form(uint8_t protocol);

// The port of a TransportID of 24 bytes that is not iSCSI's.
std::string port_of(std::span<const uint8_t, 24> transport_id);

// FORMAT CODE 01b for an iSCSI port, 00b for a device and for ports of other protocols.
void append_transport_id(std::vector<uint8_t>& out, std::string_view initiator);

// The initiator of the TransportID that fills `bytes`; an error is the offset of the bad field in
// it.
Result<std::string, size_t> parse_initiator(std::span<const uint8_t> bytes);
// The same where a device is not enough.
Result<std::string, size_t> parse_transport_id(std::span<const uint8_t> bytes);

// How many bytes the TransportID at the beginning of `bytes` has, by its protocol or by the length
// that it says; more than there are, or 0 when that cannot be read, says that it is truncated.
size_t transport_id_bytes(std::span<const uint8_t> bytes);

}  // namespace tgt::scsi
