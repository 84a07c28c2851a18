// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace tgt::iscsi {

// Serial number arithmetic (RFC 1982, RFC 7143 3.2.2.1).
constexpr bool sn_before(uint32_t a, uint32_t b) {
    return a != b && int32_t(a - b) < 0;
}

// The command numbering of one session (RFC 7143 3.2.2.1): what arrives in order, what is early,
// what is to be ignored; and the window that tells the initiator how much it may send. Plain data.
class CommandWindow {
  public:
    enum class Verdict : uint8_t { in_order, early, ignore };

    void begin(uint32_t first_sn, uint32_t depth) {
        in_flight_ = 0;
        expected_ = first_sn;
        max_ = first_sn + depth - 1;
    }
    // For a PDU without the I bit.
    Verdict judge(uint32_t sn) const {
        if (sn == expected_ && !sn_before(max_, sn)) return Verdict::in_order;
        if (sn_before(sn, expected_) || sn_before(max_, sn)) return Verdict::ignore;
        return Verdict::early;
    }
    void accept() {
        ++expected_;
        ++in_flight_;
    }
    // A numbered command has left: others may come until there are `depth`. What was promised
    // before stays so.
    void release(uint32_t depth) {
        --in_flight_;
        const uint32_t end = expected_ + depth - in_flight_ - 1;
        if (sn_before(max_, end)) max_ = end;
    }
    // Commands that are there or may come.
    uint32_t size() const { return in_flight_ + max_ - expected_ + 1; }

    uint32_t expected() const { return expected_; }
    uint32_t max() const { return max_; }
    bool operator==(const CommandWindow&) const = default;

  private:
    uint32_t expected_ = 0;
    uint32_t max_ = 0;
    uint32_t in_flight_ = 0;
};

}  // namespace tgt::iscsi
