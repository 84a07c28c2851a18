// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "io/buffer.h"
#include "scsi/command.h"

namespace tgt::kring {

class Attachment;
struct Initiator;

struct OpenRequests {};  // tag of the hook that links the requests of an initiator
struct MemoryWait {};    // of the one that links those that wait for room in the data area

// A SCSI command that came over a ring: the Command and what the kernel knows of it. From the slab
// of its attachment; given back when the kernel and the store have both let go of it.
class Request final : public scsi::Command,
                      public io::BufferSource,
                      public ListHook<OpenRequests>,
                      public ListHook<MemoryWait> {
  public:
    Attachment* attachment = nullptr;
    Initiator* initiator = nullptr;  // until the kernel has its answer
    uint32_t ring_tag = 0;
    uint64_t id = 0;
    uint64_t serial = 0;  // of the attachment, in the order of coming
    std::array<uint8_t, 8> lun_bytes{};
    io::Buffer reserved;  // all that it may need, taken before it begins

    bool fetching = false;   // the kernel has `out`: TGT_EVENT_DATA will come
    bool ended = false;      // finished() was called meanwhile
    bool sending = false;    // the kernel has `in`: TGT_EVENT_SENT will come
    bool abandoned = false;  // the kernel was told that it is aborted; the store still has it

    // Everything comes from what is reserved.
    io::Buffer take(size_t bytes) override;
    void want_data_out() override;
    void finished() override;
    void recycle() override;
};

}  // namespace tgt::kring
