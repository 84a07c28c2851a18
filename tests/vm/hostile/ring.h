// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "include/uapi/linux/tgt_ring.h"
#include "random.h"

namespace tgt::hostile {

inline constexpr const char* kDevice = "/dev/" TGT_RING_DEVICE;

int open_device();

// One of the three regions as words; unmapped with it.
class Region {
  public:
    Region() = default;
    Region(int fd, uint64_t offset, size_t bytes, int protection);
    Region(Region&& other) noexcept;
    Region& operator=(Region&& other) noexcept;
    ~Region();

    bool mapped() const { return base_ != nullptr; }
    size_t bytes() const { return bytes_; }
    std::byte* at(size_t offset) const { return base_ + offset; }
    size_t words() const { return bytes_ / 4; }
    uint32_t load(size_t word) const;
    void store(size_t word, uint32_t value) const;

  private:
    std::byte* base_ = nullptr;
    size_t bytes_ = 0;
};

// An open file, attached to a queue and mapped. It ends with the last reference, as the mappings
// hold the file. The kernel's view of it is read; nothing here trusts what was written by this
// program itself.
class Attachment {
  public:
    // Null: not now (errno says why).
    static std::shared_ptr<Attachment> make(uint32_t host, uint32_t queue, uint64_t data_bytes);
    ~Attachment();
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

    int fd() const { return fd_; }
    const tgt_ring_header& header() const { return header_; }
    const Region& user() const { return user_; }
    const Region& kernel() const { return kernel_; }
    const Region& data() const { return data_; }

    uint32_t event_head() const;
    uint32_t reply_tail() const;
    tgt_ring_event event(uint32_t position) const;
    tgt_ring_desc descriptor(uint32_t tag) const;

    void put_event_tail(uint32_t value) const;
    void put_reply(uint32_t tag, const tgt_ring_reply& reply) const;
    void put_ring_entry(uint32_t position, uint32_t tag) const;
    void put_reply_head(uint32_t value) const;

    int kick() const;
    bool over() const;  // POLLHUP

  private:
    explicit Attachment(int fd) : fd_(fd) {}
    bool map(const tgt_ring_attach& attach);

    int fd_;
    tgt_ring_header header_{};
    Region kernel_, user_, data_;
};

}  // namespace tgt::hostile
