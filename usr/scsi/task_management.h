// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "io/clock.h"

namespace tgt::scsi {

class Nexus;

// SAM-5 clause 7.
enum class TaskFunction : uint8_t {
    abort_task,
    abort_task_set,
    clear_aca,
    clear_task_set,
    logical_unit_reset,
    target_warm_reset,
    target_cold_reset,
};
enum class TaskResponse : uint8_t { complete, no_such_task, no_such_lun, not_supported, rejected };

struct TaskRequest {
    TaskFunction function;
    std::optional<uint64_t> lun;
    uint64_t tag = 0;                              // abort_task
    io::Duration bound = std::chrono::seconds(5);  // answered by then, whatever the store does
};

// `done` runs once, on the nexus's worker, not before the call returns for functions that wait.
void manage_tasks(Nexus& nexus, const TaskRequest& request, std::function<void(TaskResponse)> done);

}  // namespace tgt::scsi
