// SPDX-License-Identifier: GPL-2.0-or-later
// Cuts a byte stream into iSCSI PDUs, without I/O:
//
//     iovec iov[64];
//     n = recvmsg(fd, {iov, rx.want(iov)});
//     rx.advance(n);
//     while ((event = rx.next()) != PduEvent::none)
//         header:  look at rx.bhs(), rx.ahs(); rx.set_data_target(...), rx.discard_data(), or
//         nothing pdu:     the PDU is complete: rx.data() (when no target was set),
//         rx.data_digest_ok() error:   rx.error(); close the connection (error recovery level 0)
//
// Small PDUs are received many at a time into a scratch; the data of a PDU whose owner named a
// target is received straight into it, only the bytes already in the scratch are copied.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wire/iscsi.h"

namespace tgt::iscsi {

enum class PduEvent : uint8_t { none, header, pdu, error };

enum class PduError : uint8_t {
    none,
    header_digest,     // mismatch (7.7: the connection is dropped)
    ahs_too_long,      // more than any PDU that we take can have
    data_too_long,     // DataSegmentLength above what we declared
    no_place_for_data  // bigger than the scratch and the owner named no target
};
std::string_view pdu_error_name(PduError error);

struct ReceiverLimits {
    uint32_t max_data = 8192;               // the MaxRecvDataSegmentLength in force
    uint32_t max_ahs = wire::max_ahs_size;  // bytes
};

// One connection's receive side. Owns the scratch (allocated once); nothing is allocated per PDU.
// Movable together with the bytes that it has read ahead. One thread at a time.
class PduReceiver {
  public:
    static constexpr size_t default_scratch = 16384;
    static constexpr size_t min_scratch = 4096;

    explicit PduReceiver(size_t scratch_size = default_scratch);

    void set_limits(const ReceiverLimits& limits) { limits_ = limits; }
    // Take effect with the next PDU whose header event has not been reported.
    void set_digests(bool header, bool data);

    // Where the next bytes of the stream go. Fills at most out.size() entries (at least 2 are
    // needed) and returns how many; never 0 unless an error was reported or events wait to be
    // fetched with next().
    size_t want(std::span<iovec> out);
    // `length` bytes have arrived there, in order. Not more than wanted.
    void advance(size_t length);
    // Next event, none when more bytes are needed. After error only error.
    PduEvent next();

    // --- valid from header to the following next() that passes pdu ---
    const wire::Bhs& bhs() const { return bhs_; }
    template <class T>
    T as() const {
        return wire::from_bytes<T>(wire::bytes_of(bhs_).data());
    }
    std::span<const uint8_t> ahs() const { return {ahs_.data(), ahs_length_}; }
    uint32_t data_length() const { return data_length_; }
    // The data segment can be kept in the scratch: what happens when no target is set.
    bool fits_scratch() const;

    // --- between the header event and the following next() ---
    // The data segment goes here: the segments' lengths must add up to data_length(). The iovec
    // array and the memory must live until the pdu event (or until abandon_data()).
    void set_data_target(std::span<const iovec> segments);
    // Read the data segment and forget it (its digest is still checked).
    void discard_data();

    // --- while receiving data ---
    bool receiving_data() const { return state_ == State::data; }
    // The target's memory is being taken away (the command was aborted): the rest is read and
    // forgotten.
    void abandon_data();

    // --- at the pdu event ---
    // The data segment when it was kept in the scratch; empty otherwise. Valid until the next call
    // of next().
    std::span<const uint8_t> data() const;
    bool data_digest_ok() const { return data_digest_ok_; }

    PduError error() const { return error_; }
    // Bytes read ahead and not parsed yet.
    size_t buffered() const { return end_ - begin_; }

  private:
    enum class State : uint8_t { header, decide, data, trailer, deliver, failed };
    enum class Place : uint8_t { scratch, target, discard };

    PduEvent parse_header();
    PduEvent begin_data();
    PduEvent move_data();
    PduEvent keep_data();
    PduEvent parse_trailer();
    PduEvent fail(PduError error);
    size_t want_target(std::span<iovec> out);
    iovec want_scratch(size_t limit);
    size_t read_ahead() const;
    void consume_target(size_t length, const uint8_t* from);
    void take(size_t length);
    size_t trailer_length() const;

    std::vector<uint8_t> scratch_;
    size_t begin_ = 0;  // unparsed bytes are scratch_[begin_, end_)
    size_t end_ = 0;

    ReceiverLimits limits_;
    bool header_digest_ = false;
    bool data_digest_ = false;

    State state_ = State::header;
    Place place_ = Place::scratch;
    PduError error_ = PduError::none;

    wire::Bhs bhs_;
    std::array<uint8_t, wire::max_ahs_size> ahs_;
    size_t ahs_length_ = 0;
    uint32_t data_length_ = 0;
    uint32_t data_left_ = 0;
    uint32_t crc_ = 0;
    bool data_digest_ok_ = true;
    bool pdu_data_digest_ = false;  // as it was when this PDU's header was parsed

    size_t data_offset_ = 0;  // of kept data in the scratch

    std::span<const iovec> target_;
    size_t offered_target_ = 0;  // bytes of the target in what want() returned last
    size_t target_index_ = 0;
    size_t target_offset_ = 0;
};

}  // namespace tgt::iscsi
