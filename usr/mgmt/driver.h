// SPDX-License-Identifier: GPL-2.0-or-later
// The seam between management and a transport driver. Management knows no PDU, a driver knows no
// registry: management calls Driver, the driver asks Directory. Every call and every callback runs
// on the control thread unless it says otherwise; nothing here blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/clock.h"
#include "mgmt/socket_address.h"
#include "scsi/target.h"

namespace tgt::mgmt {

// The values of one target that only its driver understands. Published copies are immutable and may
// be read by any thread; a change is made on a clone.
class DriverParameters {
  public:
    virtual ~DriverParameters() = default;
    virtual std::unique_ptr<DriverParameters> clone() const = 0;
    // ENOENT: no such parameter. EINVAL: bad value.
    virtual Result<void> update(std::string_view name, std::string_view value) = 0;
    // Name and value in the order in which `tgtadm --mode target --op show --tid N` prints them.
    virtual std::vector<std::pair<std::string, std::string>> show() const = 0;
    // Those too that it does not print while they have their default.
    virtual std::vector<std::pair<std::string, std::string>> all() const { return show(); }
};

struct Account {
    std::string name;
    std::string secret;
    bool operator==(const Account&) const = default;
};

// --- what a driver asks -----------------------------------------------------------------------

struct LoginQuestion {
    std::string driver;  // Driver::name() of who asks, which may be gone when this is read
    std::string initiator_name;
    SocketAddress initiator_address;
    SocketAddress local_address;
    bool discovery = false;
    std::string target_name;  // empty for discovery
};

enum class Admission : uint8_t {
    granted,
    not_found,  // no such target, or the initiator may not know of it
    offline,    // the target or the whole system is offline or being stopped
    moved_temporarily,
    moved_permanently,
    failed,  // the redirect program failed
};

struct LoginAnswer {
    Admission admission = Admission::not_found;
    std::string reason;            // a sentence for the log, when not granted
    std::string redirect_address;  // moved_*: "addr:port" or "[addr]:port"

    // Granted. For discovery tid is 0 and target is null; parameters are those of a new target.
    int tid = 0;
    std::shared_ptr<scsi::Target> target;
    std::shared_ptr<const DriverParameters> parameters;
    std::vector<Account> incoming;  // not empty: authentication is needed
    std::optional<Account> outgoing;
};

struct DiscoveredTarget {
    std::string name;
    // "addr:port,tag" each: all listening portals; a wildcard portal is shown as the local address
    // of the connection.
    std::vector<std::string> addresses;
};

class Driver;

// Management as drivers see it. Outlives the drivers.
class Directory {
  public:
    // Any thread. False: a new connection is to be closed at once (no target exists, the system is
    // offline or stopping).
    virtual bool accepting() const = 0;
    // The answer may come before the call returns. A grant counts from the answer on: until its
    // session has ended, Driver::drop_sessions(tid) must find it, also while the login goes on.
    virtual void login(LoginQuestion question, std::function<void(LoginAnswer)> answer) = 0;
    // SendTargets: what the initiator may log in to. `name` empty: all.
    virtual std::vector<DiscoveredTarget> discover(const LoginQuestion& who,
                                                   std::string_view name) = 0;
    // By a driver that has hosts: one has come, and can be bound. Not for those that were there
    // when the driver was attached. Targets that are remembered for it are bound from here.
    virtual void host_added(const Driver& driver, uint32_t host) { (void)driver, (void)host; }

