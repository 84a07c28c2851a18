// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>

#include "driver/iscsi/data_out.h"
#include "driver/iscsi/memory_account.h"
#include "scsi/command.h"
#include "wire/iscsi.h"

namespace tgt::iscsi {

class Connection;
class Session;

struct TaskTable {};  // tag of the hook that links tasks of a session by initiator task tag
struct DataWait {};   // of the one that links those that wait for data, the longest wait first

// A SCSI command of an iSCSI session: the Command and its data transfer. From its worker's slab;
// given back when its response has left (or at once, when it ended silently) and the store has let
// go of it.
class Task final : public scsi::Command, public ListHook<TaskTable>, public ListHook<DataWait> {
  public:
    // Not null until the session has ended, or the connection has closed: such a task ends
    // silently.
    Session* session = nullptr;
    Connection* connection = nullptr;
    void* slab = nullptr;  // the worker's Slab<Task>

    uint32_t initiator_task_tag = 0;
    uint32_t cmd_sn = 0;
    std::array<uint8_t, 8> lun_bytes{};
    bool numbered = false;  // came without the I bit: it takes a place in the window
    bool read = false;
    bool write = false;
    bool bidirectional = false;
    uint32_t expected_length = 0;
    uint32_t immediate_length = 0;
    bool more_unsolicited = false;  // F=0 in the command PDU

    DataOut data_out;
    bool collecting = false;           // want_data_out() was called, data_out_complete() was not
    io::TimePoint waiting_since;       // collecting: when data came last
    MemoryAccount* account = nullptr;  // where it counts for so many bytes
    uint64_t memory = 0;

    void want_data_out() override;
    void finished() override;
    void recycle() override;
};

}  // namespace tgt::iscsi
