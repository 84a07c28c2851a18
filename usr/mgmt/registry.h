// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/runtime.h"
#include "mgmt/accounts.h"
#include "mgmt/attempts.h"
#include "mgmt/capacity_watch.h"
#include "mgmt/driver.h"
#include "mgmt/failure.h"
#include "mgmt/lun_parameters.h"
#include "mgmt/media.h"
#include "mgmt/new_lun.h"
#include "mgmt/portals.h"
#include "mgmt/reopening.h"
#include "mgmt/revival.h"
#include "mgmt/state_rows.h"
#include "mgmt/target_entry.h"
#include "scsi/logical_unit.h"
#include "scsi/target.h"

namespace tgt::mgmt {

class ReservationStore;
class IsnsClient;
struct IsnsInventory;
class StateKeeper;

struct RegistryOptions {
    unsigned io_threads = 16;                            // tgtd -t: blocking calls at once per LUN
    io::Duration abort_bound = std::chrono::seconds(5);  // of new targets
    bool unique_ids = false;
    std::string machine_id;  // for unique_ids
    // The backing stores that LUNs may have.
    std::span<const store::Engine* const> engines = store::engines();
    // How long a backing store may take to open, and to be closed or to take a parameter. Then the
    // administrator is answered, and it goes on alone.
    io::Duration open_bound = std::chrono::seconds(20);
    io::Duration store_bound = std::chrono::seconds(5);
    std::shared_ptr<ReservationStore> reservations;     // null: none outlives the daemon
    std::shared_ptr<StateKeeper> state;                 // null: nothing else does
    io::Duration look_every = std::chrono::seconds(1);  // at a medium that changes, at most
    Revival::Options revival;
    // Driver parameters that every new target gets (tgtd --iscsi nop_interval=...).
    std::vector<std::pair<std::string, std::string>> target_defaults;
    std::function<void()> on_stop_request;  // `system delete` was answered
};

using Warnings = std::vector<std::string>;
using LunCallback = std::function<void(Outcome<Warnings>)>;

// Everything the daemon serves: drivers and their portals, targets with their LUNs and rules,
// accounts, the system's state. Made by the program and outlives everything that asks it. Control
// thread only, but accepting(); every callback comes there, perhaps before the call returns, and
// always comes: what an administrator asks for never waits for I/O without a bound.
class Registry final : public Directory {
  public:
    // How long commands and sessions that are ended may take: a target's own bound.
    static constexpr unsigned min_abort_seconds = 1, max_abort_seconds = 60;
    static constexpr uint64_t max_lun = 16383;  // flat space addressing (SAM-5 4.7.7)

    Registry(io::Runtime& runtime, RegistryOptions options);
    ~Registry();

    io::Runtime& runtime() const { return runtime_; }
    const RegistryOptions& options() const { return options_; }

    // --- drivers and portals
    struct DriverEntry {
        std::unique_ptr<Driver> driver;
        std::unique_ptr<Portals> portals;
        bool stopped = false;  // `lld stop`: it has no portals from the start, and no targets
        std::string_view state() const { return stopped ? "stopped" : driver->state(); }
    };
    void add_driver(std::unique_ptr<Driver> driver);
    const std::vector<DriverEntry>& drivers() const { return drivers_; }
    // The first one for an empty name.
    Outcome<DriverEntry*> find_driver(std::string_view name);
    // Closes its portals; refused while it has targets.
    void stop_driver(std::string_view name, StatusCallback done);
    // Opens those again that it had from the start.
    void start_driver(std::string_view name, StatusCallback done);

    // --- system
    bool ready() const { return ready_; }
    void set_ready(bool ready);
    // `system delete`: refused while targets exist.
    Status may_stop() const;
    // Of new targets. Setting it sets that of every target, too; `value` is seconds.
    io::Duration abort_bound() const { return abort_bound_; }
    Status set_abort_bound(std::string_view value);
    // What was set at run time.
    const NamedValues& system_settings() const { return system_settings_; }
    void remember_system_setting(std::string_view name, std::string_view value);
    // Null while the saved state is restored, and without one.
    StateKeeper* state() const { return restoring_ ? nullptr : options_.state.get(); }
    void set_restoring(bool restoring) { restoring_ = restoring; }
    // Ends everything in order: no new logins, sessions, LUNs, targets, portals. `done` within
    // about twice the bound.
    void stop(io::Duration bound, std::function<void()> done);

