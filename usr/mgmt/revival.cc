// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/revival.h"

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "mgmt/blocking_call.h"
#include "mgmt/gone_store.h"
#include "mgmt/probe_identity.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr io::Duration complaint_every = std::chrono::minutes(1);

uint64_t shown_bytes(const scsi::LunState& state) {
    return state.geometry.blocks * state.geometry.block_size;
}

void set_backing(io::Runtime& runtime, const std::shared_ptr<scsi::LogicalUnit>& unit, bool gone,
                 std::function<void()> in_force) {
    auto build = [gone, &unit = *unit](const scsi::LunState& now) {
        scsi::LunChange change;
        change.next = std::make_shared<scsi::LunState>(now);
        // Writes that were aborted before may still be with the store.
        const auto there = unit.orphans() > 0 ? scsi::Backing::draining : scsi::Backing::present;
        change.next->backing = gone ? scsi::Backing::gone : there;
        return change;
    };
    unit->change(build, runtime.control(),
                 [in_force = std::move(in_force)](const scsi::Outcome&) { in_force(); });
}

// A medium that is found again, or something else at its path.
std::string objection(const Medium& medium, const store::Info& was, const scsi::LunState& state,
                      const store::Info& found) {
    const std::string& path = medium.open.path;
    const bool same = medium.lasting_id.empty()
                          ? found.identity.known && found.identity == medium.identity
                          : found.lasting_id == medium.lasting_id;
    if (!same) return fmt::format("what is at {} now is another medium, and is not used", path);
    if (found.size < shown_bytes(state))
        return fmt::format(
            "{} is back with {} bytes only, too few for the {} in use; it is not used", path,
            found.size, shown_bytes(state));
    if (found.read_only && !was.read_only)
        return fmt::format("{} is back, but can only be read; it is not used", path);
    return {};
}

}  // namespace

struct Revival::Case {
    Case(MediumPtr m, std::function<void()> due) : medium(std::move(m)), timer(std::move(due)) {}
    MediumPtr medium;
    io::Timer timer;
    enum class Step {
        looking,   // a call on the pool tells whether it is there
        pausing,   // it is; failures are reported again after a while
        leaving,   // its handle is being given up
        waiting,   // until the next attempt
        trying,    // a call on the pool looks for it
        returning  // the workers change over to the new handle
    } step = Step::looking;
    int error = 0;  // that began it
    io::Duration wait{};
    std::string told;  // the last that was logged
};

// What one look gave.
struct Revival::Look {
    Result<uint64_t> size = 0;
    bool moved = false;  // the path leads elsewhere
};

namespace {

// A device has its name; a file may be renamed or deleted and is used on. When its file system is
// unmounted it is, too, unless it fails: the file that is mounted next is never found by the
// handle.
bool leads_elsewhere(const std::string& path, const store::Identity& identity, bool fails) {
    if (is_device(identity)) return !(probe_identity(path) == identity);
    return fails && identity.known && is_unmounted(path, identity);
}

}  // namespace

Revival::Revival(World world, Options options) : world_(std::move(world)), options_(options) {}

Revival::~Revival() = default;

void Revival::flush_failed(const UnitPtr& unit, int error) {
    const MediumPtr medium = world_.media.of(*unit);
    const std::string place = world_.place_of(*unit);
    log::error(module,
               "{}, the medium of {}: data that was acknowledged could not be written ({}) and may "
               "be lost. SYNCHRONIZE CACHE and FUA fail until you have judged that: check the "
               "data, then --mode logicalunit --op update --params flush_failed=0",
               unit->path(), place.empty() && medium ? medium->place : place, std::strerror(error));
}

void Revival::store_failed(const UnitPtr& unit, int error) {
    if (const MediumPtr medium = world_.media.of(*unit)) look_at(medium, error);
}

void Revival::forget(const MediumPtr& medium) {
    cases_.erase(medium);
}

bool Revival::over(const CasePtr& open_case) const {
    const auto known = cases_.find(open_case->medium);
    return known == cases_.end() || known->second != open_case;
}

void Revival::close(const CasePtr& open_case) {
    open_case->medium->missing.reset();
    cases_.erase(open_case->medium);
}

