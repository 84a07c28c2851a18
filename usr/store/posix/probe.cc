// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix/probe.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>

#include "store/posix/lasting_id.h"

namespace tgt::store::posix {

namespace {

constexpr uint32_t smallest_block = 512;

// A number below queue/ of the disk that holds `device`; a partition has its queue in its parent.
std::optional<uint64_t> queue_attribute(dev_t device, const char* name) {
    for (const char* queue : {"/queue/", "/../queue/"}) {
        std::ifstream file(sysfs_folder_of(device) + queue + name);
        uint64_t value = 0;
        if (file >> value) return value;
    }
    return std::nullopt;
}

uint32_t block_size_or_default(uint64_t bytes) {
    bool plausible = bytes >= smallest_block && bytes <= UINT32_MAX && std::has_single_bit(bytes);
    return plausible ? uint32_t(bytes) : smallest_block;
}

bool reads_without_waiting(int fd) {
    uint8_t byte;
    iovec one = {&byte, 1};
    return preadv2(fd, &one, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
}

// A hole far behind the end changes nothing, and tells whether the file system can punch one.
bool punches_holes(int fd, uint64_t size) {
    constexpr uint64_t step = uint64_t(1) << 20;
    uint64_t behind_end = (size / step + 2) * step;
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off_t(behind_end), step) == 0;
}

void probe_file(const Opened& opened, const struct stat& st, Info& info) {
    int fd = opened.fd.get();
    info.physical_block_size = block_size_or_default(uint64_t(st.st_blksize));
    info.rotational = queue_attribute(st.st_dev, "rotational").value_or(0) != 0;
    info.identity = {.device = st.st_dev, .inode = st.st_ino, .known = true};
    info.lasting_id = lasting_id_of_file(fd);
    info.features.extents = lseek(fd, 0, SEEK_DATA) >= 0 || errno == ENXIO;
    info.features.discard = !info.read_only && punches_holes(fd, info.size);
    info.features.discard_zeroes = info.features.discard;
    if (info.features.discard) info.discard_granularity = info.physical_block_size;
}

void probe_device(const Opened& opened, const struct stat& st, Info& info) {
    unsigned physical = 0, optimal = 0;
    if (ioctl(opened.fd.get(), BLKPBSZGET, &physical) == 0)
        info.physical_block_size = block_size_or_default(physical);
    if (ioctl(opened.fd.get(), BLKIOOPT, &optimal) == 0) info.optimal_io_size = optimal;
    info.rotational = queue_attribute(st.st_rdev, "rotational").value_or(0) != 0;
    // No file has inode number 0: a device and a file are never equal.
    info.identity = {.device = st.st_rdev, .inode = 0, .known = true};
    info.lasting_id = lasting_id_of_device(sysfs_folder_of(st.st_rdev));
    info.features.discard =
        !info.read_only && queue_attribute(st.st_rdev, "discard_max_bytes").value_or(0) > 0;
    if (info.features.discard)
        info.discard_granularity =
            uint32_t(queue_attribute(st.st_rdev, "discard_granularity").value_or(0));
}

// Since Linux 6.1 the kernel tells (statx(2)); nothing when it does not, 0 when it cannot do direct
// I/O.
std::optional<uint32_t> told_alignment([[maybe_unused]] int fd) {
#ifdef STATX_DIOALIGN
    struct statx stx {};
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 && (stx.stx_mask & STATX_DIOALIGN))
        return std::max(stx.stx_dio_offset_align, stx.stx_dio_mem_align);
#endif
    return std::nullopt;
}

// The smallest read that the descriptor, opened with O_DIRECT, accepts; 0 when it accepts none.
uint32_t tried_alignment(int fd) {
    constexpr uint32_t largest = 4096;
    alignas(largest) std::array<uint8_t, largest> memory;
    for (uint32_t size = smallest_block; size <= largest; size *= 2)
        if (pread(fd, memory.data(), size, 0) >= 0 || errno != EINVAL) return size;
    return 0;
}

uint32_t direct_alignment(const Opened& opened) {
    int logical = 0;
    if (auto told = told_alignment(opened.fd.get())) return *told;
    if (opened.block_device && ioctl(opened.fd.get(), BLKSSZGET, &logical) == 0)
        return uint32_t(logical);
    return tried_alignment(opened.fd.get());
}

Result<void> check_direct(const Opened& opened, const OpenRequest& request, const DirectWish& wish,
                          Info& info) {
    uint32_t alignment = direct_alignment(opened);
    if (alignment == 0)
        return fail(EINVAL,
                    fmt::format("{} cannot be used with {}: its file system has no direct I/O; {}",
                                request.path, wish.by, wish.instead));
    if (request.block_size < alignment)
        return fail(
            EINVAL,
            fmt::format("{} needs a block size of {} or more with {}, not {}; choose "
                        "another block size, or {}",
                        request.path, alignment, wish.by, request.block_size, wish.instead));
    info.required_alignment = alignment;
    return {};
}

}  // namespace

Result<uint64_t> size_of(int fd, bool block_device) {
    uint64_t bytes = 0;
    struct stat st;
    int failed = block_device ? ioctl(fd, BLKGETSIZE64, &bytes) : fstat(fd, &st);
    if (failed) return fail(errno, fmt::format("the size cannot be found: {}", strerror(errno)));
    return block_device ? bytes : uint64_t(st.st_size);
}

Result<Info> probe(const Opened& opened, const OpenRequest& request, const DirectWish& wish) {
    struct stat st;
    auto size = size_of(opened.fd.get(), opened.block_device);
    if (!size)
        return fail(size.error().code, fmt::format("{}: {}", request.path, size.error().text));
    if (*size == 0)
        return fail(EINVAL, fmt::format("{} is empty: give it the size that the disk shall have",
                                        request.path));
    if (fstat(opened.fd.get(), &st) != 0)
        return fail(errno, fmt::format("{}: {}", request.path, strerror(errno)));
    Info info;
    info.size = *size;
    info.read_only = opened.read_only;
    opened.block_device ? probe_device(opened, st, info) : probe_file(opened, st, info);
    if (!request.flags.direct) {
        info.features.fast_read = reads_without_waiting(opened.fd.get());
        return info;
    }
    if (auto good = check_direct(opened, request, wish, info); !good)
        return tl::unexpected(good.error());
    return info;
}

}  // namespace tgt::store::posix