  protected:
    ~Directory() = default;
};

// --- what management asks ------------------------------------------------------------------------

struct ConnectionCounters {
    uint64_t rxdata_octets = 0, txdata_octets = 0;
    uint64_t dataout_pdus = 0, datain_pdus = 0;
    uint64_t command_pdus = 0, response_pdus = 0;
};

struct ConnectionInfo {
    uint32_t cid = 0;
    std::string address;  // of the initiator, without port: "127.0.0.1", "::1"
    ConnectionCounters counters;
};

// One I_T nexus. Discovery sessions are not listed.
struct SessionInfo {
    int tid = 0;
    uint64_t id = 0;  // I_T nexus number; iSCSI: the TSIH
    std::string initiator_name;
    std::string initiator_alias;  // empty: none
    std::vector<ConnectionInfo> connections;
};

enum class DropOutcome : uint8_t { dropped, no_session, no_connection };

// A transport. Made by the program, owned by the registry; destroyed on the control thread (or
// after the runtime has stopped), after stop().
class Driver {
  public:
    virtual ~Driver() = default;
    virtual std::string_view name() const = 0;   // tgtadm --lld: "iscsi"
    virtual std::string_view state() const = 0;  // "ready", "error", "stopped", ...

    // Before anything else; `directory` outlives the driver.
    virtual void attach(Directory& directory) = 0;

    // What a new target starts from.
    virtual std::shared_ptr<const DriverParameters> default_parameters() const = 0;

    // Bind and listen (IPv6 with IPV6_V6ONLY). The error names the reason as the system gives it.
    // Addresses are numeric; management keeps the list, resolves names and tries again.
    virtual void add_portal(const SocketAddress& address,
                            std::function<void(Result<void>)> done) = 0;
    // Stops listening; connections stay. `done` always comes.
    virtual void remove_portal(const SocketAddress& address, std::function<void()> done) = 0;
    // False: portals listen, but nothing is accepted, and the system keeps the connections that
    // come (the backlog) until it is true again. True at first.
    virtual void set_accepting(bool accepting) = 0;

    // The sessions of a target, or of all.
    virtual void list_sessions(std::optional<int> tid,
                               std::function<void(std::vector<SessionInfo>)> done) = 0;
    virtual void drop_connection(int tid, uint64_t session, uint32_t cid,
                                 std::function<void(DropOutcome)> done) = 0;
    // Ends all sessions of a target, and logins that were granted but have no session yet. `done`
    // when none is left (true) or the bound has passed (false; they still end on their own later).
    virtual void drop_sessions(int tid, io::Duration bound,
                               std::function<void(bool all_gone)> done) = 0;

    // --- drivers that serve hosts (HBAs, loop ports) rather than portals; others leave these alone
    // Targets are bound to hosts. There are no portals then, and no logins.
    virtual bool has_hosts() const { return false; }
    // Why state() is not "ready", as a sentence; empty: nothing to say.
    virtual std::string_view explanation() const { return {}; }
    // The host's initiators see the target from now on. Many hosts may have one target; a host has
    // one at most. ENOENT: there is no such host. EEXIST: it has a target. The binding ends with
    // unbind_host(), or when the host goes. `done` when the host is being served.
    virtual void bind_host(uint32_t host, int tid, std::shared_ptr<scsi::Target> target,
                           std::function<void(Result<void>)> done) {
        (void)host, (void)tid, (void)target;
        done(fail(ENOTSUP, "driver " + std::string(name()) + " has no hosts"));
    }
    // Its nexuses leave the target, as by drop_sessions(). True at once when it has none.
    virtual void unbind_host(uint32_t host, io::Duration bound,
                             std::function<void(bool all_gone)> done) {
        (void)host, (void)bound;
        done(true);
    }
    // The hosts a target is bound to, in order.
    virtual std::vector<uint32_t> hosts_of(int tid) const {
        (void)tid;
        return {};
    }
    // A LUN of the target came or is gone: hosts that are their own initiator look at it.
    virtual void lun_changed(int tid, uint64_t lun, bool present) {
        (void)tid, (void)lun, (void)present;
    }

    // Closes every portal and ends every session, discovery included; once. As drop_sessions().
    virtual void stop(io::Duration bound, std::function<void(bool all_gone)> done) = 0;
};

}  // namespace tgt::mgmt
