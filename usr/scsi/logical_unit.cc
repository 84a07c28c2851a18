// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/logical_unit.h"

#include <algorithm>

#include "scsi/command.h"
#include "scsi/engine.h"

namespace tgt::scsi {

namespace {

constexpr unsigned job_threads = 4;
constexpr unsigned short_job_threads = 4;

// Closing a store can wait for its device, so it is done on the blocking pool.
template <class T>
struct Disposal : Task {
    explicit Disposal(T* o) : object(o) {
        run = [](Task& task) {
            auto* self = static_cast<Disposal*>(&task);
            delete self->object;
            delete self;
        };
    }
    T* object;
};

std::shared_ptr<store::Store> closed_on_pool(io::Runtime& runtime,
                                             std::unique_ptr<store::Store> store) {
    if (!store) return nullptr;
    return {store.release(), [&runtime](store::Store* closed) {
                runtime.pool().submit(*new Disposal<store::Store>(closed));
            }};
}

void dispose(LogicalUnit* unit) {
    io::Runtime& runtime = unit->runtime();
    runtime.on_every_worker(
        [unit](io::Worker& worker) {
            LunShard& shard = unit->shard(worker.index());
            shard.held_timer.disarm();
            shard.queue.reset();
            shard.store.reset();
        },
        [unit, &runtime] { runtime.pool().submit(*new Disposal<LogicalUnit>(unit)); });
}

}  // namespace

LunShard::LunShard(LogicalUnit& owner, io::Worker& on)
    : unit(owner), worker(on), held_timer([this] { Engine::expire_held(*this); }) {
    state = owner.state();
    store = owner.store();
    if (store) queue = store->make_queue(on, owner.lane());
}

void LunShard::left_store() {
    fences.command_left(*this);
    if (!at_store.empty()) return;
    if (auto idle = std::exchange(on_store_idle, nullptr)) idle();
}

void LunShard::adopt(LunStatePtr next) {
    state = std::move(next);
    nexuses.for_each([&](ItlNexus& itl) {
        itl.forbidden = forbidden_classes(state->reservations, itl.nexus.id());
    });
}

void LunShard::drop_idle_detached() {
    if (detached.empty()) return;
    std::erase_if(detached, [](const auto& itl) { return itl->tasks.empty(); });
    if (!detached.empty()) return;
    if (auto drained = std::exchange(on_drained, nullptr)) drained();
}

LogicalUnit::LogicalUnit(io::Runtime& runtime, const DeviceType& type,
                         std::unique_ptr<store::Store> store, std::string store_name,
                         std::string path, std::string flags, LunState state, unsigned io_threads)
    : runtime_(runtime),
      type_(type),
      store_(type.make_model ? nullptr : closed_on_pool(runtime, std::move(store))),
      store_name_(std::move(store_name)),
      path_(std::move(path)),
      flags_(std::move(flags)),
      lane_(runtime.pool(), io_threads),
      job_lane_(runtime.pool(), type.serial ? 1 : job_threads),
      short_job_lane_(runtime.pool(), type.serial ? 1 : short_job_threads),
      state_(std::make_shared<const LunState>(std::move(state))),
      model_(type.make_model ? type.make_model(std::move(store), path_) : nullptr),
      fences_(*this) {
    if (model_) {
        LunState adjusted = *state_;
        model_->adjust(adjusted);
        state_ = std::make_shared<const LunState>(std::move(adjusted));
    }
    for (unsigned i = 0; i < runtime.worker_count(); ++i)
        shards_.push_back(std::make_unique<LunShard>(*this, runtime.worker(i)));
    if (model_) model_->attach(*this);
}

LogicalUnit::~LogicalUnit() = default;

std::shared_ptr<LogicalUnit> LogicalUnit::make(io::Runtime& runtime, const DeviceType& type,
                                               std::unique_ptr<store::Store> store,
                                               std::string store_name, std::string path,
                                               std::string flags, LunState state,
                                               unsigned io_threads) {
    return std::shared_ptr<LogicalUnit>(
        new LogicalUnit(runtime, type, std::move(store), std::move(store_name), std::move(path),
                        std::move(flags), std::move(state), io_threads),
        dispose);
}

void LogicalUnit::on_strand(std::function<void()> call) {
    struct Call : Task {
        std::shared_ptr<LogicalUnit> unit;
        std::function<void()> what;
    };
    auto* task = new Call;
    task->unit = shared_from_this();
    task->what = std::move(call);
    task->run = [](Task& run) {
        const std::unique_ptr<Call> self(&static_cast<Call&>(run));
        self->what();
    };
    strand().submit(*task);
}

std::vector<uint16_t> LogicalUnit::ports() const {
    std::vector<uint16_t> all;
    for (const auto& [port, luns] : ports_) all.push_back(port);
    return all;
}

void LogicalUnit::add_port(uint16_t relative_port) {
    ++ports_[relative_port];
}

void LogicalUnit::remove_port(uint16_t relative_port) {
    auto found = ports_.find(relative_port);
    if (found != ports_.end() && --found->second == 0) ports_.erase(found);
}

// --- the store
// ------------------------------------------------------------------------------------

void LogicalUnit::note_ended(const store::Op& op) {
    using store::OpKind;
    const bool changes =
        op.kind == OpKind::write || op.kind == OpKind::discard || op.kind == OpKind::write_zeroes;
    const bool left = op.error == 0 ? changes && !op.dsync : op.kind == OpKind::flush;
    if (left && !unflushed()) unflushed_.store(true, std::memory_order_relaxed);
    if (op.error != 0) store_failed(op.kind, op.dsync, op.error);
}

void LogicalUnit::store_failed(store::OpKind kind, bool dsync, int error) {
    const bool lost_data = kind == store::OpKind::flush || (dsync && is_medium_failure(error));
    if (lost_data && !is_passing_failure(error))
        runtime_.control().post(
            [self = shared_from_this(), error] { self->note_flush_failure(error); });
    if (!is_medium_failure(error) || failure_reported_.exchange(true)) return;
    runtime_.control().post([self = shared_from_this(), error] {
        if (self->observer_) self->observer_->store_failed(self, error);
    });
}

// In force on every worker before long; the command that met the failure tells it in any case.
void LogicalUnit::note_flush_failure(int error) {
    auto first = std::make_shared<bool>(false);
    auto failed = [first](const LunState& now) {
        LunChange change;
        *first = !now.flush_failed;
        if (!*first) return change;
        change.next = std::make_shared<LunState>(now);
        change.next->flush_failed = true;
        return change;
    };
    change(failed, runtime_.control(), [self = shared_from_this(), first, error](const Outcome&) {
        if (*first && self->observer_) self->observer_->flush_failed(self, error);
    });
}

void LogicalUnit::orphan_ended() {
    if (orphans_.fetch_sub(1, std::memory_order_relaxed) > 1) return;
    auto ready = [this](const LunState& now) {
        LunChange change;
        if (now.backing != Backing::draining || orphans() > 0) return change;
        change.next = std::make_shared<LunState>(now);
        change.next->backing = Backing::present;
        return change;
    };
    change(ready, runtime_.control(), [](const Outcome&) {});
}

void LogicalUnit::replace_store(std::unique_ptr<store::Store> store, std::function<void()> done) {
    store_ = closed_on_pool(runtime_, std::move(store));
    auto left = std::make_shared<size_t>(runtime_.worker_count());
    auto changed_over = [left, done = std::move(done), self = shared_from_this()] {
        if (--*left == 0) done();
    };
    runtime_.on_every_worker([self = shared_from_this(), next = store_, changed_over,
                              &control = runtime_.control()](io::Worker& worker) {
        self->swap_store(self->shard(worker.index()), next,
                         [changed_over, &control] { control.post(changed_over); });
    });
}

// In a turn of its own, since the queue may be the one that calls.
void LogicalUnit::swap_store(LunShard& shard, std::shared_ptr<store::Store> store,
                             std::function<void()> done) {
    if (!shard.at_store.empty()) {
        shard.on_store_idle = [self = shared_from_this(), &shard, store, done] {
            shard.worker.post(
                [self, &shard, store, done] { self->swap_store(shard, store, done); });
        };
        return;
    }
    shard.queue = store->make_queue(shard.worker, lane_);
    shard.store = std::move(store);
    done();
}

}  // namespace tgt::scsi
