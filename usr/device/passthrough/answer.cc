// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/passthrough/answer.h"

#include <algorithm>
#include <cerrno>

#include "scsi/logical_unit.h"

namespace tgt::passthrough {

namespace {

using scsi::Outcome;
using store::Delivery;
namespace sense = scsi::sense;

// The residual is against what the initiator was ready for, as the device's is.
uint64_t moved(uint64_t expected, int64_t residual) {
    return uint64_t(std::max<int64_t>(int64_t(expected) - residual, 0));
}

// RFC 7143 11.4.7: CHECK CONDITION comes with sense data, also when the adapter has lost it.
bool lacks_sense(const store::ScsiReply& reply) {
    return scsi::Status(reply.status) == scsi::Status::check_condition && reply.sense.empty();
}

}  // namespace

Outcome undelivered(Delivery delivery) {
    switch (delivery) {
        case Delivery::no_device:
            return sense::not_ready(0x00);
        case Delivery::busy:
            return scsi::Status::busy;
        case Delivery::timed_out:
            return sense::aborted_command(0x2e, 0x02);  // command timeout during processing
        case Delivery::ended:
            return sense::aborted_command(0x00, 0x00);
        case Delivery::link_failed:
            return sense::aborted_command(0x08, 0x00);  // logical unit communication failure
        case Delivery::conflict:
            return scsi::Status::reservation_conflict;
        case Delivery::unsupported:
            return sense::invalid_opcode();
        case Delivery::too_large:
            return sense::make(scsi::SenseKey::illegal_request, 0x24, 0x00);
        case Delivery::answered:
        case Delivery::failed:
            break;
    }
    return sense::internal_target_failure();
}

Outcome accept(scsi::Command& command, store::ScsiReply reply) {
    if (reply.delivery != Delivery::answered) {
        command.in_total = command.out_total = 0;
        if (reply.delivery == Delivery::no_device)
            command.shard->unit.store_failed(store::OpKind::read, false, ENODEV);
        return undelivered(reply.delivery);
    }
    const uint64_t total = moved(command.in_total + command.out_total, reply.residual);
    (command.out_total > 0 ? command.out_total : command.in_total) = total;
    if (lacks_sense(reply)) return sense::aborted_command(0x44, 0x00);
    command.device_answer = true;
    command.device_sense = std::move(reply.sense);
    return scsi::Status(reply.status);
}

}  // namespace tgt::passthrough
