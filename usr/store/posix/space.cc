// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/space.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "store/posix/errors.h"
#include "store/posix/transfer.h"

namespace tgt::store::posix {

namespace {

int file_range(int fd, int mode, uint64_t offset, uint64_t length) {
    int failed = 0;
    do failed = fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, off_t(offset), off_t(length));
    while (failed && errno == EINTR);
    return failed ? plain_error(errno) : 0;
}

int device_range(int fd, unsigned long request, uint64_t offset, uint64_t length) {
    uint64_t range[2] = {offset, length};
    int failed = 0;
    do failed = ioctl(fd, request, range);
    while (failed && errno == EINTR);
    return failed ? plain_error(errno) : 0;
}

bool means_unsupported(int error) {
    return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY;
}

// The same zeroes many times over in one call; aligned for direct I/O.
int write_zero_bytes(int fd, uint64_t offset, uint64_t length) {
    alignas(4096) static constexpr std::array<uint8_t, 65536> zeroes{};
    std::array<iovec, 64> pieces;
    int error = 0;
    while (error == 0 && length > 0) {
        Op op;
        op.offset = offset;
        for (iovec& piece : pieces) {
            if (op.length == length) break;
            size_t bytes = size_t(std::min<uint64_t>(zeroes.size(), length - op.length));
            piece = {const_cast<uint8_t*>(zeroes.data()), bytes};
            op.length += bytes;
            ++op.iov_count;
        }
        op.iov = pieces.data();
        error = write_fully(fd, op, 0);
        offset += op.length;
        length -= op.length;
    }
    return error;
}

}  // namespace

int discard(int fd, bool block_device, uint64_t offset, uint64_t length) {
    if (length == 0) return 0;
    return block_device ? device_range(fd, BLKDISCARD, offset, length)
                        : file_range(fd, FALLOC_FL_PUNCH_HOLE, offset, length);
}

int write_zeroes(int fd, bool block_device, uint64_t offset, uint64_t length) {
    if (length == 0) return 0;
    int error = block_device ? device_range(fd, BLKZEROOUT, offset, length)
                             : file_range(fd, FALLOC_FL_ZERO_RANGE, offset, length);
    if (means_unsupported(error) && !block_device)
        error = file_range(fd, FALLOC_FL_PUNCH_HOLE, offset, length);
    return means_unsupported(error) ? write_zero_bytes(fd, offset, length) : error;
}

Result<Extent> file_extent(int fd, uint64_t offset, uint64_t size) {
    Extent to_end = {.length = size - offset, .mapped = true};
    off_t data = lseek(fd, off_t(offset), SEEK_DATA);
    if (data < 0 && errno == EINVAL) return to_end;
    if (data < 0 && errno != ENXIO)
        return fail(errno, fmt::format("holes cannot be found: {}", strerror(errno)));
    if (data < 0 || uint64_t(data) > offset) {
        uint64_t end = data < 0 ? size : std::min(uint64_t(data), size);
        return Extent{.length = end - offset, .mapped = false};
    }
    off_t hole = lseek(fd, off_t(offset), SEEK_HOLE);
    if (hole < 0 || uint64_t(hole) >= size || uint64_t(hole) <= offset) return to_end;
    return Extent{.length = uint64_t(hole) - offset, .mapped = true};
}

}  // namespace tgt::store::posix
