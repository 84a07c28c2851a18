// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/bounce.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "store/posix/transfer.h"

namespace tgt::store::posix {

namespace {

constexpr size_t alignment = 4096;  // the most that direct I/O asks for
constexpr size_t largest_part = size_t(1) << 20;

struct Free {
    void operator()(void* memory) const { free(memory); }
};

enum class Way { read, write };

// Between `flat` and the memory of the operation from op.done on; false when that is too short.
bool copy(const Op& op, uint8_t* flat, uint64_t length, Way way) {
    uint64_t skip = op.done;
    for (unsigned i = 0; i < op.iov_count && length > 0; ++i) {
        const iovec& piece = op.iov[i];
        if (skip >= piece.iov_len) {
            skip -= piece.iov_len;
            continue;
        }
        size_t bytes = size_t(std::min<uint64_t>(piece.iov_len - skip, length));
        uint8_t* memory = static_cast<uint8_t*>(piece.iov_base) + skip;
        way == Way::read ? memcpy(memory, flat, bytes) : memcpy(flat, memory, bytes);
        flat += bytes;
        length -= bytes;
        skip = 0;
    }
    return length == 0;
}

int move_part(int fd, Op& op, iovec memory, Way way, int rwf_flags) {
    auto* flat = static_cast<uint8_t*>(memory.iov_base);
    Op part;
    part.offset = op.offset + op.done;
    part.length = memory.iov_len;
    part.iov = &memory;
    part.iov_count = 1;
    if (way == Way::write && !copy(op, flat, part.length, way)) return EINVAL;
    int error = way == Way::read ? read_fully(fd, part) : write_fully(fd, part, rwf_flags);
    if (way == Way::read && !copy(op, flat, part.done, way)) return EINVAL;
    op.done += part.done;
    return error;
}

int move_all(int fd, Op& op, Way way, int rwf_flags) {
    if (op.done >= op.length) return 0;
    size_t room = size_t(std::min<uint64_t>(op.length - op.done, largest_part));
    room = (room + alignment - 1) / alignment * alignment;
    std::unique_ptr<uint8_t, Free> flat(static_cast<uint8_t*>(aligned_alloc(alignment, room)));
    if (!flat) return ENOMEM;
    int error = 0;
    while (error == 0 && op.done < op.length)
        error =
            move_part(fd, op, {flat.get(), size_t(std::min<uint64_t>(op.length - op.done, room))},
                      way, rwf_flags);
    return error;
}

}  // namespace

bool needs_bounce(const Op& op, uint32_t wanted) {
    for (unsigned i = 0; i < op.iov_count; ++i)
        if (reinterpret_cast<uintptr_t>(op.iov[i].iov_base) % wanted || op.iov[i].iov_len % wanted)
            return true;
    return false;
}

int read_bounced(int fd, Op& op) {
    return move_all(fd, op, Way::read, 0);
}

int write_bounced(int fd, Op& op, int rwf_flags) {
    return move_all(fd, op, Way::write, rwf_flags);
}

}  // namespace tgt::store::posix
