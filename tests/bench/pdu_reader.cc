// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/pdu_reader.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"

namespace tgt::bench {

namespace {

// Digests stand on the wire least significant byte first (RFC 7143 13.1).
bool digest_is(uint32_t crc, const uint8_t* bytes) {
    uint32_t found = 0;
    for (unsigned i = 0; i < wire::digest_size; ++i)
        found |= static_cast<uint32_t>(bytes[i]) << (8 * i);
    return found == crc;
}

}  // namespace

PduReader::Event PduReader::broken(const char* what) {
    error_ = what;
    return Event::error;
}

bool PduReader::collect(std::span<const uint8_t>& input, uint8_t* into, size_t wanted) {
    const size_t part = std::min(wanted - collected_, input.size());
    std::memcpy(into + collected_, input.data(), part);
    collected_ += part;
    input = input.subspan(part);
    if (collected_ < wanted) return false;
    collected_ = 0;
    return true;
}

PduReader::Event PduReader::take_header(std::span<const uint8_t>& input) {
    const size_t wanted = wire::bhs_size + (header_digest_ ? wire::digest_size : 0);
    if (!collect(input, header_, wanted)) return Event::more;
    if (header_digest_ && !digest_is(crc32c(header_, wire::bhs_size), header_ + wire::bhs_size))
        return broken("a header digest is wrong");
    const auto bhs = as<wire::Bhs>();
    if (bhs.total_ahs_length != 0) return broken("the target sent an additional header");
    left_ = bhs.data_segment_length;
    has_data_ = left_ != 0;
    padding_ = wire::padding(left_);
    crc_ = crc32c_start;
    state_ = has_data_ ? State::data : State::trailer;
    return Event::header;
}

PduReader::Event PduReader::take_data(std::span<const uint8_t>& input) {
    if (input.empty()) return Event::more;
    data_ = input.subspan(0, std::min(left_, input.size()));
    input = input.subspan(data_.size());
    left_ -= data_.size();
    if (data_digest_) crc_ = crc32c_update(crc_, data_.data(), data_.size());
    if (left_ == 0) state_ = State::trailer;
    return Event::data;
}

PduReader::Event PduReader::take_trailer(std::span<const uint8_t>& input) {
    const bool digest = has_data_ && data_digest_;
    const size_t wanted = padding_ + (digest ? wire::digest_size : 0);
    if (wanted != 0 && !collect(input, trailer_, wanted)) return Event::more;
    // The data digest covers the padding, too (11.1).
    if (digest &&
        !digest_is(crc32c_finish(crc32c_update(crc_, trailer_, padding_)), trailer_ + padding_))
        return broken("a data digest is wrong");
    state_ = State::header;
    return Event::end;
}

PduReader::Event PduReader::next(std::span<const uint8_t>& input) {
    switch (state_) {
        case State::header:
            return take_header(input);
        case State::data:
            return take_data(input);
        case State::trailer:
            return take_trailer(input);
    }
    return Event::error;
}

}  // namespace tgt::bench
