// SPDX-License-Identifier: GPL-2.0-or-later
// The transmit queue of one connection, without I/O:
//
//     tx.queue(pdu, {iovecs}, hook);
//     iovec iov[256];
//     n = sendmsg(fd, {iov, tx.want(iov)});
//     tx.advance(n);            // calls the hooks of the PDUs whose last byte has left
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "wire/iscsi.h"

namespace tgt::iscsi {

// Called once for every queued PDU: when its last byte has been taken by the transport (delivered),
// or when the queue is cleared (not delivered). Its data is not touched afterwards. May queue
// further PDUs.
struct SentHook {
    void (*fn)(void* context, uint64_t argument, bool delivered) = nullptr;
    void* context = nullptr;
    uint64_t argument = 0;
};

// Owns header slots (recycled: no allocation in steady state; what a burst needed beyond it is
// freed when the queue is empty) and copies, never other data. Not movable: hooks may point to its
// owner. One thread.
class PduSender {
  public:
    PduSender() = default;
    PduSender(const PduSender&) = delete;
    PduSender& operator=(const PduSender&) = delete;
    ~PduSender() { clear(); }

    // For PDUs queued from now on.
    void set_digests(bool header, bool data) {
        header_digest_ = header;
        data_digest_ = data;
    }

    // Queues a PDU: `pdu` is any 48-byte header struct of wire/iscsi.h. DataSegmentLength and
    // TotalAHSLength are written here. The data segments are not owned: they must stay as they are
    // until the hook is called.
    template <class Pdu>
    void queue(const Pdu& pdu, std::span<const iovec> data = {}, SentHook hook = {},
               std::span<const uint8_t> ahs = {}) {
        static_assert(sizeof(Pdu) == wire::bhs_size);
        enqueue(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()), data, hook, ahs);
    }
    // The same with data that is copied (sense, text, pings, rejected headers).
    template <class Pdu>
    void queue_copy(const Pdu& pdu, std::span<const uint8_t> data, SentHook hook = {}) {
        static_assert(sizeof(Pdu) == wire::bhs_size);
        enqueue_copy(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()), data, hook);
    }

    // The bytes to send next, as many as fit; 0 when there is nothing.
    size_t want(std::span<iovec> out) const;
    // The transport took `length` of them.
    void advance(size_t length);

    // Drops everything; every hook is called with delivered = false. Not while the kernel still
    // reads what want() returned.
    void clear();

    bool empty() const { return front_ == nullptr; }
    size_t pdus() const { return pdus_; }
    // Bytes queued and not yet taken, headers included: what bounds output.
    size_t bytes() const { return bytes_; }
    // Of them data that was copied into memory of the queue.
    size_t copied() const { return copied_; }

  private:
    static constexpr size_t idle_slots = 256;
    static constexpr size_t idle_copy = 4096;

    struct Slot;
    struct SlotDeleter {
        void operator()(Slot* slot) const;
    };

    void enqueue(const wire::Bhs& bhs, std::span<const iovec> data, SentHook hook,
                 std::span<const uint8_t> ahs);
    void enqueue_copy(const wire::Bhs& bhs, std::span<const uint8_t> data, SentHook hook);
    Slot& take_slot();
    void append(Slot& slot, wire::Bhs bhs, std::span<const uint8_t> ahs, SentHook hook);
    void release_front(bool delivered);
    void trim_slots();

    std::vector<std::unique_ptr<Slot, SlotDeleter>> slots_;  // all that exist
    Slot* free_ = nullptr;
    Slot* front_ = nullptr;  // the queue, linked through Slot::next
    Slot* back_ = nullptr;
    size_t sent_of_front_ = 0;
    size_t pdus_ = 0;
    size_t bytes_ = 0;
    size_t copied_ = 0;
    bool header_digest_ = false;
    bool data_digest_ = false;
};

}  // namespace tgt::iscsi
