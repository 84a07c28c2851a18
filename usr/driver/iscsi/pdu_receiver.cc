// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/pdu_receiver.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/crc32c.h"

namespace tgt::iscsi {

namespace {

constexpr std::string_view error_names[] = {
    "no error",
    "header digest error",
    "additional header segments are too long",
    "DataSegmentLength exceeds MaxRecvDataSegmentLength",
    "no place for the data segment",
};

// Digests travel least significant byte first (RFC 7143 13.1).
uint32_t load_digest(const uint8_t* bytes) {
    return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
           static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

}  // namespace

std::string_view pdu_error_name(PduError error) {
    return error_names[static_cast<size_t>(error)];
}

PduReceiver::PduReceiver(size_t scratch_size) : scratch_(std::max(scratch_size, min_scratch)) {}

void PduReceiver::set_digests(bool header, bool data) {
    header_digest_ = header;
    data_digest_ = data;
}

// Padding and data digest behind a data segment.
size_t PduReceiver::trailer_length() const {
    return wire::padding(data_length_) + (pdu_data_digest_ ? wire::digest_size : 0);
}

bool PduReceiver::fits_scratch() const {
    return data_length_ + trailer_length() <= scratch_.size();
}

// --- where bytes go ---------------------------------------------------------------------------

size_t PduReceiver::want(std::span<iovec> out) {
    offered_target_ = 0;
    const bool events_wait = state_ == State::decide || state_ == State::deliver;
    if (out.size() < 2 || events_wait || state_ == State::failed) return 0;
    if (state_ == State::data && place_ == Place::target) return want_target(out);
    out[0] = want_scratch(scratch_.size());
    return out[0].iov_len == 0 ? 0 : 1;
}

size_t PduReceiver::want_target(std::span<iovec> out) {
    if (begin_ != end_) return 0;  // next() has not copied it yet
    size_t count = 0;
    size_t offset = target_offset_;
    for (size_t i = target_index_; offered_target_ < data_left_ && count < out.size(); ++i) {
        const iovec& segment = target_[i];
        const size_t left =
            std::min<size_t>(segment.iov_len - offset, data_left_ - offered_target_);
        if (left != 0) out[count++] = {static_cast<uint8_t*>(segment.iov_base) + offset, left};
        offered_target_ += left;
        offset = 0;
    }
    if (offered_target_ == data_left_ && count < out.size())
        out[count++] = want_scratch(read_ahead());
    return count;
}

// Inside a burst the next PDU is another one with a large payload: reading only its header ahead
// lets that payload, too, arrive without a copy.
size_t PduReceiver::read_ahead() const {
    const wire::Opcode opcode = bhs_.opcode();
    const bool burst =
        (opcode == wire::Opcode::data_out || opcode == wire::Opcode::scsi_command) && !bhs_.final();
    if (!burst) return scratch_.size();
    return trailer_length() + wire::bhs_size + (header_digest_ ? wire::digest_size : 0);
}

iovec PduReceiver::want_scratch(size_t limit) {
    if (begin_ == end_) {
        begin_ = end_ = 0;
    } else if (begin_ > 0 && scratch_.size() - end_ < scratch_.size() / 2) {
        std::memmove(scratch_.data(), scratch_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    return {scratch_.data() + end_, std::min(limit, scratch_.size() - end_)};
}

void PduReceiver::advance(size_t length) {
    const size_t direct = std::min(length, offered_target_);
    if (direct != 0) consume_target(direct, nullptr);
    offered_target_ = 0;
    const size_t rest = length - direct;
    assert(rest <= scratch_.size() - end_);
    end_ += std::min(rest, scratch_.size() - end_);
}

// The next `length` bytes of the target are there, or are copied there from `from`.
void PduReceiver::consume_target(size_t length, const uint8_t* from) {
    data_left_ -= static_cast<uint32_t>(length);
    while (length != 0) {
        const iovec& segment = target_[target_index_];
        const size_t part = std::min(length, segment.iov_len - target_offset_);
        uint8_t* place = static_cast<uint8_t*>(segment.iov_base) + target_offset_;
        if (from != nullptr && part != 0) {
            std::memcpy(place, from, part);
            from += part;
        }
        if (pdu_data_digest_) crc_ = crc32c_update(crc_, place, part);
        length -= part;
        target_offset_ += part;
        if (target_offset_ == segment.iov_len) {
            ++target_index_;
            target_offset_ = 0;
        }
    }
}

void PduReceiver::take(size_t length) {
    begin_ += length;
}

// --- the owner's choices ----------------------------------------------------------------------

void PduReceiver::set_data_target(std::span<const iovec> segments) {
    assert(state_ == State::decide);
    size_t total = 0;
    for (const iovec& segment : segments) total += segment.iov_len;
    assert(total >= data_length_);
    if (state_ != State::decide || total < data_length_) {
        error_ = PduError::no_place_for_data;
        return;
    }
    place_ = Place::target;
    target_ = segments;
    target_index_ = target_offset_ = 0;
}

void PduReceiver::discard_data() {
    assert(state_ == State::decide);
    place_ = Place::discard;
}

void PduReceiver::abandon_data() {
    if (place_ == Place::target) place_ = Place::discard;
    target_ = {};
    offered_target_ = 0;
}

std::span<const uint8_t> PduReceiver::data() const {
    if (state_ != State::deliver || place_ != Place::scratch) return {};
    return {scratch_.data() + data_offset_, data_length_};
}

// --- parsing ----------------------------------------------------------------------------------

PduEvent PduReceiver::next() {
    if (state_ == State::deliver) state_ = State::header;
    if (state_ == State::header) return parse_header();
    if (state_ == State::decide) {
        const PduEvent event = begin_data();
        if (event != PduEvent::none || state_ != State::data) return event;
    }
    if (state_ == State::data) {
        const PduEvent event = move_data();
        if (state_ != State::trailer) return event;
    }
    if (state_ == State::trailer) return parse_trailer();
    return PduEvent::error;
}

PduEvent PduReceiver::fail(PduError error) {
    error_ = error;
    state_ = State::failed;
    return PduEvent::error;
}

PduEvent PduReceiver::parse_header() {
    if (buffered() < wire::bhs_size) return PduEvent::none;
    const uint8_t* bytes = scratch_.data() + begin_;
    bhs_ = wire::from_bytes<wire::Bhs>(bytes);
    ahs_length_ = size_t{bhs_.total_ahs_length} * 4;
    if (ahs_length_ > limits_.max_ahs) {
        ahs_length_ = 0;
        return fail(PduError::ahs_too_long);
    }
    // Before it waits for the rest of a header that is none; with digests a damaged one is that.
    data_length_ = bhs_.data_segment_length;
    if (!header_digest_ && data_length_ > limits_.max_data) return fail(PduError::data_too_long);
    const size_t covered = wire::bhs_size + ahs_length_;
    const size_t whole = covered + (header_digest_ ? wire::digest_size : 0);
    if (buffered() < whole) return PduEvent::none;
    if (header_digest_ && crc32c(bytes, covered) != load_digest(bytes + covered))
        return fail(PduError::header_digest);
    std::memcpy(ahs_.data(), bytes + wire::bhs_size, ahs_length_);
    if (data_length_ > limits_.max_data) return fail(PduError::data_too_long);
    pdu_data_digest_ = data_digest_;
    data_digest_ok_ = true;
    place_ = Place::scratch;
    target_ = {};
    take(whole);
    state_ = State::decide;
    return PduEvent::header;
}

PduEvent PduReceiver::begin_data() {
    if (error_ != PduError::none) return fail(error_);
    if (data_length_ == 0) {  // no data segment: no padding and no digest either (11.2.4)
        data_offset_ = begin_;
        state_ = State::deliver;
        return PduEvent::pdu;
    }
    if (place_ == Place::scratch && !fits_scratch()) return fail(PduError::no_place_for_data);
    data_left_ = data_length_;
    crc_ = crc32c_start;
    state_ = State::data;
    return PduEvent::none;
}

// Moves on to the trailer, or returns none for more bytes.
PduEvent PduReceiver::move_data() {
    if (place_ == Place::scratch) return keep_data();
    const size_t length = std::min<size_t>(buffered(), data_left_);
    const uint8_t* bytes = scratch_.data() + begin_;
    if (place_ == Place::target) {
        consume_target(length, bytes);
    } else {
        if (pdu_data_digest_) crc_ = crc32c_update(crc_, bytes, length);
        data_left_ -= static_cast<uint32_t>(length);
    }
    take(length);
    if (data_left_ == 0) state_ = State::trailer;
    return PduEvent::none;
}

// Data stays in the scratch until all of it and its trailer are there: nothing moves between this
// and deliver.
PduEvent PduReceiver::keep_data() {
    if (buffered() < data_length_ + trailer_length()) return PduEvent::none;
    data_offset_ = begin_;
    if (pdu_data_digest_) crc_ = crc32c_update(crc_, scratch_.data() + begin_, data_length_);
    take(data_length_);
    data_left_ = 0;
    state_ = State::trailer;
    return PduEvent::none;
}

PduEvent PduReceiver::parse_trailer() {
    if (buffered() < trailer_length()) return PduEvent::none;
    const uint8_t* bytes = scratch_.data() + begin_;
    const size_t pad = wire::padding(data_length_);
    if (pdu_data_digest_) {  // padding is covered too (11.2.4)
        crc_ = crc32c_update(crc_, bytes, pad);
        data_digest_ok_ = crc32c_finish(crc_) == load_digest(bytes + pad);
    }
    take(trailer_length());
    state_ = State::deliver;
    return PduEvent::pdu;
}

}  // namespace tgt::iscsi
