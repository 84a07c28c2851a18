// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "wire/iscsi.h"

namespace tgt::bench {

// Cuts what a target sends into PDUs without copying data: pieces of any size go in, events come
// out. Checks digests. No I/O; belongs to its session.
class PduReader {
  public:
    enum class Event : uint8_t {
        more,    // all of the input is used up
        header,  // header() is there
        data,    // data() is the next piece of the data segment
        end,     // the PDU is complete, with or without data
        error,   // error() says why; nothing more can be read
    };

    void set_digests(bool header, bool data) {
        header_digest_ = header;
        data_digest_ = data;
    }
    // Takes the used bytes off the front of `input`.
    Event next(std::span<const uint8_t>& input);

    template <class Pdu>
    Pdu as() const {
        return wire::from_bytes<Pdu>(header_);
    }
    std::span<const uint8_t> data() const { return data_; }
    const std::string& error() const { return error_; }

  private:
    enum class State : uint8_t { header, data, trailer };

    Event take_header(std::span<const uint8_t>& input);
    Event take_data(std::span<const uint8_t>& input);
    Event take_trailer(std::span<const uint8_t>& input);
    bool collect(std::span<const uint8_t>& input, uint8_t* into, size_t wanted);
    Event broken(const char* what);

    bool header_digest_ = false;
    bool data_digest_ = false;
    State state_ = State::header;
    uint8_t header_[wire::bhs_size + wire::digest_size] = {};
    uint8_t trailer_[8] = {};  // padding and digest
    size_t collected_ = 0;     // of the header or the trailer
    size_t left_ = 0;          // of the data segment
    size_t padding_ = 0;
    uint32_t crc_ = 0;
    bool has_data_ = false;
    std::span<const uint8_t> data_;
    std::string error_;
};

}  // namespace tgt::bench
