// SPDX-License-Identifier: GPL-2.0-or-later
// The file below an image, so that tests can put a disk in its place that loses its power.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstdint>
#include <span>

#include "base/unique_fd.h"

namespace tgt::store::ssc {

// One thread at a time. Errors are errno values, 0 for success.
class ImageFile {
  public:
    virtual ~ImageFile() = default;
    // `got` is less than asked for only at the end of the file.
    virtual int read(uint64_t offset, std::span<const iovec> out, uint64_t& got) = 0;
    // The beginning of it that can be had without waiting for a device; EAGAIN: there is none.
    virtual int read_cached(uint64_t, std::span<const iovec>, uint64_t&) { return EAGAIN; }
    // After an error any part of it may be there.
    virtual int write(uint64_t offset, std::span<const iovec> data) = 0;
    // Nothing is kept behind `size`; a smaller file stays as it is.
    virtual int cut(uint64_t size) = 0;
    // The range reads as zeroes and takes no room.
    virtual int punch(uint64_t offset, uint64_t length) = 0;
    // What was written before is on the medium.
    virtual int sync() = 0;
    virtual uint64_t size() = 0;

    int read_bytes(uint64_t offset, std::span<uint8_t> out, uint64_t& got);
    int write_bytes(uint64_t offset, std::span<const uint8_t> data);
};

// An open file; the descriptor is the caller's and outlives it. While it is written in a stream the
// file system is asked for room some way ahead, which costs less than to find it for each page. The
// size never tells of that room, and what is left of it goes back in the end.
class DescriptorFile final : public ImageFile {
  public:
    explicit DescriptorFile(int fd) : fd_(fd) {}
    ~DescriptorFile() override;
    DescriptorFile(const DescriptorFile&) = delete;
    DescriptorFile& operator=(const DescriptorFile&) = delete;
    int read(uint64_t offset, std::span<const iovec> out, uint64_t& got) override;
    int read_cached(uint64_t offset, std::span<const iovec> out, uint64_t& got) override;
    int write(uint64_t offset, std::span<const iovec> data) override;
    int cut(uint64_t size) override;
    int punch(uint64_t offset, uint64_t length) override;
    int sync() override;
    uint64_t size() override;

  private:
    void reserve(uint64_t offset, uint64_t length);
    void give_back_room();

    const int fd_;
    uint64_t next_ = 0;         // where the last write ended
    uint64_t run_ = 0;          // bytes that were written up to there one behind the other
    uint64_t ahead_ = 0;        // up to where room was asked for; 0: nowhere
    bool reads_cached_ = true;  // the file system can say what would have to be waited for
};

// Bytes of the pieces.
uint64_t length_of(std::span<const iovec> pieces);

}  // namespace tgt::store::ssc
