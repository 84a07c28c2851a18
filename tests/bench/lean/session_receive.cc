// SPDX-License-Identifier: GPL-2.0-or-later
// What a session does with the PDUs of the target.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "tests/bench/cpu_clock.h"
#include "tests/bench/lean/session.h"

namespace tgt::bench {

namespace {

using wire::Opcode;

// The answers that use up a StatSN (3.2.2.2); Data-In with status is looked at separately.
bool carries_status(Opcode opcode) {
    return opcode == Opcode::scsi_response || opcode == Opcode::logout_response ||
           opcode == Opcode::reject || opcode == Opcode::async_message;
}

}  // namespace

Result<void> Session::receive(Input& input, bool wait, Tally& tally) {
    if (wait && sending()) {  // room to send is waited for, too
        pollfd both{fd_.get(), POLLIN | POLLOUT, 0};
        ::poll(&both, 1, patience_ms);
        wait = false;
    }
    for (bool more = true; more; wait = false) {
        auto bytes = input.receive(fd_.get(), wait);
        if (!bytes) return tl::unexpected(bytes.error());
        more = bytes->size() == input.size();
        if (!bytes->empty()) now_ = now_ns();
        for (auto event = reader_.next(*bytes); event != PduReader::Event::more;
             event = reader_.next(*bytes)) {
            Result<void> handled;
            if (event == PduReader::Event::header) handled = handle_header(tally);
            if (event == PduReader::Event::data) handled = handle_data(reader_.data(), tally);
            if (event == PduReader::Event::end) handled = handle_end(tally);
            if (event == PduReader::Event::error) handled = fail(EPROTO, reader_.error());
            if (!handled) return handled;
        }
    }
    return {};
}

Session::Slot* Session::slot_of(uint32_t tag) {
    return tag < slots_.size() && slots_[tag].busy ? &slots_[tag] : nullptr;
}

Result<void> Session::handle_header(Tally& tally) {
    const auto pdu = reader_.as<wire::DataInPdu>();  // these fields stand at one place in all
    const Opcode opcode = reader_.as<wire::Bhs>().opcode();
    agreed_.max_cmd_sn = pdu.max_cmd_sn;
    segment_.clear();
    if (opcode != Opcode::data_in) return {};
    Slot* slot = slot_of(pdu.initiator_task_tag);
    const uint32_t length = pdu.data_segment_length;
    if (slot == nullptr || slot->data != nullptr || pdu.buffer_offset > slot->length ||
        length > slot->length - pdu.buffer_offset)
        return fail(EPROTO, "a Data-In belongs to no read or does not fit it");
    data_at_ = pdu.buffer_offset;
    slot->received += length;
    if (pdu.buffer_offset + length < slot->received) tally.error("a Data-In came twice");
    return {};
}

Result<void> Session::handle_data(std::span<const uint8_t> data, Tally& tally) {
    const auto bhs = reader_.as<wire::Bhs>();
    const Slot* slot = bhs.opcode() == Opcode::data_in ? slot_of(bhs.initiator_task_tag) : nullptr;
    if (slot == nullptr || slot->control) {
        segment_.insert(segment_.end(), data.begin(), data.end());
    } else if (options_.verify) {
        if (!matches_pattern(data, slot->io.lba, data_at_, block_size_, options_.seed))
            tally.error(fmt::format("wrong data at LBA {}, byte {}", slot->io.lba, data_at_));
    }
    data_at_ += static_cast<uint32_t>(data.size());
    return {};
}

Result<void> Session::handle_end(Tally& tally) {
    const Opcode opcode = reader_.as<wire::Bhs>().opcode();
    const auto data_in = reader_.as<wire::DataInPdu>();
    const bool status_in_data =
        opcode == Opcode::data_in && wire::DataInStatus::get(data_in.flags) != 0;
    if (carries_status(opcode) || status_in_data) agreed_.exp_stat_sn = data_in.stat_sn + 1;
    if (opcode == Opcode::data_in && slot_of(data_in.initiator_task_tag)->control)
        reply_.data.insert(reply_.data.end(), segment_.begin(), segment_.end());
    if (status_in_data || opcode == Opcode::scsi_response) {
        if (slot_of(data_in.initiator_task_tag) == nullptr)
            return fail(EPROTO, "a response belongs to no command");
        finish(data_in.initiator_task_tag, data_in.status, tally);
        return {};
    }
    if (opcode == Opcode::r2t) return handle_r2t();
    if (opcode == Opcode::nop_in) handle_nop_in();
    if (opcode == Opcode::logout_response) logged_out_ = true;
    if (opcode == Opcode::reject || opcode == Opcode::async_message)
        return fail(EPROTO, fmt::format("the target sent {}", wire::opcode_name(opcode)));
    return {};
}

Result<void> Session::handle_r2t() {
    const auto r2t = reader_.as<wire::R2tPdu>();
    const Slot* slot = slot_of(r2t.initiator_task_tag);
    const uint32_t from = r2t.buffer_offset;
    const uint32_t length = r2t.desired_data_transfer_length;
    if (slot == nullptr || slot->data == nullptr || length > agreed_.max_burst ||
        from > slot->length || length > slot->length - from)
        return fail(EPROTO, "an R2T belongs to no write or asks for too much");
    send_data(r2t.initiator_task_tag, r2t.target_transfer_tag, from, from + length);
    return {};
}

// A ping has to be answered (11.18).
void Session::handle_nop_in() {
    const auto ping = reader_.as<wire::NopInPdu>();
    if (ping.target_transfer_tag == wire::reserved_tag) return;
    wire::NopOutPdu answer;
    answer.opcode_byte = static_cast<uint8_t>(Opcode::nop_out) | wire::OpcodeImmediate::mask;
    answer.flags = wire::FinalFlag::mask;
    std::copy(std::begin(ping.lun), std::end(ping.lun), answer.lun);
    answer.initiator_task_tag = wire::reserved_tag;
    answer.target_transfer_tag = ping.target_transfer_tag;
    answer.cmd_sn = agreed_.cmd_sn;
    answer.exp_stat_sn = agreed_.exp_stat_sn;
    append(wire::bytes_of(answer), {});
}

// --- ends of commands ---------------------------------------------------------------------------

Result<void> Session::check(const Slot& slot, uint8_t status) const {
    const std::string what =
        fmt::format("{} at LBA {}", slot.data != nullptr ? "write" : "read", slot.io.lba);
    if (status != 0) {
        const bool sense = segment_.size() >= 16;  // two bytes of length, then fixed format
        return fail(EIO, fmt::format("{}: status {:#x}, sense {:x}/{:02x}/{:02x}", what, status,
                                     sense ? segment_[4] & 0xf : 0, sense ? segment_[14] : 0,
                                     sense ? segment_[15] : 0));
    }
    if (slot.data == nullptr && slot.received != slot.length)
        return fail(EIO, fmt::format("{}: {} bytes of {}", what, slot.received, slot.length));
    const auto response = reader_.as<wire::DataInPdu>();  // flags and count as in a SCSI Response
    if (response.residual_count != 0)
        return fail(EIO, fmt::format("{}: residual count {}", what, response.residual_count.get()));
    return {};
}

void Session::finish(uint32_t tag, uint8_t status, Tally& tally) {
    Slot& slot = slots_[tag];
    if (slot.control) {
        reply_.status = status;
        reply_.done = true;
    } else {
        tally.done(now_ - slot.started, slot.length, index_);
        // Building the text costs, so only what looks wrong is looked at closely.
        const bool fits = slot.data != nullptr || slot.received == slot.length;
        if (status != 0 || !fits || reader_.as<wire::DataInPdu>().residual_count != 0)
            tally.error(check(slot, status).error().text);
    }
    slot.busy = false;
    free_.push_back(tag);
}

}  // namespace tgt::bench
