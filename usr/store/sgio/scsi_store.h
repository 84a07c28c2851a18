// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <semaphore>
#include <string>

#include "store/scsi_port.h"
#include "store/sgio/device.h"
#include "store/sgio/options.h"

namespace tgt::store::sgio {

// How commands go through one of the kernel's two drivers: by ioctl(SG_IO), which waits for the
// device. `run` fills `reply` with what the device or the kernel has answered; it returns 0, or an
// errno value when the kernel has not taken the command.
struct Dialect {
    Driver driver;
    int (*run)(int fd, const ScsiRequest& request, uint32_t timeout_ms, ScsiReply& reply);
    // Bytes that the device takes in one command for sure; more may work.
    uint64_t (*most_bytes)(int fd);
    // Not null: once, for a new descriptor.
    void (*opened)(int fd) = nullptr;
};

// A SCSI device of this machine. Any thread; the calls that wait are for threads of the pool.
class ScsiStore final : public Store, public ScsiPort {
  public:
    static Result<std::unique_ptr<Store>> open(const OpenRequest& request, const Dialect& dialect);
    ScsiStore(std::string path, Device device, const Dialect& dialect, uint32_t timeout);

    const Info& info() const override { return info_; }
    ScsiPort* scsi_port() override { return this; }
    ScsiReply execute(const ScsiRequest& request) override;
    int reset() override { return reset_device(device_); }

    // timeout=SECONDS, for commands that begin later.
    Result<void> update(std::string_view name, std::string_view value) override;
    std::vector<std::pair<std::string, std::string>> parameters() const override;
    // 0, or ENODEV when the device is gone.
    Result<uint64_t> current_size() override;

    std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override;
    int perform(Op& op) override;
    Result<Extent> extent(uint64_t offset) override;

  private:
    // sg refuses more than 16 on one descriptor, and has one of its own there.
    static constexpr ptrdiff_t max_at_once = 15;

    const std::string path_;
    const Device device_;
    const Dialect& dialect_;
    const uint64_t most_bytes_;
    Info info_;
    std::atomic<uint32_t> timeout_;  // seconds
    std::counting_semaphore<max_at_once> free_{max_at_once};
    std::atomic<bool> complained_{false};  // that the system carries less than was asked for
};

}  // namespace tgt::store::sgio
