// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "io/runtime.h"
#include "mgmt/driver.h"
#include "mgmt/failure.h"
#include "mgmt/portal_spec.h"

namespace tgt::mgmt {

// The addresses on which one driver listens. Those given at start are tried again and again until
// they can be bound; one given later either works at once or is refused. Control thread; callbacks
// come there and only while the object lives.
class Portals {
  public:
    struct Portal {
        std::string text;  // "127.0.0.1:3260"; the name as given while it has no address
        PortalSpec spec;
        SocketAddress address;  // not valid while the name has none
        enum class State : uint8_t { binding, listening, failed, removing } state = State::binding;
        std::string reason;  // failed: why
        bool at_start = false;
    };
    static constexpr io::Duration retry_every = std::chrono::seconds(5);

    Portals(io::Runtime& runtime, Driver& driver);
    Portals(const Portals&) = delete;
    ~Portals() { *alive_ = false; }

    // At start, with what changes() adds. `done` when each was tried once. The optional half of a
    // wildcard (no IPv6 on this machine) is left out silently.
    void open_all(std::vector<PortalSpec> specs, std::function<void()> done);
    // Those that open_all() was given and that are not there, once more.
    void reopen(std::function<void()> done);
    void add(const PortalSpec& spec, StatusCallback done);
    void remove(const PortalSpec& spec, StatusCallback done);
    void close_all(std::function<void()> done);

    // What add() and remove() have changed, oldest first; open_all() takes it into account, so that
    // it outlives the daemon.
    struct Changes {
        std::vector<PortalSpec> added, removed;
    };
    const Changes& changes() const { return changes_; }
    void set_changes(Changes changes) { changes_ = std::move(changes); }

    const std::list<std::shared_ptr<Portal>>& newest_first() const { return portals_; }
    bool any_listening() const;
    // "addr:port,tag" for SendTargets on a connection with this local address.
    std::vector<std::string> announced(const SocketAddress& local) const;
    void stop();  // no more retries
    // Those that listen, oldest first.
    std::vector<SocketAddress> listening() const;
    // Told when one begins or ceases to listen.
    void set_changed(std::function<void()> changed) { changed_ = std::move(changed); }

  private:
    using PortalPtr = std::shared_ptr<Portal>;
    struct Attempt;
    void resolve(const PortalSpec& spec,
                 std::function<void(Result<std::vector<SocketAddress>>)> then);
    void try_spec(const PortalSpec& spec, bool keep, StatusCallback done);
    void bind_all(const PortalSpec& spec, std::vector<SocketAddress> addresses, bool keep,
                  StatusCallback done);
    void bound(const std::shared_ptr<Attempt>& attempt, const PortalPtr& portal,
               Result<void> outcome);
    void finish(Attempt& attempt);
    void begin_listening(Portal& portal);
    void drop(const PortalPtr& portal);
    void keep_failed(PortalPtr portal, std::string reason);
    void retry();
    void retry_one(const PortalPtr& portal);
    void remove_found(const std::vector<PortalPtr>& found, std::function<void()> done);
    PortalPtr find(const SocketAddress& address) const;
    bool is_removed(const SocketAddress& address) const;
    void note_added(const PortalSpec& spec);
    void note_removed(const PortalSpec& wish, const std::vector<PortalSpec>& specs);

    io::Runtime& runtime_;
    Driver& driver_;
    std::vector<PortalSpec> initial_;  // of open_all()
    std::list<PortalPtr> portals_;
    io::Timer retry_timer_;
    Changes changes_;
    bool stopped_ = false;
    std::function<void()> changed_ = [] {};
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false when this has gone
};

}  // namespace tgt::mgmt
