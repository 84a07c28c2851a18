// SPDX-License-Identifier: GPL-2.0-or-later
// The other seam to backing stores: one that is a SCSI device carries commands, not bytes at
// offsets. It moves CDBs and does not look into them.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <vector>

namespace tgt::store {

// Owned by the caller, who keeps all of it until execute() returns.
struct ScsiRequest {
    std::span<const uint8_t> cdb;
    std::span<const iovec> in;   // from the device
    std::span<const iovec> out;  // to it; not both
    uint64_t length = 0;         // bytes of the one that is there
};

// How far a command came.
enum class Delivery : uint8_t {
    answered,     // by the device: its status, whatever that is
    no_device,    // it is gone
    busy,         // not begun: the system or the adapter has no room for it now
    timed_out,    // not answered in time; the system has aborted it
    ended,        // by a reset, or by the system for another reason
    link_failed,  // between adapter and device; how far it came is not known
    conflict,     // the system has met a reservation
    unsupported,  // the system or the adapter does not carry such a command
    too_large,    // nor one with so much data
    failed,       // the device or the adapter is broken
};

struct ScsiReply {
    Delivery delivery = Delivery::failed;
    // Of the device, when it has answered:
    uint8_t status = 0;          // SAM-5 table 33
    int64_t residual = 0;        // of the request's length; negative: it wanted to move more
    std::vector<uint8_t> sense;  // as it came
};

// Part of a Store. Blocking: threads of the pool only, any number at once.
class ScsiPort {
  public:
    virtual ScsiReply execute(const ScsiRequest& request) = 0;
    // LOGICAL UNIT RESET. 0 or an errno value: ENOTSUP when the system has no way to ask for it.
    virtual int reset() = 0;

  protected:
    ~ScsiPort() = default;
};

}  // namespace tgt::store
