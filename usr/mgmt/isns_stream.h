// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "io/worker.h"
#include "mgmt/isns_message.h"
#include "mgmt/socket_address.h"

namespace tgt::mgmt {

// A TCP connection that carries iSNSP messages. Nothing waits; both buffers are bounded. Control
// thread. Lives as long as its owner keeps it; after close() nothing is told any more.
class IsnsStream final : public io::FdWatcher, public std::enable_shared_from_this<IsnsStream> {
  public:
    struct Told {
        std::function<void(const SocketAddress& local)> connected;  // of connect()
        std::function<void(const IsnsMessage&)> message;
        std::function<void(const std::string& why)> closed;  // by the peer, or for what it sent
    };
    static constexpr size_t max_output = size_t(4) << 20;

    // Begins to connect.
    static Result<std::shared_ptr<IsnsStream>> connect(io::Worker& worker,
                                                       const SocketAddress& server, Told told);
    // Of a connection that is there.
    static std::shared_ptr<IsnsStream> adopt(io::Worker& worker, UniqueFd fd, size_t max_message,
                                             Told told);
    IsnsStream(io::Worker& worker, UniqueFd fd, size_t max_message, Told told);
    IsnsStream(const IsnsStream&) = delete;
    ~IsnsStream() { close(); }

    void send(const std::vector<uint8_t>& bytes);
    void close();
    void on_ready(uint32_t events) override;

  private:
    bool watch(uint32_t events);
    void finish_connect();
    void receive();
    void flush();
    void lost(const std::string& why);

    io::Worker& worker_;
    UniqueFd fd_;
    Told told_;
    IsnsAssembler assembler_;
    std::vector<uint8_t> output_;
    uint32_t interest_ = 0;
    bool connecting_ = false;
};

}  // namespace tgt::mgmt
