// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_message.h"

#include <fmt/core.h>

#include <utility>

namespace tgt::mgmt {

namespace isns = wire::isns;

namespace {

Result<void> check(const isns::Header& header, size_t max_message) {
    if (header.version != isns::protocol_version)
        return fail(EPROTO, fmt::format("it speaks version {} of iSNSP, not {}",
                                        header.version.get(), isns::protocol_version));
    // Whether the block counts in the length is not said; and nothing could verify it.
    if (header.flags & isns::flag_authenticated)
        return fail(EPROTO, "its messages are signed, which this client does not know");
    if (header.length > max_message)
        return fail(EPROTO, fmt::format("a message of more than {} bytes", max_message));
    return {};
}

}  // namespace

Result<void> IsnsAssembler::feed(std::span<const uint8_t> bytes, std::vector<IsnsMessage>& out) {
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    std::span<const uint8_t> left = input_;
    while (left.size() >= sizeof(isns::Header)) {
        const auto header = wire::from_bytes<isns::Header>(left.data());
        if (auto good = check(header, max_message_); !good) return good;
        const size_t size = sizeof(header) + header.length;
        if (left.size() < size) break;
        if (auto taken = take_pdu(header, left.subspan(sizeof(header), header.length), out); !taken)
            return taken;
        left = left.subspan(size);
    }
    input_.erase(input_.begin(), input_.end() - ptrdiff_t(left.size()));
    return {};
}

Result<void> IsnsAssembler::take_pdu(const isns::Header& header, std::span<const uint8_t> payload,
                                     std::vector<IsnsMessage>& out) {
    if (next_sequence_ == 0) {
        message_.function = header.function;
        message_.flags = header.flags;
        message_.transaction = header.transaction;
    } else if (header.sequence != next_sequence_ || header.transaction != message_.transaction ||
               header.function != message_.function) {
        return fail(EPROTO, "a PDU that does not belong to the message that has begun");
    }
    if (message_.payload.size() + payload.size() > max_message_)
        return fail(EPROTO, fmt::format("a message of more than {} bytes", max_message_));
    message_.payload.insert(message_.payload.end(), payload.begin(), payload.end());
    ++next_sequence_;
    if (!(header.flags & isns::flag_last)) return {};
    out.push_back(std::exchange(message_, {}));
    next_sequence_ = 0;
    return {};
}

}  // namespace tgt::mgmt
