// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/ring/ring.h"

#include <fmt/core.h>

#include <bit>
#include <cstddef>
#include <cstring>

namespace tgt::ipc {

namespace {

constexpr uint32_t max_tags = 1u << 16;

// Shared words. Both sides run on one machine: these orders pair with the kernel's.
uint32_t load_acquire(const uint32_t* word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
void store_release(uint32_t* word, uint32_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

template <class T>
T* in(std::span<uint8_t> region, size_t offset) {
    return reinterpret_cast<T*>(region.data() + offset);
}
template <class T>
const T* in(std::span<const uint8_t> region, size_t offset) {
    return reinterpret_cast<const T*>(region.data() + offset);
}

bool fits(size_t region, size_t from, uint64_t offset, uint64_t count, uint64_t size) {
    return offset >= from && offset % 8 == 0 && offset <= region && count * size <= region - offset;
}

// What is wrong with it; null: nothing.
const char* fault_of(const tgt_ring_header& header, const RingRegions& regions,
                     const RingPlace& place) {
    const size_t kernel = regions.kernel.size(), user = regions.user.size();
    const uint32_t tags = header.tags, entries = header.ring_entries;
    if (header.magic != TGT_RING_MAGIC) return "it does not begin as a ring does";
    if (header.version != TGT_RING_VERSION) return "its version is another";
    if (header.caps & ~TGT_RING_CAPS) return "it has capabilities that were not asked for";
    if (header.host != place.host || header.queue != place.queue) return "it is another queue's";
    if (tags == 0 || tags > max_tags) return "its number of tags makes no sense";
    if (!std::has_single_bit(entries) || entries < tags || entries > 4 * max_tags)
        return "the length of its rings makes no sense";
    if (header.desc_size < sizeof(tgt_ring_desc) || header.desc_size % 8 != 0 ||
        !fits(kernel, sizeof(header), header.desc_offset, tags, header.desc_size))
        return "its descriptors lie outside";
    if (!fits(kernel, sizeof(header), header.event_offset, entries, sizeof(tgt_ring_event)))
        return "its event ring lies outside";
    if (!fits(user, sizeof(tgt_ring_user), header.reply_offset, entries, sizeof(uint32_t)))
        return "its reply ring lies outside";
    if (header.slot_size < sizeof(tgt_ring_reply) || header.slot_size % 8 != 0 ||
        !fits(user, sizeof(tgt_ring_user), header.slot_offset, tags, header.slot_size))
        return "its reply slots lie outside";
    if (header.data_bytes > regions.data.size())
        return "its data area is larger than what is mapped";
    return nullptr;
}

const char* fault_of(const tgt_ring_desc& desc, uint32_t tag) {
    if (desc.tag != tag) return "it has another tag";
    switch (desc.type) {
        case TGT_DESC_COMMAND:
            if (desc.cdb_length == 0 || desc.cdb_length > TGT_RING_MAX_CDB)
                return "the length of its CDB makes no sense";
            return desc.attribute > TGT_ATTR_ACA ? "its task attribute is unknown" : nullptr;
        case TGT_DESC_NEXUS_ARRIVED:
            return desc.name_length >= TGT_RING_MAX_NAME ? "its name is too long" : nullptr;
        case TGT_DESC_TASK:
        case TGT_DESC_NEXUS_LEFT:
            return nullptr;
        default:
            return "its type is unknown";
    }
}

RingRegions with_data(RingRegions regions, uint64_t bytes) {
    regions.data = regions.data.first(bytes);
    return regions;
}

}  // namespace

Result<std::unique_ptr<CommandRing>> CommandRing::make(std::unique_ptr<RingEnd> end,
                                                       const RingPlace& place) {
    const RingRegions regions = end->regions();
    const char* fault = "it is too short";
    tgt_ring_header header{};
    if (regions.kernel.size() >= sizeof(header) && regions.user.size() >= sizeof(tgt_ring_user)) {
        memcpy(&header, regions.kernel.data(), sizeof(header));
        fault = fault_of(header, regions, place);
    }
    if (fault)
        return fail(EPROTO, fmt::format("the ring of queue {} of host {} cannot be used: {}",
                                        place.queue, place.host, fault));
    return std::unique_ptr<CommandRing>(new CommandRing(std::move(end), header));
}

CommandRing::CommandRing(std::unique_ptr<RingEnd> end, const tgt_ring_header& header)
    : end_(std::move(end)),
      regions_(with_data(end_->regions(), header.data_bytes)),
      tags_(header.tags),
      entries_(header.ring_entries),
      event_offset_(header.event_offset),
      desc_offset_(header.desc_offset),
      desc_size_(header.desc_size),
      reply_offset_(header.reply_offset),
      slot_offset_(header.slot_offset),
      slot_size_(header.slot_size),
      attachment_(header.attachment),
      event_tail_(user()->event_tail),
      reply_head_(user()->reply_head) {}

const uint32_t* CommandRing::event_head() const {
    return in<uint32_t>(regions_.kernel, offsetof(tgt_ring_header, event_head));
}

tgt_ring_user* CommandRing::user() const {
    return in<tgt_ring_user>(regions_.user, 0);
}

// --- events --------------------------------------------------------------------------------------

bool CommandRing::has_events() const {
    return load_acquire(event_head()) != event_tail_;
}

Result<void> CommandRing::take_events(std::vector<tgt_ring_event>& out) {
    const uint32_t count = load_acquire(event_head()) - event_tail_;
    if (count > entries_) return fail(EPROTO, "the event ring holds more than it can");
    const auto* ring = in<tgt_ring_event>(regions_.kernel, event_offset_);
    for (uint32_t i = 0; i < count; ++i) {
        tgt_ring_event event;
        memcpy(&event, &ring[(event_tail_ + i) % entries_], sizeof(event));
        if (event.tag >= tags_) return fail(EPROTO, fmt::format("an event has tag {}", event.tag));
        if (event.type < TGT_EVENT_NEW || event.type > TGT_EVENT_SENT)
            return fail(EPROTO, fmt::format("an event is of type {}", event.type));
        out.push_back(event);
    }
    event_tail_ += count;
    if (count > 0) store_release(&user()->event_tail, event_tail_);
    return {};
}

// The other side puts an event and looks at event_wait then; here it is the other way round, so
// that one of both sees what the other wrote.
bool CommandRing::arm() {
    armed_ = true;
    __atomic_exchange_n(&user()->event_wait, 1u, __ATOMIC_SEQ_CST);
    return __atomic_load_n(event_head(), __ATOMIC_SEQ_CST) == event_tail_;
}

void CommandRing::disarm() {
    if (!armed_) return;
    armed_ = false;
    __atomic_store_n(&user()->event_wait, 0u, __ATOMIC_RELAXED);
}

Result<tgt_ring_desc> CommandRing::descriptor_of(uint32_t tag) const {
    tgt_ring_desc desc;
    memcpy(&desc, regions_.kernel.data() + desc_offset_ + size_t(tag) * desc_size_, sizeof(desc));
    if (const char* fault = fault_of(desc, tag))
        return fail(EPROTO, fmt::format("the descriptor of tag {} cannot be used: {}", tag, fault));
    return desc;
}

// --- replies -------------------------------------------------------------------------------------

tgt_ring_reply& CommandRing::reply_for(uint32_t tag) {
    auto* slot = in<tgt_ring_reply>(regions_.user, slot_offset_ + size_t(tag) * slot_size_);
    memset(slot, 0, offsetof(tgt_ring_reply, segments));
    return *slot;
}

// There is room: at most one reply for each tag is on its way.
void CommandRing::put(uint32_t tag) {
    in<uint32_t>(regions_.user, reply_offset_)[reply_head_ % entries_] = tag;
    store_release(&user()->reply_head, ++reply_head_);
    unkicked_ = true;
}

tgt_ring_segment CommandRing::segment_of(const void* bytes, size_t length) const {
    const auto offset = static_cast<const uint8_t*>(bytes) - regions_.data.data();
    return {uint64_t(offset), uint32_t(length), 0};
}

int CommandRing::kick() {
    unkicked_ = false;
    return end_->kick();
}

}  // namespace tgt::ipc
