// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "store/store.h"

namespace tgt::mgmt {

// A store that tells when its handle has been closed: until then nobody else can open the medium,
// as the handle holds its lock. `closed` runs on the thread that destroys the store.
class TrackedStore final : public store::Store {
  public:
    TrackedStore(std::unique_ptr<store::Store> inner, std::function<void()> closed)
        : inner_(std::move(inner)), closed_(std::move(closed)) {}
    ~TrackedStore() override {
        inner_.reset();
        closed_();
    }
    const store::Info& info() const override { return inner_->info(); }
    std::unique_ptr<store::StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override {
        return inner_->make_queue(worker, lane);
    }
    int perform(store::Op& op) override { return inner_->perform(op); }
    Result<store::Extent> extent(uint64_t offset) override { return inner_->extent(offset); }
    Result<uint64_t> current_size() override { return inner_->current_size(); }
    Result<void> update(std::string_view name, std::string_view value) override {
        return inner_->update(name, value);
    }
    std::vector<std::pair<std::string, std::string>> parameters() const override {
        return inner_->parameters();
    }
    store::ScsiPort* scsi_port() override { return inner_->scsi_port(); }
    store::Tape* tape() override { return inner_->tape(); }
    store::Library* library() override { return inner_->library(); }

  private:
    std::unique_ptr<store::Store> inner_;
    std::function<void()> closed_;
};

}  // namespace tgt::mgmt
