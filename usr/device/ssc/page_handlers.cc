// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/page_handlers.h"

#include <algorithm>
#include <optional>

#include "device/ssc/attributes.h"
#include "device/ssc/density.h"
#include "device/ssc/drive.h"
#include "device/ssc/log_pages.h"
#include "device/ssc/mode_pages.h"
#include "device/ssc/personality.h"
#include "scsi/log_pages.h"
#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using scsi::Command;
using scsi::Outcome;

constexpr scsi::UnitAttention log_parameters_changed{0x2a, 0x02};

std::optional<MediumModes> medium_modes(const Drive& drive, const scsi::LunState& state) {
    const store::Tape* tape = drive.tape();
    if (!tape) return std::nullopt;
    const store::TapeInfo& info = tape->info();
    const Personality& personality = personality_of(state);
    MediumModes medium;
    medium.density = info.density ? info.density : personality.density;
    medium.kind = info.kind;
    medium.write_protected = drive.protection(state).has_value();
    medium.max_partitions = std::min(personality.max_partitions, info.max_partitions);
    medium.active_partition = tape->position().partition;
    medium.partitions.clear();
    for (uint32_t i = 0; i < tape->partitions(); ++i)
        medium.partitions.push_back(tape->room(i).capacity);
    return medium;
}

LogFacts log_facts(const Command& command) {
    const Drive& drive = drive_of(command);
    const scsi::LunState& state = command.state();
    LogFacts facts{drive.counters(), state.identity.scsi_sn};
    facts.compresses = compresses(state);
    facts.prevented = command.shard->unit.preventers() > 0;
    facts.cartridge = drive.cartridge();
    facts.loaded = drive.tape() != nullptr;
    if (!facts.cartridge) return facts;
    facts.write_protected = drive.protection(state).has_value();
    facts.thread_count = load_count(*facts.cartridge);
    return facts;
}

template <void (*page)(const LogFacts&, LogBody&)>
void build(const Command& command, LogBody& body) {
    page(log_facts(command), body);
}

// SSC-4 4.2.20.2.1: flags are deactivated when they have been told.
void build_alerts(const Command& command, LogBody& body) {
    log_alerts(log_facts(command), body);
    drive_of(command).counters().alerts.store(0, std::memory_order_relaxed);
}

// Pages with something that LOG SELECT can begin anew.
bool can_be_reset(uint8_t page, uint8_t subpage) {
    constexpr uint8_t pages[] = {0x00, 0x02, 0x03, 0x06, 0x0c, 0x14,
                                 0x17, 0x1b, 0x2e, 0x30, 0x32, 0x3f};
    return subpage == 0 && std::find(std::begin(pages), std::end(pages), page) != std::end(pages);
}

Outcome no_medium() {
    return scsi::sense::medium_not_present();
}

// The partition that a READ or WRITE ATTRIBUTE names, if it is there.
std::optional<Outcome> wrong_place(const Command& command, const store::Tape* tape) {
    const uint8_t volume = command.cdb[5], partition = command.cdb[7];
    if (!tape) return no_medium();
    if (volume != 0) return scsi::sense::invalid_field_in_cdb(5);
    if (partition >= tape->partitions()) return scsi::sense::invalid_field_in_cdb(7);
    return std::nullopt;
}

std::vector<uint8_t> attribute_data(const Command& command, const Drive& drive,
                                    const store::Tape& tape) {
    enum Action : uint8_t { values, list, volumes, partitions };
    const uint8_t action = command.cdb[1] & 0x1f;
    const auto first = uint16_t(wire::load_be<2>(&command.cdb[8]));
    if (action == volumes) return numbers_from_zero(1);
    if (action == partitions) return numbers_from_zero(uint8_t(tape.partitions()));
    if (action > partitions) return supported_attributes(first);
    const Attributes all = attributes_of(tape, command.cdb[7], drive.counters());
    return action == list ? attribute_list(all, first) : attribute_values(all, first);
}

}  // namespace

