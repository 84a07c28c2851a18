// SPDX-License-Identifier: GPL-2.0-or-later
// The data of one write command on its way in (RFC 7143 3.2.4, 11.7, 11.8): immediate, unsolicited
// and solicited. Pure bookkeeping: no I/O, no memory of its own beyond a small ring of R2Ts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "wire/iscsi.h"

namespace tgt::iscsi {

struct DataOutLimits {
    uint32_t first_burst = 65536;
    uint32_t max_burst = 262144;
    uint32_t max_r2t = 1;
};

enum class DataOutError : uint8_t {
    none,
    unexpected_unsolicited,  // 0Bh/0Ch/0Ch (11.4.7.2)
    incorrect_amount,        // 0Bh/0Ch/0Dh
    bad_sequence,            // DataSN, offset, tag or F bit is not what it must be
};

struct R2t {
    uint32_t transfer_tag = 0;
    uint32_t sn = 0;
    uint32_t offset = 0;
    uint32_t length = 0;
    uint32_t received = 0;
    uint32_t next_data_sn = 0;
};

// Data arrives in order (DataPDUInOrder=Yes and DataSequenceInOrder=Yes are always negotiated), so
// what has arrived is one number. Owned by its Task; one thread.
class DataOut {
  public:
    static constexpr uint32_t max_outstanding = 16;

    // `wanted`: bytes the command takes, at most `expected` (the Expected Data Transfer Length).
    // `more_unsolicited`: the command PDU had F=0.
    void begin(const DataOutLimits& limits, uint32_t wanted, uint32_t expected,
               bool more_unsolicited);

    // The immediate data of the command PDU, `length` bytes.
    DataOutError immediate(uint32_t length);
    // The header of a Data-Out PDU: checked before its data is taken.
    DataOutError check(const wire::DataOutPdu& pdu, uint32_t length) const;
    // Its data has arrived.
    void arrived(const wire::DataOutPdu& pdu, uint32_t length);

    // The next R2T to send, if there is one now; `transfer_tag` is what it will carry.
    std::optional<R2t> next_r2t(uint32_t transfer_tag);

    bool complete() const { return !unsolicited_open_ && received_ >= wanted_; }
    bool unsolicited_open() const { return unsolicited_open_; }
    uint32_t r2ts_sent() const { return r2t_sn_; }

  private:
    const R2t& front() const { return ring_[first_ % max_outstanding]; }
    R2t& front() { return ring_[first_ % max_outstanding]; }

    DataOutLimits limits_;
    uint32_t wanted_ = 0;
    uint32_t expected_ = 0;
    uint32_t received_ = 0;   // in order; may pass wanted_ up to expected_ by unsolicited data
    uint32_t requested_ = 0;  // up to this offset R2Ts were made
    uint32_t next_unsolicited_sn_ = 0;
    uint32_t r2t_sn_ = 0;
    bool unsolicited_open_ = false;
    std::array<R2t, max_outstanding> ring_;
    uint32_t first_ = 0;
    uint32_t count_ = 0;
};

}  // namespace tgt::iscsi
