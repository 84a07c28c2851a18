// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "base/mailbox.h"
#include "io/timers.h"

namespace tgt::store {
class Store;
}

namespace tgt::scsi {

class LogicalUnit;

// One LOGICAL UNIT RESET of the device behind a pass-through unit. The call that asks for it can
// wait for the device, so it runs on the pool; the object and the unit live until it has come back,
// the answer does not wait longer than the bound. Control thread.
class DeviceReset final : private Task {
  public:
    // `done(true)`: the device was reset; `done(false)`: it was not, or not in time.
    static void begin(std::shared_ptr<LogicalUnit> unit, io::Duration bound,
                      std::function<void(bool)> done);

  private:
    DeviceReset(std::shared_ptr<LogicalUnit> unit, std::function<void(bool)> done);
    static void on_pool(Task& task);
    static void came_back(Task& task);
    void answer(bool was_reset);

    const std::shared_ptr<LogicalUnit> unit_;
    const std::shared_ptr<store::Store> store_;
    std::function<void(bool)> done_;
    io::Timer patience_;
    int error_ = 0;
};

}  // namespace tgt::scsi
