// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/runtime.h"
#include "mgmt/isns_agent.h"
#include "mgmt/isns_stream.h"
#include "mgmt/portal_spec.h"

namespace tgt::mgmt {

// One iSNS server: finds it, keeps a connection to it and an agent that talks over it. Name look-up
// is on the blocking pool, one at a time; connecting and everything else waits for nobody. Control
// thread.
class IsnsSession {
  public:
    struct Options {
        IsnsAgent::Options agent;
        io::Duration connect_bound = std::chrono::seconds(5);
        io::Duration first_wait = std::chrono::seconds(1);  // before it connects again, doubled
        io::Duration last_wait = std::chrono::seconds(60);
    };
    IsnsSession(io::Runtime& runtime, PortalSpec server, uint16_t notice_port, Options options);
    IsnsSession(const IsnsSession&) = delete;
    ~IsnsSession();

    const PortalSpec& server() const { return server_; }
    const IsnsAgent& agent() const { return agent_; }
    void set_inventory(IsnsInventory inventory);
    void noticed(const std::string& target);
    // Takes everything back; `left` when that is done, cannot be done, or has taken `bound`; never
    // inside the call.
    void leave(io::Duration bound, std::function<void()> left);

    // "connecting", "registered", ... and why it is not better; for administrators.
    std::string_view state() const;
    const std::string& last_error() const;

  private:
    enum class Phase { idle, resolving, connecting, connected, waiting };

    io::TimePoint now() const { return runtime_.control().timers().now(); }
    void step();
    void arm();
    void look_up();
    void found(Result<std::vector<SocketAddress>> addresses);
    void connect_next();
    void established(const SocketAddress& local);
    void message(const IsnsMessage& message);
    void lost(const std::string& why);
    void wait(const std::string& why);
    void due();
    void end_connection();

    io::Runtime& runtime_;
    const PortalSpec server_;
    const uint16_t notice_port_;
    const Options options_;
    IsnsAgent agent_;
    Phase phase_ = Phase::idle;
    bool looking_up_ = false;  // a look-up has not come back
    std::vector<SocketAddress> addresses_;
    size_t next_address_ = 0;
    std::shared_ptr<IsnsStream> stream_;
    io::Duration wait_{};
    std::string trouble_;  // of the connection
    std::string told_;     // trouble that is in the log
    bool told_registered_ = false;
    std::function<void()> left_;
    io::Timer timer_;       // of the phase, or the agent's
    io::Timer left_timer_;  // leave() has taken its time, or is done
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tgt::mgmt
