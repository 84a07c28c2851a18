// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/runtime.h"
#include "mgmt/isns_listener.h"
#include "mgmt/isns_session.h"
#include "mgmt/isns_settings.h"

namespace tgt::mgmt {

// Keeps the daemon's iSCSI targets and portals registered with an iSNS server, and knows which
// initiators the server lets see them. Control thread; nothing that is called waits. Settings take
// effect at once; a server that is given up is told so first, within leave_bound.
class IsnsClient {
  public:
    static constexpr io::Duration leave_bound = std::chrono::seconds(2);
    // What changes in quick succession is told once.
    static constexpr io::Duration settle_time = std::chrono::milliseconds(100);

    using Inventory = std::function<IsnsInventory()>;
    IsnsClient(io::Runtime& runtime, Inventory inventory, IsnsSession::Options options = {});
    IsnsClient(const IsnsClient&) = delete;

    const IsnsSettings& settings() const { return settings_; }
    Status update(std::string_view name, std::string_view value);
    // Targets or portals may have come or gone.
    void inventory_changed();
    // Nothing is registered any more, or `bound` has passed; once.
    void stop(io::Duration bound, std::function<void()> done);

    // Whether iSNS lets the initiator use the target: as the server said last, nobody before it has
    // said anything, and everybody without iSNSAccessControl.
    bool permits(std::string_view target, std::string_view initiator) const;

    struct Shown {
        // "off", "no server", "leaving", or the session's.
        std::string_view state;
        std::string last_error;
        std::string entity;
        size_t registered_targets = 0;
        uint32_t registration_period = 0;  // seconds; 0: the server has not said one
        uint16_t notice_port = 0;          // 0: none is open
    };
    Shown show() const;

  private:
    void apply();
    void begin();
    void depart();

    io::Runtime& runtime_;
    const Inventory inventory_;
    const IsnsSession::Options options_;
    IsnsSettings settings_;
    IsnsSettings begun_with_;  // of session_
    std::unique_ptr<IsnsListener> listener_;
    std::unique_ptr<IsnsSession> session_;
    std::unique_ptr<IsnsSession> leaving_;
    io::Timer changed_;
    bool stopping_ = false;
    io::Duration stop_bound_ = leave_bound;
    std::function<void()> stopped_;
};

}  // namespace tgt::mgmt
