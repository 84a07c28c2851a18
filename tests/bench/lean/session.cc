// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/lean/session.h"

#include <algorithm>

#include "base/crc32c.h"

namespace tgt::bench {

using wire::Opcode;

Session::Session(const Options& options, unsigned index, UniqueFd fd, const Agreed& agreed)
    : options_(options),
      index_(index),
      patterns_(options.fill || options.verify),
      fd_(std::move(fd)),
      agreed_(agreed),
      lun_(wire::encode_lun(options.lun)),
      slots_(options.depth) {
    for (uint32_t i = options.depth; i-- > 0;) free_.push_back(i);
    if (patterns_ || options.read_percent < 100)
        write_data_.resize(size_t{options.block} * (patterns_ ? options.depth : 1));
    fill_pattern(write_data_, 0, 512, options.seed);
    reader_.set_digests(agreed.header_digest, agreed.data_digest);
}

Session::~Session() {
    log_out();
}

Result<std::unique_ptr<Session>> Session::open(const Options& options, unsigned index) {
    if (auto named = names_target(options); !named) return tl::unexpected(named.error());
    auto fd = connect_to(options.host, options.port);
    if (!fd) return tl::unexpected(fd.error());
    const auto agreed = log_in(fd->get(), options, index);
    if (!agreed) return tl::unexpected(agreed.error());
    if (options.digests && !(agreed->header_digest && agreed->data_digest))
        return fail(ENOTSUP, "the target does not agree to CRC32C digests");
    return std::unique_ptr<Session>(new Session(options, index, std::move(*fd), *agreed));
}

bool Session::window_open() const {
    return static_cast<int32_t>(agreed_.max_cmd_sn - agreed_.cmd_sn) >= 0;  // RFC 1982 arithmetic
}

uint32_t Session::take_slot() {
    const uint32_t tag = free_.back();
    free_.pop_back();
    slots_[tag] = Slot{};
    slots_[tag].busy = true;
    return tag;
}

const uint8_t* Session::prepare_data(const Slot& slot, uint32_t tag) {
    if (!patterns_) return write_data_.data();
    uint8_t* data = write_data_.data() + size_t{tag} * options_.block;
    fill_pattern({data, options_.block}, slot.io.lba, block_size_, options_.seed);
    return data;
}

void Session::fill_up(Workload& workload, uint64_t now) {
    while (!free_.empty() && window_open() && workload.more()) {
        const uint32_t tag = take_slot();
        Slot& slot = slots_[tag];
        slot.io = workload.next();
        slot.started = now;
        slot.length = options_.block;
        if (slot.io.write) slot.data = prepare_data(slot, tag);
        start(tag, transfer_cdb(slot.io), slot.io.write);
    }
}

void Session::append(std::span<const uint8_t> header, std::span<const uint8_t> data) {
    const auto add_digest = [this](std::span<const uint8_t> bytes) {
        const uint32_t crc = crc32c(bytes.data(), bytes.size());
        uint8_t digest[wire::digest_size];
        for (unsigned i = 0; i < sizeof digest; ++i) digest[i] = static_cast<uint8_t>(crc >> 8 * i);
        output_.add_copy(digest);
    };
    output_.add_copy(header);
    if (agreed_.header_digest) add_digest(header);
    if (data.empty()) return;
    output_.add_reference(data);  // whole words: lengths are cut to multiples of four
    if (agreed_.data_digest) add_digest(data);
}

void Session::start(uint32_t tag, std::span<const uint8_t> cdb, bool write) {
    const Slot& slot = slots_[tag];
    wire::ScsiCommandPdu command;
    command.opcode_byte = static_cast<uint8_t>(Opcode::scsi_command);
    wire::CommandAttribute::set(command.flags, static_cast<unsigned>(wire::TaskAttribute::simple));
    wire::CommandRead::set(command.flags, !write && slot.length != 0);
    wire::CommandWrite::set(command.flags, write);
    std::copy(lun_.begin(), lun_.end(), command.lun);
    command.initiator_task_tag = tag;
    command.expected_data_transfer_length = slot.length;
    command.cmd_sn = agreed_.cmd_sn++;
    command.exp_stat_sn = agreed_.exp_stat_sn;
    std::copy(cdb.begin(), cdb.end(), command.cdb);

    const uint32_t burst = write ? std::min(slot.length, agreed_.first_burst) : 0;
    const uint32_t immediate =
        agreed_.immediate_data ? std::min(burst, agreed_.target_max_segment) : 0;
    const uint32_t unsolicited = agreed_.initial_r2t ? immediate : burst;
    wire::FinalFlag::set(command.flags, immediate == unsolicited);
    command.data_segment_length = immediate;
    append(wire::bytes_of(command), {slot.data, immediate});
    if (immediate < unsolicited) send_data(tag, wire::reserved_tag, immediate, unsolicited);
}

// One sequence of Data-Out: the unsolicited one or the answer to an R2T.
void Session::send_data(uint32_t tag, uint32_t ttt, uint32_t from, uint32_t to) {
    wire::DataOutPdu pdu;
    pdu.opcode_byte = static_cast<uint8_t>(Opcode::data_out);
    std::copy(lun_.begin(), lun_.end(), pdu.lun);
    pdu.initiator_task_tag = tag;
    pdu.target_transfer_tag = ttt;
    pdu.exp_stat_sn = agreed_.exp_stat_sn;
    for (uint32_t number = 0; from < to; ++number) {
        const uint32_t length = std::min(to - from, agreed_.target_max_segment);
        wire::FinalFlag::set(pdu.flags, from + length == to);
        pdu.data_segment_length = length;
        pdu.data_sn = number;
        pdu.buffer_offset = from;
        append(wire::bytes_of(pdu), {slots_[tag].data + from, length});
        from += length;
    }
}

}  // namespace tgt::bench
