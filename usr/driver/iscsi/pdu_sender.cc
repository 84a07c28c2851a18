// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/pdu_sender.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "base/crc32c.h"

namespace tgt::iscsi {

namespace {

void store_digest(uint8_t* bytes, uint32_t crc) {
    for (int i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(crc >> (8 * i));
}

}  // namespace

// One PDU on its way. Vectors keep their capacity when the slot is used again.
struct PduSender::Slot {
    Slot* next = nullptr;
    std::array<uint8_t, wire::bhs_size + wire::digest_size> short_header;
    std::vector<uint8_t> long_header;  // with AHS
    size_t header_length = 0;
    std::vector<iovec> data;
    std::vector<uint8_t> copy;
    std::array<uint8_t, 8> trailer;  // padding and data digest
    size_t trailer_length = 0;
    size_t total = 0;
    SentHook hook;

    uint8_t* header() { return long_header.empty() ? short_header.data() : long_header.data(); }
};

void PduSender::SlotDeleter::operator()(Slot* slot) const {
    delete slot;
}

PduSender::Slot& PduSender::take_slot() {
    if (free_ == nullptr) {
        slots_.emplace_back(new Slot);
        slots_.back()->next = nullptr;
        return *slots_.back();
    }
    Slot& slot = *free_;
    free_ = slot.next;
    slot.next = nullptr;
    return slot;
}

void PduSender::enqueue(const wire::Bhs& bhs, std::span<const iovec> data, SentHook hook,
                        std::span<const uint8_t> ahs) {
    Slot& slot = take_slot();
    slot.data.assign(data.begin(), data.end());
    append(slot, bhs, ahs, hook);
}

void PduSender::enqueue_copy(const wire::Bhs& bhs, std::span<const uint8_t> data, SentHook hook) {
    Slot& slot = take_slot();
    slot.copy.assign(data.begin(), data.end());
    copied_ += data.size();
    slot.data.assign(1, iovec{slot.copy.data(), slot.copy.size()});
    append(slot, bhs, {}, hook);
}

// Completes header and trailer and puts the slot at the end of the queue.
void PduSender::append(Slot& slot, wire::Bhs bhs, std::span<const uint8_t> ahs, SentHook hook) {
    size_t data_length = 0;
    for (const iovec& segment : slot.data) data_length += segment.iov_len;
    assert(data_length <= wire::max_data_segment);
    assert(ahs.size() % 4 == 0 && ahs.size() <= wire::max_ahs_size);
    bhs.data_segment_length = static_cast<uint32_t>(data_length);
    bhs.total_ahs_length = static_cast<uint8_t>(ahs.size() / 4);

    const size_t covered = wire::bhs_size + ahs.size();
    slot.header_length = covered + (header_digest_ ? wire::digest_size : 0);
    slot.long_header.clear();
    if (!ahs.empty()) slot.long_header.resize(slot.header_length);
    uint8_t* header = slot.header();
    std::memcpy(header, wire::bytes_of(bhs).data(), wire::bhs_size);
    std::copy(ahs.begin(), ahs.end(), header + wire::bhs_size);
    if (header_digest_) store_digest(header + covered, crc32c(header, covered));

    const size_t pad = wire::padding(data_length);
    slot.trailer.fill(0);
    slot.trailer_length = pad;
    if (data_digest_ && data_length != 0) {
        uint32_t crc = crc32c_start;
        for (const iovec& segment : slot.data)
            crc = crc32c_update(crc, segment.iov_base, segment.iov_len);
        crc = crc32c_update(crc, slot.trailer.data(), pad);
        store_digest(slot.trailer.data() + pad, crc32c_finish(crc));
        slot.trailer_length += wire::digest_size;
    }
    slot.total = slot.header_length + data_length + slot.trailer_length;
    slot.hook = hook;

    (back_ == nullptr ? front_ : back_->next) = &slot;
    back_ = &slot;
    ++pdus_;
    bytes_ += slot.total;
}

size_t PduSender::want(std::span<iovec> out) const {
    size_t count = 0;
    size_t skip = sent_of_front_;
    const auto add = [&](void* base, size_t length) {
        const size_t skipped = std::min(skip, length);
        skip -= skipped;
        if (length != skipped && count < out.size())
            out[count++] = {static_cast<uint8_t*>(base) + skipped, length - skipped};
    };
    for (Slot* slot = front_; slot != nullptr && count < out.size(); slot = slot->next) {
        add(slot->header(), slot->header_length);
        for (const iovec& segment : slot->data) add(segment.iov_base, segment.iov_len);
        add(slot->trailer.data(), slot->trailer_length);
    }
    return count;
}

void PduSender::advance(size_t length) {
    assert(length <= bytes_);
    bytes_ -= length;
    sent_of_front_ += length;
    while (front_ != nullptr && sent_of_front_ >= front_->total) {
        sent_of_front_ -= front_->total;
        release_front(true);
    }
}

// The slot is free before its hook runs, so that a hook which queues an answer uses it again.
void PduSender::release_front(bool delivered) {
    Slot& slot = *front_;
    front_ = slot.next;
    if (front_ == nullptr) back_ = nullptr;
    --pdus_;
    const SentHook hook = slot.hook;
    copied_ -= slot.copy.size();
    slot.copy.clear();
    if (slot.copy.capacity() > idle_copy) std::vector<uint8_t>().swap(slot.copy);
    slot.next = free_;
    free_ = &slot;
    if (front_ == nullptr && slots_.size() > idle_slots) trim_slots();
    if (hook.fn != nullptr) hook.fn(hook.context, hook.argument, delivered);
}

// With the queue empty every slot is free.
void PduSender::trim_slots() {
    slots_.resize(idle_slots);
    free_ = nullptr;
    for (const auto& slot : slots_) {
        slot->next = free_;
        free_ = slot.get();
    }
}

void PduSender::clear() {
    sent_of_front_ = 0;
    bytes_ = 0;
    while (front_ != nullptr) release_front(false);
    bytes_ = 0;
}

}  // namespace tgt::iscsi
