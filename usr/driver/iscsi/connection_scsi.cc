// SPDX-License-Identifier: GPL-2.0-or-later
// SCSI commands of a connection, their data on the way in, and their results.
#include <algorithm>

#include "driver/iscsi/connection.h"
#include "wire/scsi_lun.h"

namespace tgt::iscsi {

namespace {

constexpr uint8_t crc_error_asc = 0x47, crc_error_ascq = 0x05;  // protocol service CRC error
// SPC-5 annex F. RFC 7143 11.4.7.2 has no condition for data that does not come.
constexpr uint8_t response_timeout_asc = 0x4b, response_timeout_ascq = 0x06;

// RFC 7143 11.4.7.2: iSCSI conditions and their sense. A broken sequence is an implied digest error
// (7.9).
scsi::Sense sense_of(DataOutError error) {
    switch (error) {
        case DataOutError::unexpected_unsolicited:
            return scsi::sense::aborted_command(0x0c, 0x0c);
        case DataOutError::incorrect_amount:
            return scsi::sense::aborted_command(0x0c, 0x0d);
        default:
            return scsi::sense::aborted_command(crc_error_asc, crc_error_ascq);
    }
}

scsi::TaskAttribute attribute_of(uint8_t wire) {
    switch (wire::TaskAttribute(wire)) {
        case wire::TaskAttribute::ordered:
            return scsi::TaskAttribute::ordered;
        case wire::TaskAttribute::head_of_queue:
            return scsi::TaskAttribute::head_of_queue;
        case wire::TaskAttribute::aca:
            return scsi::TaskAttribute::aca;
        default:
            return scsi::TaskAttribute::simple;
    }
}

void set_cdb(Task& task, const wire::ScsiCommandPdu& pdu, std::span<const uint8_t> extension) {
    std::copy(std::begin(pdu.cdb), std::end(pdu.cdb), task.cdb.begin());
    size_t more = std::min(extension.size(), task.cdb.size() - 16);
    std::copy_n(extension.begin(), more, task.cdb.begin() + 16);
    task.cdb_length = uint16_t(16 + more);
}

struct Residual {
    bool overflow = false;
    bool underflow = false;
    uint32_t count = 0;
};
Residual residual(uint64_t total, uint64_t expected) {
    if (total > expected)
        return {true, false, uint32_t(std::min<uint64_t>(total - expected, UINT32_MAX))};
    if (total < expected) return {false, true, uint32_t(expected - total)};
    return {};
}

// 11.4.5.1: against what the initiator was ready for; a command that would have moved data where
// none was expected overflows.
Residual main_residual(const Task& task) {
    if (task.bidirectional || task.write) return residual(task.out_total, task.expected_out);
    if (task.read) return residual(task.in_total, task.expected_in);
    return residual(std::max(task.in_total, task.out_total), 0);
}

}  // namespace

// --- commands in -------------------------------------------------------------------------------

Placement Connection::scsi_header(const wire::Bhs& bhs, std::span<const uint8_t> ahs,
                                  uint32_t length) {
    auto pdu = wire::from_bytes<wire::ScsiCommandPdu>(wire::bytes_of(bhs).data());
    Placement discard{Placement::Kind::discard, {}};
    if (!pdu.immediate()) {
        switch (session_->window().judge(pdu.cmd_sn)) {
            case CommandWindow::Verdict::ignore:
                ignore_pdu_ = true;
                return discard;
            case CommandWindow::Verdict::early:
                return keep_for_later(bhs, ahs, length);
            case CommandWindow::Verdict::in_order:
                if (session_->must_wait(bhs, ahs) && (pdu.final() || session_->starving())) {
                    session_->starve();
                    return keep_for_later(bhs, ahs, length);
                }
                session_->window().accept();
                break;
        }
    }
    Task* task = begin_command(bhs, ahs, length);
    if (!task || length == 0) return discard;
    data_task_ = task;
    return place_in_task(*task, 0, length);
}

// Its turn has not come, or there is no memory for it. Only data that comes with the command is
// kept.
Placement Connection::keep_for_later(const wire::Bhs& bhs, std::span<const uint8_t> ahs,
                                     uint32_t length) {
    auto pdu = wire::from_bytes<wire::ScsiCommandPdu>(wire::bytes_of(bhs).data());
    early_ = HeldPdu{this, pdu.cmd_sn, false, true, bhs, {ahs.begin(), ahs.end()}, {}};
    if (!pdu.write() || pdu.final()) return place_in_big(length);
    early_->whole = false;
    remember_late(pdu.initiator_task_tag);
    return {Placement::Kind::discard, {}};
}

// Makes the task and hands it to the SCSI layer. Null when no data is to be received for it.
Task* Connection::begin_command(const wire::Bhs& bhs, std::span<const uint8_t> ahs,
                                uint32_t immediate, bool whole) {
    auto pdu = wire::from_bytes<wire::ScsiCommandPdu>(wire::bytes_of(bhs).data());
    ++counts.command_pdus;
    auto refuse = [&](wire::RejectReason reason) -> Task* {
        if (!pdu.immediate()) session_->release_window();
        reject_pdu_ = reason;
        return nullptr;
    };
    if (session_->discovery()) return refuse(wire::RejectReason::protocol_error);
    if (pdu.initiator_task_tag == wire::reserved_tag)
        return refuse(wire::RejectReason::invalid_pdu_field);
    if (session_->find_task(pdu.initiator_task_tag))
        return refuse(wire::RejectReason::task_in_progress);
    if (pdu.immediate() && !session_->takes_immediate())
        return refuse(wire::RejectReason::immediate_command_reject);
    auto fields = wire::decode_ahs(ahs);
    bool stray_data = !pdu.write() && (immediate > 0 || !pdu.final());
    if (!fields || stray_data || pdu.attribute() > uint8_t(wire::TaskAttribute::aca))
        return refuse(wire::RejectReason::invalid_pdu_field);

    Task& task = session_->new_task(*this, pdu.initiator_task_tag);
    task.cmd_sn = pdu.cmd_sn;
    task.numbered = !pdu.immediate();
    std::copy(std::begin(pdu.lun), std::end(pdu.lun), task.lun_bytes.begin());
    task.lun = wire::decode_lun(std::span<const uint8_t, 8>(pdu.lun));
    task.attribute = attribute_of(pdu.attribute());
    set_cdb(task, pdu, fields->extended_cdb);
    task.read = pdu.read();
    task.write = pdu.write();
    task.bidirectional = task.read && task.write;
    task.expected_length = pdu.expected_data_transfer_length;
    task.expected_out = task.write ? task.expected_length : 0;
    task.expected_in = task.read && !task.write ? task.expected_length : 0;
    if (task.bidirectional) task.expected_in = fields->bidirectional_read_length.value_or(0);
    task.immediate_length = immediate;
    task.more_unsolicited = task.write && !pdu.final();

    const Parameters& values = session_->parameters().values;
    bool unsolicited = task.more_unsolicited && values.flag(ParamId::initial_r2t);
    bool not_immediate = immediate > 0 && !values.flag(ParamId::immediate_data);
    uint32_t most = std::min(values.get(ParamId::first_burst_length), task.expected_length);
    auto error = DataOutError::none;
    if (unsolicited || not_immediate) error = DataOutError::unexpected_unsolicited;
    if (immediate > most) error = DataOutError::incorrect_amount;
    if (error != DataOutError::none) return end_unstarted(task, sense_of(error));
    if (!whole || !session_->reserve(task, memory_wanted(pdu, ahs)))
        return end_unstarted(task, session_->refusal());
    scsi::submit(task);
    return task.collecting ? &task : nullptr;
}

// Ends a command that the SCSI layer has not seen.
Task* Connection::end_unstarted(Task& task, const scsi::Outcome& outcome) {
    task.outcome = outcome;
    result(task);
    return nullptr;
}

void Connection::want_data(Task& task) {
    const Parameters& values = session_->parameters().values;
    DataOutLimits limits{values.get(ParamId::first_burst_length),
                         values.get(ParamId::max_burst_length),
                         values.get(ParamId::max_outstanding_r2t)};
    task.collecting = true;
    session_->await_data(task);
    task.data_out.begin(limits, uint32_t(task.out.size()), task.expected_length,
                        task.more_unsolicited);
    if (task.immediate_length == 0) data_progress(task);
}

// --- data in from the wire -----------------------------------------------------------------------

Placement Connection::data_out_header(const wire::Bhs& bhs, uint32_t length) {
    auto pdu = wire::from_bytes<wire::DataOutPdu>(wire::bytes_of(bhs).data());
    Placement discard{Placement::Kind::discard, {}};
    ++counts.dataout_pdus;
    Task* task = session_->find_task(pdu.initiator_task_tag);
    if (!task || !task->collecting || task->connection != this) {
        ignore_pdu_ = task != nullptr || expected_late(pdu.initiator_task_tag);
        if (!ignore_pdu_) reject_pdu_ = wire::RejectReason::protocol_error;
        return discard;
    }
    bool solicited = pdu.target_transfer_tag != wire::reserved_tag;
    bool other_lun =
        solicited && !std::equal(task->lun_bytes.begin(), task->lun_bytes.end(), pdu.lun);
    auto error = other_lun ? DataOutError::bad_sequence : task->data_out.check(pdu, length);
    if (error != DataOutError::none) {
        // The command ends (7.8: no recovery R2T at error recovery level 0); the connection lives.
        ignore_pdu_ = true;
        scsi::complete(*task, sense_of(error));
        return discard;
    }
    data_task_ = task;
    return place_in_task(*task, pdu.buffer_offset, length);
}

// Data beyond what the command takes (the initiator expected to send more) is read and dropped.
Placement Connection::place_in_task(Task& task, uint32_t offset, uint32_t length) {
    if (length == 0) return {};
    size_t room = task.out.size() > offset ? task.out.size() - offset : 0;
    if (room == 0) return {Placement::Kind::discard, {}};
    size_t kept = std::min<size_t>(length, room);
    size_t count = task.out.slice(offset, kept, data_target_.data());
    if (kept < length) {
        big_.resize(length - kept);
        data_target_[count++] = {big_.data(), length - kept};
    }
    return {Placement::Kind::target, {data_target_.data(), count}};
}

void Connection::data_arrived(const wire::Bhs& bhs, std::span<const uint8_t> ahs, bool digest_ok) {
    if (early_) {
        HeldPdu held = std::move(*early_);
        early_.reset();
        if (!digest_ok) return reject(bhs, ahs, wire::RejectReason::data_digest_error);
        if (held.whole && bhs.data_segment_length > 0) held.data = big_;
        if (!session_->hold(std::move(held))) close("too much data held for missing commands");
        return;
    }
    Task* task = std::exchange(data_task_, nullptr);
    if (!digest_ok) {
        reject(bhs, ahs, wire::RejectReason::data_digest_error);
        if (task)
            scsi::complete(*task, scsi::sense::aborted_command(crc_error_asc, crc_error_ascq));
        return;
    }
    if (!task) return;
    uint32_t length = bhs.data_segment_length;
    if (length > 0) session_->await_data(*task);  // empty PDUs do not put the end off
    if (bhs.opcode() == wire::Opcode::scsi_command)
        task->data_out.immediate(length);
    else
        task->data_out.arrived(wire::from_bytes<wire::DataOutPdu>(wire::bytes_of(bhs).data()),
                               length);
    data_progress(*task);
}

void Connection::data_progress(Task& task) {
    if (task.data_out.complete()) {
        task.collecting = false;
        session_->stop_waiting(task);
        scsi::data_out_complete(task);
    } else if (!task.data_out.unsolicited_open()) {
        transport_->request_data(task);
    }
}

void Connection::data_overdue(Task& task) {
    context_.log.warn("{}: no data came for task {:#x} in time: it ends", peer_name_,
                      task.initiator_task_tag);
    scsi::complete(task, scsi::sense::aborted_command(response_timeout_asc, response_timeout_ascq));
}

void Connection::deliver(HeldPdu& held) {
    if (closing_) return;
    session_->window().accept();
    if (held.aborted) return session_->release_window();
    if (held.bhs.opcode() != wire::Opcode::scsi_command) {
        session_->release_window();
        return dispatch(held.bhs, held.data);
    }
    reject_pdu_.reset();
    Task* task = begin_command(held.bhs, held.ahs, uint32_t(held.data.size()), held.whole);
    if (reject_pdu_) return reject(held.bhs, held.ahs, *reject_pdu_);
    if (!task || held.data.empty()) return;
    task->out.copy_in(0, held.data);
    task->data_out.immediate(uint32_t(held.data.size()));
    data_progress(*task);
}

// A command that ended while its data was on the way: what still comes is dropped (open-iscsi does
// not answer the R2Ts of aborted tasks, others do).
void Connection::remember_late(uint32_t initiator_task_tag) {
    if (late_tags_.size() < session_->max_tasks())
        late_tags_.push_back(initiator_task_tag);
    else
        late_tags_[late_count_++ % late_tags_.size()] = initiator_task_tag;
}

bool Connection::expected_late(uint32_t initiator_task_tag) const {
    return std::find(late_tags_.begin(), late_tags_.end(), initiator_task_tag) != late_tags_.end();
}

// --- results out
// -----------------------------------------------------------------------------------

void Connection::result(Task& task) {
    if (task.collecting || task.more_unsolicited) remember_late(task.initiator_task_tag);
    if (data_task_ == &task) {
        data_task_ = nullptr;
        transport_->forget(task);
    }
    task.collecting = false;
    session_->stop_waiting(task);
    task.out.release();
    keep_memory(task, task.in.size());
    if (task.numbered) session_->release_window();
    if (closing_ || task.silent) {
        session_->end_task(task);
        return;
    }
    send_status(task);
}

void Connection::send_status(Task& task) {
    const scsi::Outcome& outcome = task.outcome;
    if (!task.bidirectional && outcome.good() && task.device_sense.empty() && !task.in.empty()) {
        transport_->send_result(task, nullptr, {});
        return;
    }
    wire::ScsiResponsePdu pdu;
    pdu.initiator_task_tag = task.initiator_task_tag;
    pdu.status = uint8_t(outcome.status);
    Residual main = main_residual(task);
    wire::ResidualOverflow::set(pdu.flags, main.overflow);
    wire::ResidualUnderflow::set(pdu.flags, main.underflow);
    pdu.residual_count = main.count;
    if (task.bidirectional) {
        Residual read = residual(task.in_total, task.expected_in);
        wire::BidiOverflow::set(pdu.flags, read.overflow);
        wire::BidiUnderflow::set(pdu.flags, read.underflow);
        pdu.bidi_read_residual_count = read.count;
    }
    uint8_t segment[2 + scsi::max_device_sense_bytes];
    size_t length = task.sense_data(std::span(segment).subspan(2));
    if (length > 0) {
        wire::store_be<2>(segment, uint16_t(length));
        length += 2;
    }
    ++counts.response_pdus;
    wire::Bhs bhs = wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data());
    transport_->send_result(task, &bhs, std::span(segment).first(length));
}

void Connection::set_good_status(const Task& task, wire::DataInPdu& pdu) {
    Residual read = main_residual(task);
    wire::DataInStatus::set(pdu.flags, 1);
    wire::ResidualOverflow::set(pdu.flags, read.overflow);
    wire::ResidualUnderflow::set(pdu.flags, read.underflow);
    pdu.residual_count = read.count;
    pdu.status = uint8_t(scsi::Status::good);
    pdu.stat_sn = next_stat_sn();
}

void Connection::task_sent(Task& task) {
    session_->end_task(task);
}

}  // namespace tgt::iscsi
