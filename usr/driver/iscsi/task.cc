// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/task.h"

#include "driver/iscsi/connection.h"
#include "driver/iscsi/session.h"

namespace tgt::iscsi {

void Task::want_data_out() {
    connection->want_data(*this);
}

void Task::finished() {
    if (connection) {
        connection->result(*this);
    } else if (session) {
        session->end_task(*this);
    } else {
        release_task(*this);
    }
}

void Task::recycle() {
    Command::recycle();
    session = nullptr;
    connection = nullptr;
    numbered = read = write = bidirectional = false;
    expected_length = 0;
    immediate_length = 0;
    more_unsolicited = false;
    collecting = false;
    account = nullptr;
    memory = 0;
    data_out = DataOut();
}

void keep_memory(Task& task, uint64_t bytes) {
    if (bytes >= task.memory) return;
    const uint64_t less = task.memory - bytes;
    task.memory = bytes;
    MemoryAccounts::give_back(*task.account, less);
}

void release_task(Task& task) {
    keep_memory(task, 0);
    static_cast<Slab<Task>*>(task.slab)->give(&task);
}

}  // namespace tgt::iscsi
