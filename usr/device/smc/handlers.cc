// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/handlers.h"

#include <algorithm>

#include "device/smc/element_information.h"
#include "device/smc/element_status.h"
#include "device/smc/model.h"
#include "device/smc/sense_codes.h"
#include "device/smc/volume_search.h"
#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "wire/endian.h"

namespace tgt::smc {

namespace {

using scsi::Command;
using scsi::Outcome;
using scsi::Status;

constexpr uint8_t last_kind = uint8_t(store::ElementKind::drive);

uint16_t field(const Command& command, size_t at) {
    return wire::load_be<2>(&command.cdb[at]);
}

// VOLTAG, ELEMENT TYPE CODE, STARTING ELEMENT ADDRESS, NUMBER OF ELEMENTS.
StatusRequest request_of(const Command& command) {
    StatusRequest out;
    out.kind = command.cdb[1] & 0x0f;
    out.volume_tags = (command.cdb[1] & 0x10) != 0;
    out.start = field(command, 2);
    out.count = field(command, 4);
    return out;
}

}  // namespace

// SMC-3 6.4: the inventory is always known.
Outcome initialize_element_status(Command&) {
    return Status::good;
}

// SMC-3 6.5: with RANGE the elements have to be there.
Outcome initialize_range(Command& command) {
    const bool range = (command.cdb[1] & 0x01) != 0;
    const auto& elements = changer_of(command).inventory().elements;
    if (range && elements.count(field(command, 2)) == 0) return code::invalid_element();
    return Status::good;
}

// SMC-3 6.7
Outcome open_close_element(Command& command) {
    constexpr uint8_t open = 0, close = 1;
    const uint8_t action = command.cdb[4] & 0x1f;
    if (action > close) return scsi::sense::invalid_field_in_cdb(4, 4);
    return changer_of(command).set_open(field(command, 2), action == open, command.itl->id);
}

// SMC-3 6.8
Outcome position_to_element(Command& command) {
    if (command.cdb[8] & 0x01) return scsi::sense::invalid_field_in_cdb(8, 0);  // INVERT
    return changer_of(command).position(field(command, 2), field(command, 4));
}

// SMC-3 6.6
Outcome move_medium(Command& command) {
    if (command.cdb[10] & 0x01) return scsi::sense::invalid_field_in_cdb(10, 0);  // INVERT
    return changer_of(command).move({field(command, 2), field(command, 4), field(command, 6)});
}

// SMC-3 6.2
Outcome exchange_medium(Command& command) {
    if (command.cdb[10] & 0x01) return scsi::sense::invalid_field_in_cdb(10, 0);  // INV2
    if (command.cdb[10] & 0x02) return scsi::sense::invalid_field_in_cdb(10, 1);  // INV1
    return changer_of(command).exchange(field(command, 2), field(command, 4), field(command, 6),
                                        field(command, 8));
}

// SMC-3 6.10. CURDATA asks for what is known without moving anything: that is always all.
Outcome read_element_status(Command& command) {
    StatusRequest request = request_of(command);
    if (request.kind > last_kind) return scsi::sense::invalid_field_in_cdb(1, 3);
    request.device_ids = (command.cdb[6] & 0x01) != 0;
    const Changer& changer = changer_of(command);
    const auto elements = select_elements(changer, request);
    const uint64_t room = command.extents.bytes;
    return command.reply(element_status(changer, request, elements, room), room);
}

// SMC-3: CDATA asks for what is known without looking: that is always all.
Outcome report_element_information(Command& command) {
    const uint8_t page = command.cdb[2];
    const bool counted = (command.cdb[3] & 0x20) != 0;  // NEV
    const uint32_t start = wire::load_be<4>(&command.cdb[6]);
    StatusRequest request;
    request.kind = command.cdb[3] & 0x0f;
    request.start = uint16_t(start);
    request.count = counted ? command.cdb[14] : UINT16_MAX;
    if (!is_information_page(page)) return scsi::sense::invalid_field_in_cdb(2, 7);
    if (request.kind > last_kind) return scsi::sense::invalid_field_in_cdb(3, 3);
    const Changer& changer = changer_of(command);
    std::vector<uint16_t> elements;
    if (start <= UINT16_MAX) elements = select_elements(changer, request);
    return command.reply(element_information(changer, page, request.kind, elements),
                         command.extents.bytes);
}

// SMC-3 6.13
Outcome send_volume_tag(Command& command) {
    StatusRequest request = request_of(command);
    request.count = UINT16_MAX;
    if (request.kind > last_kind) return scsi::sense::invalid_field_in_cdb(1, 3);
    const uint8_t action = command.cdb[5] & 0x1f;
    if (!is_search(action)) return scsi::sense::invalid_field_in_cdb(5, 4);
    const auto list = command.parameter_list();
    if (list.size() != search_list_bytes) return scsi::sense::parameter_list_length_error();
    Changer& changer = changer_of(command);
    const auto all = select_elements(changer, request);
    changer.search = Changer::VolumeSearch{command.itl->id, action,
                                           find_volumes(changer.inventory(), all, list)};
    return Status::good;
}

// SMC-3 6.12
Outcome request_volume_element_address(Command& command) {
    const StatusRequest request = request_of(command);
    if (request.kind > last_kind) return scsi::sense::invalid_field_in_cdb(1, 3);
    const Changer& changer = changer_of(command);
    if (!changer.search || !(changer.search->by == command.itl->id))
        return code::illegal(0x2c, 0x00);  // command sequence error: nobody has asked
    std::vector<uint16_t> elements;
    const std::vector<uint16_t>& found = changer.search->found;  // in order, too
    for (const uint16_t address :
         select_elements(changer, {request.kind, request.start, UINT16_MAX, false, false}))
        if (elements.size() < request.count &&
            std::binary_search(found.begin(), found.end(), address))
            elements.push_back(address);
    const uint64_t room = command.extents.bytes;
    return command.reply(element_status(changer, request, elements, room, changer.search->action),
                         room);
}

// SPC-5 6.18: the operator's door stays shut. SMC-3 table 3: PREVENT conflicts, ALLOW does not.
Outcome prevent_allow(Command& command) {
    const bool prevent = (command.cdb[4] & 0x01) != 0;
    const bool conflicts = command.itl->forbidden & scsi::class_bit(scsi::ReservationClass::write);
    if (prevent && conflicts) return Status::reservation_conflict;
    command.itl->set_prevents_removal(prevent);
    return {};
}

}  // namespace tgt::smc
