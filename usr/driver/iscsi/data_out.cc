// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/data_out.h"

#include <algorithm>

namespace tgt::iscsi {

void DataOut::begin(const DataOutLimits& limits, uint32_t wanted, uint32_t expected,
                    bool more_unsolicited) {
    *this = DataOut();
    limits_ = limits;
    limits_.max_r2t = std::clamp<uint32_t>(limits.max_r2t, 1, max_outstanding);
    wanted_ = wanted;
    expected_ = expected;
    unsolicited_open_ = more_unsolicited;
}

DataOutError DataOut::immediate(uint32_t length) {
    if (length > std::min(limits_.first_burst, expected_)) return DataOutError::incorrect_amount;
    received_ = length;
    requested_ = std::min(length, wanted_);
    return DataOutError::none;
}

DataOutError DataOut::check(const wire::DataOutPdu& pdu, uint32_t length) const {
    uint64_t end = uint64_t(pdu.buffer_offset) + length;
    if (pdu.target_transfer_tag == wire::reserved_tag) {
        if (!unsolicited_open_) return DataOutError::unexpected_unsolicited;
        if (pdu.data_sn != next_unsolicited_sn_ || pdu.buffer_offset != received_)
            return DataOutError::bad_sequence;
        if (end > std::min(limits_.first_burst, expected_)) return DataOutError::incorrect_amount;
        return DataOutError::none;
    }
    if (count_ == 0 || pdu.target_transfer_tag != front().transfer_tag)
        return DataOutError::bad_sequence;
    const R2t& r2t = front();
    if (pdu.data_sn != r2t.next_data_sn || pdu.buffer_offset != r2t.offset + r2t.received)
        return DataOutError::bad_sequence;
    uint64_t r2t_end = uint64_t(r2t.offset) + r2t.length;
    if (end > r2t_end) return DataOutError::incorrect_amount;
    // The F bit closes a sequence that has brought what was asked for, and nothing less (11.7.1).
    if (pdu.final() != (end == r2t_end))
        return pdu.final() ? DataOutError::incorrect_amount : DataOutError::bad_sequence;
    return DataOutError::none;
}

void DataOut::arrived(const wire::DataOutPdu& pdu, uint32_t length) {
    received_ += length;
    if (pdu.target_transfer_tag == wire::reserved_tag) {
        ++next_unsolicited_sn_;
        if (pdu.final()) unsolicited_open_ = false;
        requested_ = std::min(received_, wanted_);
        return;
    }
    R2t& r2t = front();
    r2t.received += length;
    ++r2t.next_data_sn;
    if (r2t.received < r2t.length) return;
    ++first_;
    --count_;
}

std::optional<R2t> DataOut::next_r2t(uint32_t transfer_tag) {
    if (unsolicited_open_ || count_ >= limits_.max_r2t || requested_ >= wanted_)
        return std::nullopt;
    R2t r2t;
    r2t.transfer_tag = transfer_tag;
    r2t.sn = r2t_sn_++;
    r2t.offset = requested_;
    r2t.length = std::min(limits_.max_burst, wanted_ - requested_);
    requested_ += r2t.length;
    ring_[(first_ + count_++) % max_outstanding] = r2t;
    return r2t;
}

}  // namespace tgt::iscsi