    // --- targets
    const std::map<int, TargetEntry>& targets() const { return targets_; }
    // That is not being deleted.
    Outcome<TargetEntry*> find_target(int tid);
    void new_target(int tid, const std::string& name, std::string_view driver,
                    const std::string& origin, StatusCallback done);
    void delete_target(int tid, bool force, StatusCallback done);
    Status update_target(int tid, std::string_view name, std::string_view value);
    // Of drivers with hosts. One that is not there is remembered, with a warning, and bound when it
    // comes.
    void bind_host(int tid, uint32_t host, LunCallback done);
    void unbind_host(int tid, uint32_t host, LunCallback done);
    // Of the saved state: bound by bind_remembered_hosts(), when the LUNs are there, as initiators
    // go on with their commands at once.
    Status remember_host(int tid, uint32_t host);
    void bind_remembered_hosts();

    // --- logical units
    void new_lun(const NewLun& request, LunCallback done);
    void delete_lun(int tid, uint64_t lun, LunCallback done);
    // One after the other, up to the first that is refused.
    void update_lun(int tid, uint64_t lun, NamedValues parameters, LunCallback done);

    // A LUN of the saved state, with what was set of it. One whose backing store cannot be opened
    // (or is not to be looked at now) is there as well, not ready, and is tried again until it
    // opens. Refused when it could never be made like this.
    void restore_lun(const SavedLun& saved, bool open_now, StatusCallback done);
    // The backing store has had long enough: the LUN is there without, for now.
    void give_up_restoring(int tid, uint64_t lun, const std::string& why);

    const Media& media() const { return media_; }
    IsnsClient& isns() { return *isns_; }

    // --- accounts and sessions
    Accounts& accounts() { return accounts_; }
    const Accounts& accounts() const { return accounts_; }
    Status bind_account(int tid, std::string_view name, Direction direction);
    // Nobody may discover targets until an account is bound to discovery.
    void close_discovery() { discovery_closed_ = true; }
    void list_sessions(std::optional<int> tid, std::function<void(std::vector<SessionInfo>)> done);
    void drop_connection(int tid, uint64_t session, uint32_t cid, StatusCallback done);

    // --- Directory
    bool accepting() const override { return accepting_.load(std::memory_order_relaxed); }
    void login(LoginQuestion question, std::function<void(LoginAnswer)> answer) override;
    std::vector<DiscoveredTarget> discover(const LoginQuestion& who,
                                           std::string_view name) override;
    void host_added(const Driver& driver, uint32_t host) override;

  private:
    using UnitPtr = std::shared_ptr<scsi::LogicalUnit>;
    struct UnitRequest;  // a LUN on its way to its LogicalUnit
    struct LunUpdate;    // an update on its way through its parameters

    void refresh_accepting();
    Status change_target(TargetEntry& entry, std::string_view name, std::string_view value);
    uint16_t free_relative_port(int tid) const;
    TargetEntry* find_bound(const Driver& driver, uint32_t host);
    Status may_bind_host(const TargetEntry& entry, uint32_t host);
    void begin_binding(const TargetEntry& entry, uint32_t host,
                       std::function<void(Result<void>)> done);
    void bind_in_silence(const TargetEntry& entry, uint32_t host);
    void bind_later(int tid, uint32_t host);
    void bind_again();
    void lun_changed(Driver& driver, int tid, uint64_t lun, bool present) const;
    void introduce(int tid, uint64_t lun);
    UnitPtr unit_at(std::optional<uint64_t> tid, std::optional<uint64_t> lun) const;
    void unbind_all_hosts(TargetEntry& entry, io::Duration bound, std::function<void()> done);
    void forget_target(int tid);
    void teardown(int tid, io::Duration bound, std::function<void()> done);
    void finish_delete(int tid, const StatusCallback& done);
    TargetEntry* find_by_name(std::string_view name);
    IsnsInventory isns_inventory() const;
    LoginAnswer answer_discovery(const LoginQuestion& question);
    LoginAnswer admit(const TargetEntry& entry, const LoginQuestion& question);
    void ask_redirect_callback(const TargetEntry& entry, LoginQuestion question,
                               std::function<void(LoginAnswer)> answer);

