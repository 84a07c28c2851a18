// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "store/posix/errors.h"

namespace tgt::store::ssc {

namespace {

constexpr uint64_t stream_length = uint64_t(1) << 20;  // more than this in a row is a stream
constexpr uint64_t room_ahead = uint64_t(16) << 20;

// What is left of a list of pieces while calls of the system take it from the front. Almost always
// the first call takes everything, of the caller's own list.
class Rest {
  public:
    explicit Rest(std::span<const iovec> pieces) : pieces_(pieces) {}

    bool empty() const { return pieces_.empty(); }
    std::span<const iovec> batch() {
        if (skipped_ == 0) return pieces_.first(std::min(pieces_.size(), most));
        const size_t count = std::min(pieces_.size(), copy_.size());
        std::copy_n(pieces_.begin(), count, copy_.begin());
        copy_[0].iov_base = static_cast<uint8_t*>(copy_[0].iov_base) + skipped_;
        copy_[0].iov_len -= skipped_;
        return std::span(copy_).first(count);
    }
    void take(size_t bytes) {
        skipped_ += bytes;
        while (!pieces_.empty() && skipped_ >= pieces_[0].iov_len) {
            skipped_ -= pieces_[0].iov_len;
            pieces_ = pieces_.subspan(1);
        }
    }

  private:
    static constexpr size_t most = IOV_MAX;
    std::span<const iovec> pieces_;
    size_t skipped_ = 0;  // of the first piece
    std::array<iovec, 64> copy_;
};

}  // namespace

uint64_t length_of(std::span<const iovec> pieces) {
    uint64_t sum = 0;
    for (const iovec& piece : pieces) sum += piece.iov_len;
    return sum;
}

int ImageFile::read_bytes(uint64_t offset, std::span<uint8_t> out, uint64_t& got) {
    const iovec piece = {out.data(), out.size()};
    return read(offset, {&piece, 1}, got);
}

int ImageFile::write_bytes(uint64_t offset, std::span<const uint8_t> data) {
    const iovec piece = {const_cast<uint8_t*>(data.data()), data.size()};
    return write(offset, {&piece, 1});
}

int DescriptorFile::read_cached(uint64_t offset, std::span<const iovec> out, uint64_t& got) {
    got = 0;
    if (!reads_cached_ || out.size() > IOV_MAX) return EAGAIN;
    const ssize_t bytes = preadv2(fd_, out.data(), int(out.size()), off_t(offset), RWF_NOWAIT);
    if (bytes < 0) {
        reads_cached_ = errno != EOPNOTSUPP;
        return EAGAIN;
    }
    got = uint64_t(bytes);
    return 0;
}

int DescriptorFile::read(uint64_t offset, std::span<const iovec> out, uint64_t& got) {
    Rest rest(out);
    got = 0;
    rest.take(0);
    while (!rest.empty()) {
        const auto batch = rest.batch();
        const ssize_t bytes = preadv(fd_, batch.data(), int(batch.size()), off_t(offset + got));
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0) return posix::plain_error(errno);
        if (bytes == 0) return 0;
        got += uint64_t(bytes);
        rest.take(size_t(bytes));
    }
    return 0;
}

DescriptorFile::~DescriptorFile() {
    give_back_room();
}

// A write beyond the end of file finds its place here, in one piece, rather than page by page.
// Where there is no such room, or the file system cannot, the write itself will find out.
void DescriptorFile::reserve(uint64_t offset, uint64_t length) {
    run_ = offset == next_ ? run_ + length : length;
    next_ = offset + length;
    if (run_ < stream_length || next_ <= ahead_) return;
    fallocate(fd_, FALLOC_FL_KEEP_SIZE, off_t(offset), off_t(length + room_ahead));
    ahead_ = next_ + room_ahead;
}

// To set the size that a file has frees what it holds behind its end.
void DescriptorFile::give_back_room() {
    struct stat st;
    if (ahead_ == 0 || fstat(fd_, &st) != 0) return;
    ahead_ = 0;
    if (ftruncate(fd_, st.st_size) != 0) return;  // it stays, and is used when the tape is
}

int DescriptorFile::write(uint64_t offset, std::span<const iovec> data) {
    reserve(offset, length_of(data));
    Rest rest(data);
    rest.take(0);
    while (!rest.empty()) {
        const auto batch = rest.batch();
        const ssize_t bytes = pwritev(fd_, batch.data(), int(batch.size()), off_t(offset));
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0) return posix::plain_error(errno);
        if (bytes == 0) return EIO;
        offset += uint64_t(bytes);
        rest.take(size_t(bytes));
    }
    return 0;
}

int DescriptorFile::cut(uint64_t size) {
    if (this->size() <= size) return 0;
    ahead_ = 0;
    int failed = 0;
    do failed = ftruncate(fd_, off_t(size));
    while (failed && errno == EINTR);
    return failed ? errno : 0;
}

int DescriptorFile::punch(uint64_t offset, uint64_t length) {
    int failed = 0;
    do
        failed = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off_t(offset),
                           off_t(length));
    while (failed && errno == EINTR);
    return failed ? errno : 0;
}

int DescriptorFile::sync() {
    int failed = 0;
    do failed = fdatasync(fd_);
    while (failed && errno == EINTR);
    return failed ? posix::plain_error(errno) : 0;
}

uint64_t DescriptorFile::size() {
    struct stat st;
    return fstat(fd_, &st) == 0 ? uint64_t(st.st_size) : 0;
}

}  // namespace tgt::store::ssc
