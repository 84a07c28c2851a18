// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "store/fault/cache.h"
#include "store/fault/hung_ops.h"
#include "store/fault/rule_set.h"
#include "store/store.h"

namespace tgt::store::fault {

// A store over another one that does to operations what its rules say. What comes through the rules
// goes to the volatile cache while that is on, else to the inner store. Owns the inner store. As
// every store: constant but for update(), used by any thread, destroyed when nothing is in flight.
class FaultStore final : public Store {
  public:
    struct Settings {
        std::string path;    // for messages
        std::string engine;  // of the inner store
        uint32_t block_size = 512;
        bool sync = false;  // every write is to be on the medium at once
        uint64_t cache_limit = VolatileCache::default_limit;
    };
    FaultStore(std::unique_ptr<Store> inner, Settings settings);
    // For what was not flushed, it is a power loss.
    ~FaultStore() override;

    const Info& info() const override { return inner_->info(); }
    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override;
    int perform(Op& op) override;
    Result<Extent> extent(uint64_t offset) override;
    Result<uint64_t> current_size() override { return inner_->current_size(); }
    Result<void> update(std::string_view name, std::string_view value) override;
    std::vector<std::pair<std::string, std::string>> parameters() const override;

    // For queues.
    Store& inner() { return *inner_; }
    RuleSet& rules() { return rules_; }
    HungOps& hung() { return hung_; }
    bool cached() const { return cache_.active(); }
    // Below the rules, in the calling thread. Blocking.
    int run(Op& op) { return cached() ? cache_.perform(op) : inner_->perform(op); }
    // Moves the first `bytes` of a read or write, then fails. Blocking.
    int run_short(const Op& op, uint64_t bytes, int error);

  private:
    struct Parameter;
    static const Parameter* find_parameter(std::string_view name);
    int act(Op& op, const Verdict& verdict);
    int act_reorder(Op& op, const Verdict& verdict);

    Result<void> set_fault(std::string_view value);
    Result<void> set_release(std::string_view value);
    Result<void> set_cache(std::string_view value);
    Result<void> set_cache_limit(std::string_view value);
    Result<void> set_lose(std::string_view value);

    const std::unique_ptr<Store> inner_;
    const Settings settings_;
    RuleSet rules_;
    HungOps hung_;
    VolatileCache cache_;
};

}  // namespace tgt::store::fault