Outcome mode_sense(Command& command) {
    const Drive& drive = drive_of(command);
    const scsi::LunState& state = command.state();
    const auto request = scsi::mode_sense_request(command);
    std::vector<scsi::ModePage> pages;
    auto view = shown_modes(state, medium_modes(drive, state), pages);
    if (request.no_descriptors) view.descriptor.clear();
    const auto data = scsi::mode_sense_data(view, request);
    if (!data) return data.error();
    return command.reply(*data, command.extents.bytes);
}

Outcome log_sense(Command& command) {
    return scsi::run_log_sense(command);
}

// Nothing can be set to a value, and nothing is saved.
Outcome log_select(Command& command) {
    constexpr uint8_t sp = 0x01, pcr = 0x02;
    const auto& cdb = command.cdb;
    const uint8_t page = cdb[2] & 0x3f, subpage = cdb[3];
    if (cdb[1] & sp) return scsi::sense::invalid_field_in_cdb(1, 0);
    if (command.out_total != 0) return scsi::sense::invalid_field_in_cdb(7);
    if (!can_be_reset(page, subpage)) return scsi::sense::invalid_field_in_cdb(subpage ? 3 : 2);
    if (!(cdb[1] & pcr)) return {};
    Counters& counters = drive_of(command).counters();
    counters.mount.clear();
    counters.alerts.store(0, std::memory_order_relaxed);
    command.shard->unit.attention_board().post(log_parameters_changed, command.nexus->id());
    return {};
}

Outcome report_density_support(Command& command) {
    constexpr uint8_t media = 0x01, medium_type = 0x02;
    const uint8_t asked = command.cdb[1];
    const Drive& drive = drive_of(command);
    const Personality& personality = personality_of(command.state());
    std::vector<uint8_t> data;
    if (asked & media) {
        const store::Tape* tape = drive.tape();
        if (!tape) return drive.not_ready().value_or(scsi::sense::medium_not_present());
        const uint8_t density = tape->info().density ? tape->info().density : personality.density;
        data = asked & medium_type ? medium_type_support_of_medium(density, tape->info().kind)
                                   : density_support_of_medium(personality, density);
    } else {
        data =
            asked & medium_type ? medium_type_support(personality) : density_support(personality);
    }
    return command.reply(data, command.extents.bytes);
}

Outcome read_attribute(Command& command) {
    const Drive& drive = drive_of(command);
    const store::Tape* tape = drive.cartridge();
    if (auto wrong = wrong_place(command, tape)) return *wrong;
    return command.reply(attribute_data(command, drive, *tape), command.extents.bytes);
}

Outcome write_attribute(Command& command) {
    Drive& drive = drive_of(command);
    store::Tape* tape = drive.cartridge();
    if (auto wrong = wrong_place(command, tape)) return *wrong;
    const auto list = command.parameter_list();
    if (list.size() < command.out_total) return scsi::sense::parameter_list_length_error();
    const auto changes = parse_attributes(list);
    if (!changes) return changes.error();
    const Outcome outcome = write_attributes(*tape, command.cdb[7], *changes);
    if (!outcome.good() || changes->empty()) return outcome;
    drive.wrote();
    return drive.flush();
}

const std::array<scsi::LogPage, 13> log_pages = {{
    {0x02, 0, build<log_write_errors>},
    {0x03, 0, build<log_read_errors>},
    {0x06, 0, build<log_non_medium_errors>},
    {0x0c, 0, build<log_sequential_access>},
    {0x11, 0, build<log_device_status>},
    {0x12, 0, build<log_alert_response>},
    {0x14, 0, build<log_device_statistics>},
    {0x17, 0, build<log_volume_statistics>},
    {0x1b, 0, build<log_data_compression>},
    {0x2e, 0, build_alerts},
    {0x30, 0, build<log_usage>},
    {0x31, 0, build<log_capacity>},
    {0x32, 0, build<log_compression>},
}};

}  // namespace tgt::ssc
