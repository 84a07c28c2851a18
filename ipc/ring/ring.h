// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "include/uapi/linux/tgt_ring.h"
#include "ipc/ring/end.h"

namespace tgt::ipc {

// The rings and descriptors of one attached queue: what comes is copied once and checked, as it
// was written by others. Knows no SCSI. Owns the attachment. One thread.
class CommandRing {
  public:
    // The error says what is wrong with the header.
    static Result<std::unique_ptr<CommandRing>> make(std::unique_ptr<RingEnd> end,
                                                     const RingPlace& place);
    CommandRing(const CommandRing&) = delete;

    int descriptor() const { return end_->descriptor(); }
    uint32_t tags() const { return tags_; }
    uint64_t attachment() const { return attachment_; }
    std::span<uint8_t> data() const { return regions_.data; }

    // --- events
    bool has_events() const;
    // All that there are, with tags below tags() and a type that is known. From now on the kernel
    // takes them for seen. The error: it is not the kernel's, the attachment cannot be used on.
    Result<void> take_events(std::vector<tgt_ring_event>& out);
    // From now on the kernel wakes the descriptor's poll; false: there are events already.
    bool arm();
    void disarm();

    // A copy, whose lengths and types are right for its type; the error as in take_events().
    Result<tgt_ring_desc> descriptor_of(uint32_t tag) const;

    // --- replies
    // To be filled in, all but the sense data and segments that do not count is zero; then put().
    tgt_ring_reply& reply_for(uint32_t tag);
    void put(uint32_t tag);
    // A piece of data(), as the kernel calls it.
    tgt_ring_segment segment_of(const void* bytes, size_t length) const;
    // Something was put since the last kick().
    bool unkicked() const { return unkicked_; }
    // 0, or an errno value: the attachment is over.
    int kick();

  private:
    CommandRing(std::unique_ptr<RingEnd> end, const tgt_ring_header& header);
    const uint32_t* event_head() const;
    tgt_ring_user* user() const;

    const std::unique_ptr<RingEnd> end_;
    const RingRegions regions_;
    const uint32_t tags_, entries_;
    const uint32_t event_offset_, desc_offset_, desc_size_;
    const uint32_t reply_offset_, slot_offset_, slot_size_;
    const uint64_t attachment_;
    uint32_t event_tail_ = 0;
    uint32_t reply_head_ = 0;
    bool armed_ = false;
    bool unkicked_ = false;
};

}  // namespace tgt::ipc
