// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/null/null.h"

#include <cstring>

namespace tgt::store {

namespace {

constexpr uint64_t null_size = uint64_t(1) << 40;

Info null_info() {
    Info info;
    info.size = null_size;
    info.features = {.discard = true, .discard_zeroes = true, .fast_read = true, .extents = true};
    return info;
}

class NullStore final : public Store {
  public:
    const Info& info() const override { return info_; }
    std::unique_ptr<StoreQueue> make_queue(io::Worker&, io::PoolLane&) override;
    // Any thread, and without waiting.
    int perform(Op& op) override;
    Result<Extent> extent(uint64_t offset) override;
    Result<uint64_t> current_size() override { return info_.size; }

  private:
    const Info info_ = null_info();
};

// Everything completes inside submit(), hence nothing can be cancelled.
class NullQueue final : public StoreQueue {
  public:
    explicit NullQueue(NullStore& store) : store_(store) {}
    bool submit(Op& op) override {
        op.error = store_.perform(op);
        return true;
    }
    bool cancel(Op&) override { return false; }

  private:
    NullStore& store_;
};

std::unique_ptr<StoreQueue> NullStore::make_queue(io::Worker&, io::PoolLane&) {
    return std::make_unique<NullQueue>(*this);
}

// Reads really write zeroes: the memory may hold another command's data.
int NullStore::perform(Op& op) {
    if (op.offset > null_size || op.length > null_size - op.offset) return EIO;
    if (op.kind != OpKind::read) return 0;
    for (unsigned i = 0; i < op.iov_count; ++i) memset(op.iov[i].iov_base, 0, op.iov[i].iov_len);
    return 0;
}

Result<Extent> NullStore::extent(uint64_t offset) {
    if (offset >= null_size)
        return fail(EINVAL, "an extent begins behind the end of the null store");
    return Extent{.length = null_size - offset, .mapped = false};
}

Result<std::unique_ptr<Store>> open_null(const OpenRequest&) {
    return std::make_unique<NullStore>();
}

}  // namespace

const Engine null_engine = {.name = "null", .flags = "", .needs_path = false, .open = open_null};

}  // namespace tgt::store
