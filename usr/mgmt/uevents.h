// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string_view>

#include "base/unique_fd.h"
#include "io/worker.h"

namespace tgt::mgmt {

// A block device has come, gone or changed.
struct DeviceEvent {
    enum class What { added, changed, removed } what = What::changed;
    dev_t device = 0;
};

// The text of a uevent of the kernel: "change@/devices/...", then NAME=VALUE, each with a zero at
// its end. Nothing when it is not about a block device.
std::optional<DeviceEvent> parse_uevent(std::string_view message);

// The kernel's uevents about block devices. Control thread; `told` there, with nothing when events
// were lost.
class Uevents final : public io::FdWatcher {
  public:
    explicit Uevents(std::function<void(std::optional<DeviceEvent>)> told)
        : told_(std::move(told)) {}
    Uevents(const Uevents&) = delete;
    ~Uevents();

    // 0, or why there are none (an errno value).
    int listen(io::Poller& poller);
    void on_ready(uint32_t events) override;

  private:
    std::function<void(std::optional<DeviceEvent>)> told_;
    UniqueFd fd_;
    io::Poller* poller_ = nullptr;
};

}  // namespace tgt::mgmt
