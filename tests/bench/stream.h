// SPDX-License-Identifier: GPL-2.0-or-later
// TCP as a load generator wants it: many messages in one send, many in one receive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tgt::bench {

inline constexpr int patience_ms = 100;  // how long is waited for something to happen
inline constexpr size_t input_size = 256u << 10;

// A connected socket, blocking, without Nagle's algorithm. Receives give up after a tenth of a
// second.
Result<UniqueFd> connect_to(const std::string& host, const std::string& port);

// What waits to be sent on one socket. Headers are copied, bodies are referred to and have to live
// until they have left. Belongs to the thread of its socket.
class Output {
  public:
    void add_copy(std::span<const uint8_t> bytes);
    void add_reference(std::span<const uint8_t> bytes);
    bool empty() const { return pieces_.empty(); }
    // Sends as much as the socket takes, without waiting.
    Result<void> flush(int fd);

  private:
    struct Piece {
        const uint8_t* outside;  // null: in copies_
        size_t at;
        size_t length;
    };

    void consume(size_t sent);
    void forget_sent();

    std::vector<uint8_t> copies_;
    std::vector<Piece> pieces_;
    size_t first_ = 0;  // piece that is not sent wholly; what is sent of it was cut off
};

// Receives into a big buffer. Nothing (an empty span) when nothing came; an error when the peer
// closed the connection.
class Input {
  public:
    explicit Input(size_t size) : buffer_(size) {}
    // Waits for the first byte (a tenth of a second at most) when `wait`.
    Result<std::span<const uint8_t>> receive(int fd, bool wait);
    size_t size() const { return buffer_.size(); }

  private:
    std::vector<uint8_t> buffer_;
};

}  // namespace tgt::bench
