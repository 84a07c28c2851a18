// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sgio/scsi_store.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "store/sgio/delivery.h"

namespace tgt::store::sgio {

namespace {

constexpr auto module = log::Module::store;
constexpr const char* no_bytes = "a pass-through device has no bytes at offsets";

class NoQueue final : public StoreQueue {
  public:
    bool submit(Op& op) override {
        op.error = EOPNOTSUPP;
        return true;
    }
    bool cancel(Op&) override { return false; }
};

}  // namespace

Result<std::unique_ptr<Store>> ScsiStore::open(const OpenRequest& request, const Dialect& dialect) {
    auto options = parse_options(request.options);
    if (!options) return tl::unexpected(options.error());
    auto device = open_device(request.path, dialect.driver);
    if (!device) return tl::unexpected(device.error());
    const uint32_t timeout = options->timeout.value_or(default_timeout(device->type));
    return std::make_unique<ScsiStore>(request.path, std::move(*device), dialect, timeout);
}

ScsiStore::ScsiStore(std::string path, Device device, const Dialect& dialect, uint32_t timeout)
    : path_(std::move(path)),
      device_(std::move(device)),
      dialect_(dialect),
      most_bytes_(dialect.most_bytes(device_.fd.get())),
      timeout_(timeout) {
    if (dialect_.opened) dialect_.opened(device_.fd.get());
    info_.identity = {device_.number, Identity::character_device, true};
    info_.lasting_id = device_.lasting_id;
    log::debug(module,
               "{}: device type {:02x}h, {} bytes in one command, timeout {} s, known as {}", path_,
               device_.type, most_bytes_, timeout, device_.lasting_id);
}

ScsiReply ScsiStore::execute(const ScsiRequest& request) {
    ScsiReply reply;
    free_.acquire();
    const uint32_t timeout_ms = timeout_.load(std::memory_order_relaxed) * 1000;
    const int error = dialect_.run(device_.fd.get(), request, timeout_ms, reply);
    free_.release();
    if (error == 0) return reply;
    reply = {};
    reply.delivery = delivery_of_errno(error, request, most_bytes_);
    const bool ours =
        reply.delivery == Delivery::unsupported || reply.delivery == Delivery::too_large;
    if (ours && !complained_.exchange(true))
        log::warn(module,
                  "{}: the system does not carry command {:02x}h with a CDB of {} bytes and {} "
                  "bytes of data: {}. It is refused, and so are others like it",
                  path_, request.cdb[0], request.cdb.size(), request.length, strerror(error));
    return reply;
}

Result<void> ScsiStore::update(std::string_view name, std::string_view value) {
    if (name != "timeout") return Store::update(name, value);
    auto seconds = parse_timeout(value);
    if (!seconds) return tl::unexpected(seconds.error());
    timeout_.store(*seconds, std::memory_order_relaxed);
    return {};
}

std::vector<std::pair<std::string, std::string>> ScsiStore::parameters() const {
    return {{"timeout", std::to_string(timeout_.load(std::memory_order_relaxed))}};
}

Result<uint64_t> ScsiStore::current_size() {
    if (is_there(device_)) return 0;
    return fail(ENODEV, "the device has been removed");
}

std::unique_ptr<StoreQueue> ScsiStore::make_queue(io::Worker&, io::PoolLane&) {
    return std::make_unique<NoQueue>();
}

int ScsiStore::perform(Op& op) {
    return op.error = EOPNOTSUPP;
}

Result<Extent> ScsiStore::extent(uint64_t) {
    return fail(EOPNOTSUPP, no_bytes);
}

}  // namespace tgt::store::sgio
