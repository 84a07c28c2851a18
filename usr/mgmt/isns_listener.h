// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "io/timers.h"
#include "mgmt/isns_stream.h"

namespace tgt::mgmt {

// Where the iSNS server sends its notices and inquiries: a port of its own on all addresses, chosen
// by the kernel. Anybody may send them: all that comes of it is an answer and, for a notice, a
// question to the server. Few connections are kept, the youngest. Control thread.
class IsnsListener final : public io::FdWatcher {
  public:
    static constexpr size_t max_connections = 8;
    static constexpr size_t max_message = 64 << 10;

    // `noticed`: the target whose surroundings have changed.
    static Result<std::unique_ptr<IsnsListener>> open(
        io::Worker& worker, std::function<void(const std::string& target)> noticed);
    IsnsListener(io::Worker& worker, UniqueFd fd, uint16_t port,
                 std::function<void(const std::string&)> noticed);
    IsnsListener(const IsnsListener&) = delete;
    ~IsnsListener();

    uint16_t port() const { return port_; }
    void on_ready(uint32_t events) override;

  private:
    using Streams = std::list<std::shared_ptr<IsnsStream>>;
    void accepted(UniqueFd fd);

    io::Worker& worker_;
    UniqueFd fd_;
    uint16_t port_;
    std::function<void(const std::string&)> noticed_;
    Streams streams_;  // oldest first
    io::Timer resume_;
};

}  // namespace tgt::mgmt
