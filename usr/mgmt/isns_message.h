// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "wire/isns.h"

namespace tgt::mgmt {

// A whole iSNSP message: the payloads of its PDUs, one after the other.
struct IsnsMessage {
    uint16_t function = 0;
    uint16_t flags = 0;
    uint16_t transaction = 0;
    std::vector<uint8_t> payload = {};

    bool response() const { return (function & wire::isns::response_bit) != 0; }
    bool is(wire::isns::Function wanted) const { return function == uint16_t(wanted); }
};

// Makes messages of the bytes of a connection. Plain value, without I/O; what it keeps is bounded.
class IsnsAssembler {
  public:
    explicit IsnsAssembler(size_t max_message) : max_message_(max_message) {}

    // Appends the messages that are whole now. After a failure the connection is of no use.
    Result<void> feed(std::span<const uint8_t> bytes, std::vector<IsnsMessage>& out);

  private:
    Result<void> take_pdu(const wire::isns::Header& header, std::span<const uint8_t> payload,
                          std::vector<IsnsMessage>& out);

    size_t max_message_;
    std::vector<uint8_t> input_;
    IsnsMessage message_;
    uint32_t next_sequence_ = 0;  // 0: no message has begun
};

}  // namespace tgt::mgmt
