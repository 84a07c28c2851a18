// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "driver/iscsi/parameters.h"
#include "driver/iscsi/task.h"
#include "wire/iscsi.h"

namespace tgt::iscsi {

// What carries the PDUs of one connection: the line between the iSCSI layer and TCP or RDMA (the
// datamover primitives of RFC 5047). A Connection owns its Transport. All on the worker; nothing
// blocks.
class Transport {
  public:
    virtual ~Transport() = default;

    // Queues a PDU other than Data-In and R2T; `data` is copied.
    virtual void send(const wire::Bhs& pdu, std::span<const uint8_t> data) = 0;
    // Queues the data of a finished task, status included when `status_pdu` is null (phase
    // collapse: the task is GOOD), else followed by that SCSI Response with `sense`. Calls
    // Connection::task_sent() when the last byte has left, or the connection closes.
    virtual void send_result(Task& task, const wire::Bhs* status_pdu,
                             std::span<const uint8_t> sense) = 0;
    // Asks for data as far as task.data_out and the R2T limit allow.
    virtual void request_data(Task& task) = 0;
    // Takes what has come and was not reported yet.
    virtual void look() = 0;
    // The task's memory is about to go: nothing is received into it any more.
    virtual void forget(Task& task) = 0;

    // The full feature phase begins, or a parameter was renegotiated.
    virtual void adopt(const NegotiatedParameters& parameters) = 0;
    // Closes when everything queued has left (or cannot leave).
    virtual void close_after_sending() = 0;
    // Closes now. Connection::closed() follows, at the end of the turn.
    virtual void close() = 0;

    virtual std::string peer_address() const = 0;  // without port: "127.0.0.1"
    virtual bool rdma() const = 0;
    virtual uint64_t received_bytes() const = 0;
    virtual uint64_t sent_bytes() const = 0;
};

}  // namespace tgt::iscsi
