// SPDX-License-Identifier: GPL-2.0-or-later
#include "ring.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tgt::hostile {

int open_device() {
    return open(kDevice, O_RDWR | O_CLOEXEC);
}

Region::Region(int fd, uint64_t offset, size_t bytes, int protection) {
    void* found = mmap(nullptr, bytes, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (found == MAP_FAILED) {
        return;
    }
    base_ = static_cast<std::byte*>(found);
    bytes_ = bytes;
}

Region::Region(Region&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Region& Region::operator=(Region&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

Region::~Region() {
    if (base_ != nullptr) {
        munmap(base_, bytes_);
    }
}

uint32_t Region::load(size_t word) const {
    uint32_t value;
    __atomic_load(static_cast<const uint32_t*>(static_cast<const void*>(at(word * 4))), &value,
                  __ATOMIC_ACQUIRE);
    return value;
}

void Region::store(size_t word, uint32_t value) const {
    __atomic_store(static_cast<uint32_t*>(static_cast<void*>(at(word * 4))), &value,
                   __ATOMIC_RELEASE);
}

std::shared_ptr<Attachment> Attachment::make(uint32_t host, uint32_t queue, uint64_t data_bytes) {
    int fd = open_device();
    if (fd < 0) {
        return nullptr;
    }
    std::shared_ptr<Attachment> made(new Attachment(fd));
    tgt_ring_attach attach{};
    attach.version = TGT_RING_VERSION;
    attach.host = host;
    attach.queue = queue;
    attach.data_bytes = data_bytes;
    if (ioctl(fd, TGT_RING_ATTACH, &attach) != 0 || !made->map(attach)) {
        return nullptr;
    }
    return made;
}

bool Attachment::map(const tgt_ring_attach& attach) {
    kernel_ = Region(fd_, TGT_RING_MMAP_KERNEL, attach.kernel_bytes, PROT_READ);
    user_ = Region(fd_, TGT_RING_MMAP_USER, attach.user_bytes, PROT_READ | PROT_WRITE);
    data_ = Region(fd_, TGT_RING_MMAP_DATA, attach.data_bytes, PROT_READ | PROT_WRITE);
    if (!kernel_.mapped() || !user_.mapped() || !data_.mapped()) {
        return false;
    }
    std::memcpy(&header_, kernel_.at(0), sizeof(header_));
    return header_.magic == TGT_RING_MAGIC;
}

Attachment::~Attachment() {
    int before = errno;
    close(fd_);
    errno = before;
}

uint32_t Attachment::event_head() const {
    return kernel_.load(offsetof(tgt_ring_header, event_head) / 4);
}

uint32_t Attachment::reply_tail() const {
    return kernel_.load(offsetof(tgt_ring_header, reply_tail) / 4);
}

tgt_ring_event Attachment::event(uint32_t position) const {
    tgt_ring_event found;
    size_t index = position & (header_.ring_entries - 1);
    std::memcpy(&found, kernel_.at(header_.event_offset + index * sizeof(found)), sizeof(found));
    return found;
}

tgt_ring_desc Attachment::descriptor(uint32_t tag) const {
    tgt_ring_desc found;
    size_t offset = header_.desc_offset + static_cast<size_t>(tag) * header_.desc_size;
    std::memcpy(&found, kernel_.at(offset), sizeof(found));
    return found;
}

void Attachment::put_event_tail(uint32_t value) const {
    user_.store(offsetof(tgt_ring_user, event_tail) / 4, value);
}

void Attachment::put_reply(uint32_t tag, const tgt_ring_reply& reply) const {
    size_t slot = tag % header_.tags;
    std::memcpy(user_.at(header_.slot_offset + slot * header_.slot_size), &reply, sizeof(reply));
}

void Attachment::put_ring_entry(uint32_t position, uint32_t tag) const {
    size_t index = position & (header_.ring_entries - 1);
    user_.store(header_.reply_offset / 4 + index, tag);
}

void Attachment::put_reply_head(uint32_t value) const {
    user_.store(offsetof(tgt_ring_user, reply_head) / 4, value);
}

int Attachment::kick() const {
    return ioctl(fd_, TGT_RING_KICK);
}

bool Attachment::over() const {
    pollfd one{fd_, POLLIN, 0};
    return poll(&one, 1, 0) > 0 && (one.revents & POLLHUP) != 0;
}

}  // namespace tgt::hostile
