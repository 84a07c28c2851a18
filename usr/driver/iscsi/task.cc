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

uint64_t memory_wanted(const wire::ScsiCommandPdu& pdu, std::span<const uint8_t> ahs) {
    const uint64_t most = io::Buffer::max_bytes;
    uint64_t bytes =
        pdu.read() || pdu.write() ? std::min<uint64_t>(pdu.expected_data_transfer_length, most) : 0;
    if (pdu.read() && pdu.write())
        if (const auto fields = wire::decode_ahs(ahs); fields && fields->bidirectional_read_length)
            bytes += std::min<uint64_t>(*fields->bidirectional_read_length, most);
    return bytes;
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