// --- is it gone? --------------------------------------------------------------------------------

void Revival::look_at(const MediumPtr& medium, int error) {
    const UnitPtr unit = medium->unit.lock();
    if (!unit || !unit->store()) return;
    CasePtr& known = cases_[medium];
    if (known) return;
    auto self = std::make_shared<std::weak_ptr<Case>>();
    known = std::make_shared<Case>(medium, [this, self] {
        if (const CasePtr open_case = self->lock()) due(open_case);
    });
    *self = known;
    known->error = error;
    call_blocking(
        world_.runtime,
        [store = unit->store(), path = medium->open.path, identity = medium->identity,
         fails = error != 0] {
            return Look{store->current_size(), leads_elsewhere(path, identity, fails)};
        },
        [this, open_case = known](const Look& look) {
            if (!over(open_case)) looked(open_case, look);
        });
}

void Revival::looked(const CasePtr& open_case, const Look& look) {
    const int error = open_case->error;
    if (!look.size) return declare_gone(open_case, look.size.error().text);
    if (*look.size == 0 && open_case->medium->engine->content == store::Content::bytes)
        return declare_gone(open_case, "nothing is left of it");
    if (scsi::is_gone_failure(error)) return declare_gone(open_case, std::strerror(error));
    if (look.moved) return declare_gone(open_case, "its path leads elsewhere");
    pause(open_case, error ? std::strerror(error) : "");
    world_.sized(open_case->medium, *look.size);
}

// A medium that is there and fails: initiators are told with every command, the log now and then.
void Revival::pause(const CasePtr& open_case, const std::string& reason) {
    Medium& medium = *open_case->medium;
    const auto now = world_.runtime.control().timers().now();
    if (!reason.empty() && (!medium.complained || now - *medium.complained > complaint_every)) {
        medium.complained = now;
        log::error(module, "{}, the medium of {}, fails: {}", medium.open.path, medium.place,
                   reason);
    }
    open_case->step = Case::Step::pausing;
    world_.runtime.control().timers().arm_in(open_case->timer, options_.pause);
}

// --- it is --------------------------------------------------------------------------------------

void Revival::declare_gone(const CasePtr& open_case, const std::string& reason) {
    Medium& medium = *open_case->medium;
    const UnitPtr unit = medium.unit.lock();
    if (!unit) return close(open_case);
    medium.missing = reason;
    log::error(module,
               "{}, the medium of {}, is gone ({}): the logical unit is not ready until it is back",
               medium.open.path, medium.place, reason);
    open_case->step = Case::Step::leaving;
    set_backing(world_.runtime, unit, true, [this, open_case] {
        if (!over(open_case)) let_go(open_case);
    });
}

// A last flush tells whether something that was acknowledged is lost.
void Revival::let_go(const CasePtr& open_case) {
    const UnitPtr unit = open_case->medium->unit.lock();
    if (!unit) return close(open_case);
    const bool unflushed = unit->unflushed() && !open_case->medium->open.flags.sync;
    call_blocking(
        world_.runtime,
        [store = unit->store(), unflushed] {
            store::Op flush;
            flush.kind = store::OpKind::flush;
            return unflushed ? store->perform(flush) : 0;
        },
        [this, open_case](int error) {
            const UnitPtr unit = open_case->medium->unit.lock();
            if (over(open_case) || !unit) return;
            if (error != 0) unit->store_failed(store::OpKind::flush, true, error);
            auto stand_in = world_.media.track(open_case->medium,
                                               std::make_unique<GoneStore>(unit->store()->info()));
            unit->replace_store(std::move(stand_in), [this, open_case] {
                if (!over(open_case)) seek(open_case);
            });
        });
}

void Revival::seek(const CasePtr& open_case) {
    open_case->step = Case::Step::waiting;
    open_case->wait = open_case->wait == io::Duration()
                          ? options_.first
                          : std::min(2 * open_case->wait, options_.longest);
    world_.runtime.control().timers().arm_in(open_case->timer, open_case->wait);
}

void Revival::hurry() {
    for (const auto& [medium, open_case] : cases_)
        if (open_case->step == Case::Step::waiting) {
            open_case->wait = io::Duration();
            world_.runtime.control().timers().arm_in(open_case->timer, options_.first / 10);
        }
}