    UnitPtr make_controller(int tid, const std::string& name);
    LunEntry entry_for(NewLun made, NamedValues set, const scsi::LogicalUnit& unit);
    const store::Engine* find_engine(std::string_view name) const;
    Status check_new_lun(const NewLun& request, UnitRequest& unit);
    Status resolve_lun(const NewLun& request, UnitRequest& unit);
    UnitPtr make_stand_in(const UnitRequest& request, uint64_t size);
    void enter_restored(const SavedLun& saved, UnitPtr unit, const std::string& why_not,
                        const StatusCallback& done);
    void leave_busy(int tid, uint64_t lun);
    LunEntry* find_waiting(Reopening::Place place);
    void reopen(Reopening::Place place, std::function<void(bool again)> ended);
    void stop_reopening();
    void use_reopened(Reopening::Place place, const UnitPtr& unit,
                      const std::function<void(bool again)>& ended);
    scsi::LunIdentity identity_for(const UnitRequest& request);
    std::string place_of(const scsi::LogicalUnit& unit) const;  // empty: no LUN leads there
    void note_size(const MediumPtr& medium, const Result<uint64_t>& size);
    bool interrupt(TargetEntry& entry, uint64_t lun, const Failure& why);
    void interrupt_all(TargetEntry& entry, const Failure& why);
    void remove_lun(TargetEntry& entry, uint64_t lun, io::Duration bound,
                    std::function<void(bool drained)> done);
    void replace_lun(TargetEntry& entry, uint64_t lun, UnitPtr unit,
                     std::function<void(bool drained)> done);
    void unit_left(const TargetEntry& entry, uint64_t lun, const scsi::LogicalUnit& unit);
    void attach_lun(int tid, uint64_t lun, UnitPtr unit, std::function<void(Status)> done);
    void update_next(std::shared_ptr<LunUpdate> update);
    void remember_update(TargetEntry& target, const LunUpdate& update);
    void remember_medium(TargetEntry& target, uint64_t lun, const scsi::LogicalUnit& unit);
    void update_state(const std::shared_ptr<LunUpdate>& update, const LunParameter& row);
    void update_store(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit);
    void update_model(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit);
    void adjust_to_model(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit);
    void update_capacity(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit);
    void update_path(const std::shared_ptr<LunUpdate>& update, std::string path);
    void look_at_size(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit,
                      std::function<void(uint64_t)> then);
    void refresh_size(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit);
    void replace_unit(const std::shared_ptr<LunUpdate>& update, const UnitPtr& unit);

    io::Runtime& runtime_;
    const RegistryOptions options_;
    std::vector<DriverEntry> drivers_;
    io::Duration abort_bound_;
    bool ready_ = true;
    bool stopping_ = false;
    bool restoring_ = false;
    bool discovery_closed_ = false;
    NamedValues system_settings_;
    std::atomic<bool> accepting_{false};
    std::map<int, TargetEntry> targets_;
    uint64_t made_targets_ = 0;                      // since the start
    std::map<std::string, int, std::less<>> names_;  // of targets, to tid
    std::map<uint16_t, int> ports_;                  // the same for relative ports
    Accounts accounts_;
    bool warned_default_ids_ = false;
    Attempts attempts_;
    Media media_;
    Revival revival_;
    std::vector<std::weak_ptr<scsi::LogicalUnit>> listeners_;  // their models want to hear of LUNs
    Reopening reopening_;
    std::map<Reopening::Place, std::weak_ptr<UnitRequest>> reopen_requests_;  // attempts under way
    CapacityWatch watch_;
    std::vector<std::pair<int, uint32_t>> bind_again_;  // targets and hosts
    io::Timer bind_timer_{[this] { bind_again(); }};
    std::unique_ptr<IsnsClient> isns_;
};

}  // namespace tgt::mgmt
