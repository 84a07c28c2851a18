// SPDX-License-Identifier: GPL-2.0-or-later
// SECURITY PROTOCOL IN and OUT (SPC-4 6.40, 6.41; SSC-4 8.5).
#include <string.h>
#include <sys/random.h>

#include "device/ssc/block_codec.h"
#include "device/ssc/encryption.h"
#include "device/ssc/page_handlers.h"
#include "device/ssc/personality.h"
#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using scsi::Command;
using scsi::Outcome;

constexpr uint8_t information = 0x00, tape_data_encryption = 0x20;
constexpr scsi::UnitAttention encryption_changed_by_another{0x2a, 0x11};

using Page = std::optional<std::vector<uint8_t>>;

uint16_t specific(const Command& command) {
    return uint16_t(wire::load_be<2>(&command.cdb[2]));
}

// SPC-4 7.7.1: the protocols, and a certificate that there is none of.
Page information_page(const Command& command) {
    const bool encryption = personality_of(command.state()).encryption;
    if (specific(command) == 1) return std::vector<uint8_t>(4);
    if (specific(command) != 0) return std::nullopt;
    std::vector<uint8_t> page = {0, 0, 0, 0, 0, 0, 0, 1, information};
    if (encryption) {
        page[7] = 2;
        page.push_back(tape_data_encryption);
    }
    return page;
}

Page encryption_page(Command& command) {
    Drive& drive = drive_of(command);
    std::array<uint8_t, 32> number{};
    switch (specific(command)) {
        case 0x0000:
            return encryption_pages_in();
        case 0x0001:
            return encryption_pages_out();
        case 0x0010:
            return encryption_capabilities({takes_encryption(drive, command.state())});
        case 0x0011:
            return encryption_key_formats();
        case 0x0012:
            return encryption_management();
        case 0x0020:
            return encryption_status(drive.codec().encryption, command.nexus->id());
        case 0x0021:
            return next_block_status(next_block(command, drive));
        case 0x0030:
            if (getrandom(number.data(), number.size(), 0) != ssize_t(number.size()))
                return std::nullopt;
            return random_number(number);
        default:
            return std::nullopt;
    }
}

// Keys do not stay in buffers that others will get.
void wipe(Command& command, std::vector<uint8_t>& list) {
    explicit_bzero(list.data(), list.size());
    for (const iovec& piece : command.out.segments()) explicit_bzero(piece.iov_base, piece.iov_len);
}

Outcome take_keys(Command& command, const std::vector<uint8_t>& list) {
    if (list.size() < command.out_total) return scsi::sense::parameter_list_length_error();
    auto wanted = parse_set_encryption(list);
    if (!wanted) return wanted.error();
    const bool shared = wanted->scope == SetEncryption::Scope::all;
    const scsi::NexusId& nexus = command.nexus->id();
    // Insufficient resources.
    if (!drive_of(command).codec().encryption.set(nexus, std::move(*wanted)))
        return scsi::sense::make(scsi::SenseKey::illegal_request, 0x55, 0x03);
    if (shared) command.shard->unit.attention_board().post(encryption_changed_by_another, nexus);
    return {};
}

}  // namespace

Outcome security_protocol_in(Command& command) {
    const uint8_t protocol = command.cdb[1];
    Page page;
    if (protocol == information)
        page = information_page(command);
    else if (protocol == tape_data_encryption && personality_of(command.state()).encryption)
        page = encryption_page(command);
    else
        return scsi::sense::invalid_field_in_cdb(1);
    if (!page) return scsi::sense::invalid_field_in_cdb(2);
    return command.reply(*page, command.extents.bytes);
}

Outcome security_protocol_out(Command& command) {
    constexpr uint16_t set_data_encryption = 0x0010;
    const bool known =
        command.cdb[1] == tape_data_encryption && personality_of(command.state()).encryption;
    if (!known) return scsi::sense::invalid_field_in_cdb(1);
    if (specific(command) != set_data_encryption) return scsi::sense::invalid_field_in_cdb(2);
    auto list = command.parameter_list();
    const Outcome outcome = take_keys(command, list);
    wipe(command, list);
    return outcome;
}

}  // namespace tgt::ssc