void Revival::due(const CasePtr& open_case) {
    const MediumPtr medium = open_case->medium;  // the case may end here
    const UnitPtr unit = medium->unit.lock();
    if (!unit || (medium->missing && world_.place_of(*unit).empty())) return close(open_case);
    if (open_case->step == Case::Step::pausing) {
        close(open_case);
        return unit->report_failures_again();
    }
    if (medium->handles > 1) return seek(open_case);  // the old one is still being closed
    attempt(open_case);
}

// --- is it back? --------------------------------------------------------------------------------

void Revival::attempt(const CasePtr& open_case) {
    open_case->step = Case::Step::trying;
    call_blocking(
        world_.runtime, [path = open_case->medium->open.path] { return probe_identity(path); },
        [this, open_case](store::Identity identity) {
            if (over(open_case)) return;
            const std::string& path = open_case->medium->open.path;
            if (!identity.known && open_case->medium->engine->needs_path)
                return not_this(open_case, fmt::format("there is no file or device {}", path));
            if (const MediumPtr user = world_.media.find(identity); user && !user->missing)
                return not_this(open_case,
                                fmt::format("{} leads to the medium of {} now", path, user->place));
            open_medium(open_case, fmt::format("open {}:{}", identity.device, identity.inode));
        });
}

// Others who want to open it wait for their turn, instead of meeting our lock.
void Revival::open_medium(const CasePtr& open_case, const std::string& turn) {
    const auto again = [this, open_case] {
        if (!over(open_case)) seek(open_case);
    };
    const auto entry = world_.attempts.enter(turn, again);
    if (entry == Attempts::Entry::late) return seek(open_case);
    if (entry != Attempts::Entry::entered) return;
    const Medium& medium = *open_case->medium;
    call_blocking(
        world_.runtime,
        [engine = medium.engine, request = medium.open] { return engine->open(request); },
        [this, open_case, turn](Result<std::unique_ptr<store::Store>> store) {
            found(open_case, std::move(store), [this, turn] { world_.attempts.leave(turn); });
        });
}

void Revival::found(const CasePtr& open_case, Result<std::unique_ptr<store::Store>> store,
                    std::function<void()> leave) {
    const MediumPtr& medium = open_case->medium;
    const UnitPtr unit = over(open_case) ? nullptr : medium->unit.lock();
    if (!store) {
        leave();
        if (unit) not_this(open_case, store.error().text);
        return;
    }
    const store::Info info = (*store)->info();
    const std::string why =
        unit ? objection(*medium, unit->store()->info(), *unit->state(), info) : std::string();
    if (unit && why.empty()) {
        take(open_case, unit, std::move(*store));
        return leave();
    }
    close_on_pool(world_.runtime, std::move(*store), std::move(leave));
    if (unit) not_this(open_case, why);
}

void Revival::not_this(const CasePtr& open_case, std::string why) {
    if (open_case->told != why) log::warn(module, "{}: {}", open_case->medium->place, why);
    open_case->told = why;
    open_case->medium->missing = std::move(why);
    seek(open_case);
}

void Revival::take(const CasePtr& open_case, const UnitPtr& unit,
                   std::unique_ptr<store::Store> store) {
    open_case->step = Case::Step::returning;
    open_case->medium->missing.reset();
    const uint64_t size = store->info().size;
    unit->replace_store(world_.media.track(open_case->medium, std::move(store)),
                        [this, open_case, size] {
                            const UnitPtr unit = open_case->medium->unit.lock();
                            if (over(open_case) || !unit) return;
                            set_backing(world_.runtime, unit, false, [this, open_case, size] {
                                if (!over(open_case)) back(open_case, size);
                            });
                        });
}

void Revival::back(const CasePtr& open_case, uint64_t size) {
    const MediumPtr medium = open_case->medium;
    close(open_case);
    log::info(module, "{}, the medium of {}, is back", medium->open.path, medium->place);
    if (const UnitPtr unit = medium->unit.lock()) unit->report_failures_again();
    world_.sized(medium, size);
    world_.returned(medium);
}

}  // namespace tgt::mgmt
