// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "base/slab.h"
#include "driver/iscsi/peer_log.h"
#include "driver/iscsi/starving.h"
#include "driver/iscsi/task.h"
#include "io/worker.h"

namespace tgt::iscsi {

class Connection;
class Session;
class SessionRegistry;

// What the iSCSI driver has on one worker: connections, sessions and the task slab. Its worker's
// thread only.
struct WorkerContext {
    WorkerContext(io::Worker& on, SessionRegistry& sessions);
    ~WorkerContext();

    io::Worker& worker;
    SessionRegistry& registry;
    LineBudget log;  // what peers cause is written through it
    MemoryAccounts memory;
    WindowBudget windows;
    StarvingSessions starving;
    size_t held_bytes = 0;  // of PDUs that wait for their turn or for memory, all sessions
    // The last dies first: output that is still queued lets go of its tasks, and these of their
    // session.
    Slab<Task> tasks;
    std::map<uint16_t, std::unique_ptr<Session>> sessions;        // by TSIH
    std::map<uint64_t, std::unique_ptr<Connection>> connections;  // by connection id
};

}  // namespace tgt::iscsi
