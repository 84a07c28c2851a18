// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace tgt::ipc {

// The memory that is shared with the kernel (include/uapi/linux/tgt_ring.h).
struct RingRegions {
    std::span<const uint8_t> kernel;
    std::span<uint8_t> user;
    std::span<uint8_t> data;
};

// The daemon's end of one queue of a host: a descriptor and the mapped regions. One thread. The
// attachment ends with the object, and the mapping with it.
class RingEnd {
  public:
    virtual ~RingEnd() = default;
    virtual int descriptor() const = 0;
    virtual RingRegions regions() const = 0;
    // TGT_RING_KICK. 0, or an errno value: the attachment is over.
    virtual int kick() = 0;
};

struct RingPlace {
    uint32_t host = 0;
    uint32_t queue = 0;
    uint64_t data_bytes = 0;  // wanted; 0: the kernel's default
};

// Attaches queues. In tests a fake kernel. Outlives the ends; any thread.
class RingOpener {
  public:
    // Does not wait for a device.
    virtual Result<std::unique_ptr<RingEnd>> open(const RingPlace& place) = 0;

  protected:
    ~RingOpener() = default;
};

// Through the character device of tgt_core.ko.
class DeviceRingOpener final : public RingOpener {
  public:
    explicit DeviceRingOpener(std::string path = "/dev/tgt") : path_(std::move(path)) {}
    Result<std::unique_ptr<RingEnd>> open(const RingPlace& place) override;

  private:
    const std::string path_;
};

}  // namespace tgt::ipc
