// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/spc_commands.h"

#include "scsi/logical_unit.h"
#include "scsi/nexus.h"
#include "scsi/target.h"
#include "wire/endian.h"
#include "wire/scsi_lun.h"

namespace tgt::scsi {

namespace {

constexpr size_t min_report_luns = 16;

enum SelectReport : uint8_t { addressed, well_known, everything };

// What REQUEST SENSE reports (SPC-4 6.39); a pending unit attention is gone then.
Sense take_sense(const Command& command) {
    if (!command.itl) return sense::lun_not_supported();
    command.itl->look_at_board();
    UnitAttentions& attentions = command.itl->attentions;
    if (auto attention = attentions.front()) {
        attentions.pop();
        return sense::unit_attention(attention->asc, attention->ascq);
    }
    return medium_readiness(command);
}

}  // namespace

Sense readiness(const LunState& state) {
    if (!state.online || !state.medium_present)
        return state.removable ? sense::medium_not_present() : sense::not_ready(0x03);
    if (state.backing == Backing::draining) return sense::not_ready(0x01);
    if (state.backing == Backing::gone) return sense::not_ready(0x00);
    return sense::make(SenseKey::no_sense, 0x00, 0x00);
}

Sense medium_readiness(const Command& command) {
    const Sense sense = readiness(command.state());
    if (sense.key != SenseKey::no_sense || !command.shard->unit.model()) return sense;
    const auto status = command.shard->unit.medium_status();
    if (!status || !status->present) return sense::medium_not_present();
    return status->not_ready.value_or(sense);
}

std::vector<uint8_t> report_luns_data(const std::vector<uint64_t>& luns) {
    std::vector<uint8_t> out(8, 0);
    for (uint64_t lun : luns) {
        const auto bytes = wire::encode_lun(lun);
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    wire::store_be<4>(out.data(), uint32_t(out.size() - 8));
    return out;
}

// Readiness, reservations and unit attentions are tested before every command.
Outcome run_test_unit_ready(Command&) {
    return Status::good;
}

Outcome run_request_sense(Command& command) {
    const bool descriptor_format = (command.cdb[1] & 0x01) != 0;  // DESC
    std::array<uint8_t, max_sense_bytes> bytes;
    const size_t length = encode_sense(take_sense(command), descriptor_format, bytes);
    return command.reply(std::span(bytes).first(length), command.extents.bytes);
}

Outcome run_report_luns(Command& command) {
    const uint8_t select = command.cdb[2];
    if (select > everything) return sense::invalid_field_in_cdb(2);
    if (command.extents.bytes < min_report_luns) return sense::invalid_field_in_cdb(6);
    std::vector<uint64_t> luns;
    if (select != well_known)
        for (const auto& [lun, shard] : command.nexus->target().luns) luns.push_back(lun);
    for (auto& [lun, itl] : command.nexus->luns()) itl->attentions.clear(ua::reported_luns_changed);
    return command.reply(report_luns_data(luns), command.extents.bytes);
}

// SPC-4 6.42: the default self test only. It has nothing to test that a command would not show.
Outcome run_send_diagnostic(Command& command) {
    const bool self_test = (command.cdb[1] & 0x04) != 0;
    if (!self_test) return sense::invalid_field_in_cdb(1, 2);
    return Status::good;
}

// SPC-5 6.18. Only to allow removal is possible against another's reservation (SBC-4 table 13,
// SSC-4 table 13).
Outcome run_prevent_allow_medium_removal(Command& command) {
    const bool prevent = (command.cdb[4] & 0x01) != 0;
    if (prevent && (command.itl->forbidden & class_bit(ReservationClass::write)))
        return Status::reservation_conflict;
    command.itl->set_prevents_removal(prevent);
    return {};
}

}  // namespace tgt::scsi
