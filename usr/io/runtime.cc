// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/runtime.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/log.h"
#include "io/cpus.h"

namespace tgt::io {

namespace {

constexpr auto stuck_threads_wait = std::chrono::seconds(5);
constexpr size_t control_memory = size_t(32) << 20;

}  // namespace

Runtime::Runtime(const Options& options) {
    unsigned count = std::max(options.workers, 1u);
    std::vector<int> cpus = options.pin ? affinity_cpus() : std::vector<int>();
    control_ = std::make_unique<Worker>(
        Worker::Options{.index = count, .name = "tgt-control", .buffer_limit = control_memory});
    for (unsigned i = 0; i < count; ++i) {
        Worker::Options one{.index = i, .name = "tgt-worker-" + std::to_string(i)};
        if (!cpus.empty()) one.cpu = cpus[i % cpus.size()];
        one.buffer_limit = options.memory_limit / count;
        one.ring = options.ring;
        one.busy_poll = options.busy_poll;
        workers_.push_back(std::make_unique<Worker>(std::move(one)));
    }
}

Runtime::~Runtime() {
    stop();
    if (pool_.wait_idle(Clock::now() + stuck_threads_wait)) return;
    log::warn(log::Module::io,
              "threads are still stuck in calls to a device; they are left behind");
    for (auto& worker : workers_) (void)worker.release();
    (void)control_.release();
}

void Runtime::start() {
    control_->start();
    for (auto& worker : workers_) worker->start();
}

void Runtime::stop() {
    for (auto& worker : workers_) worker->stop();
    for (auto& worker : workers_) worker->join();
    control_->stop();
    control_->join();
}

void Runtime::on_every_worker(std::function<void(Worker&)> each, std::function<void()> done) {
    struct Round {
        std::function<void(Worker&)> each;
        std::function<void()> done;
        std::atomic<size_t> left;
    };
    auto round = std::make_shared<Round>();
    round->each = std::move(each);
    round->done = std::move(done);
    round->left = workers_.size();
    for (auto& worker : workers_)
        worker->post([this, round, worker = worker.get()] {
            round->each(*worker);
            if (--round->left == 0 && round->done) control_->post([round] { round->done(); });
        });
}

}  // namespace tgt::io
