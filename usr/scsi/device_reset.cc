// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/device_reset.h"

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "scsi/logical_unit.h"
#include "store/scsi_port.h"

namespace tgt::scsi {

DeviceReset::DeviceReset(std::shared_ptr<LogicalUnit> unit, std::function<void(bool)> done)
    : unit_(std::move(unit)),
      store_(unit_->store()),
      done_(std::move(done)),
      patience_([this] { answer(false); }) {}

void DeviceReset::begin(std::shared_ptr<LogicalUnit> unit, io::Duration bound,
                        std::function<void(bool)> done) {
    auto* reset = new DeviceReset(std::move(unit), std::move(done));
    reset->unit_->runtime().control().timers().arm_in(reset->patience_, bound);
    reset->run = &DeviceReset::on_pool;
    reset->unit_->short_job_lane().submit(*reset);
}

void DeviceReset::on_pool(Task& task) {
    auto& self = static_cast<DeviceReset&>(task);
    store::ScsiPort* port = self.store_ ? self.store_->scsi_port() : nullptr;
    self.error_ = port ? port->reset() : ENODEV;
    self.run = &DeviceReset::came_back;
    self.unit_->runtime().control().post(task);
}

void DeviceReset::came_back(Task& task) {
    std::unique_ptr<DeviceReset> self(&static_cast<DeviceReset&>(task));
    if (self->error_ != 0)
        log::warn(log::Module::scsi, "{} could not be reset: {}", self->unit_->path(),
                  std::strerror(self->error_));
    self->answer(self->error_ == 0);
}

void DeviceReset::answer(bool was_reset) {
    patience_.disarm();
    if (auto call = std::exchange(done_, nullptr)) call(was_reset);
}

}  // namespace tgt::scsi
