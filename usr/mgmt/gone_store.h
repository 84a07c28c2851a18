// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <memory>
#include <utility>

#include "store/store.h"

namespace tgt::mgmt {

// Stands in for the store of a medium that is gone, so that its handle can be closed: a device
// frees its name only then, and locks of ours would keep us out. Every operation fails. Any thread.
class GoneStore final : public store::Store {
  public:
    explicit GoneStore(store::Info info) : info_(std::move(info)) {}

    const store::Info& info() const override { return info_; }
    std::unique_ptr<store::StoreQueue> make_queue(io::Worker&, io::PoolLane&) override {
        return std::make_unique<Queue>();
    }
    int perform(store::Op& op) override { return op.error = ENODEV; }
    Result<store::Extent> extent(uint64_t) override { return fail(ENODEV, gone); }
    Result<uint64_t> current_size() override { return fail(ENODEV, gone); }

  private:
    static constexpr const char* gone = "the backing store is gone";
    class Queue final : public store::StoreQueue {
      public:
        bool submit(store::Op& op) override {
            op.error = ENODEV;
            return true;
        }
        bool cancel(store::Op&) override { return false; }
    };
    const store::Info info_;
};

}  // namespace tgt::mgmt
