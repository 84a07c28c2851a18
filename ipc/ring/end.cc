// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/ring/end.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/unique_fd.h"
#include "include/uapi/linux/tgt_ring.h"

namespace tgt::ipc {

namespace {

// One mapped region; unmapped when it dies.
class Mapping {
  public:
    Mapping() = default;
    Mapping(int fd, uint64_t offset, size_t bytes, int protection) {
        void* at = mmap(nullptr, bytes, protection, MAP_SHARED, fd, off_t(offset));
        if (at != MAP_FAILED) bytes_ = {static_cast<uint8_t*>(at), bytes};
    }
    Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    Mapping& operator=(Mapping&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Mapping() {
        if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
    }
    std::span<uint8_t> bytes() const { return bytes_; }

  private:
    std::span<uint8_t> bytes_;
};

class DeviceRingEnd final : public RingEnd {
  public:
    explicit DeviceRingEnd(UniqueFd fd) : fd_(std::move(fd)) {}
    // Others in this process may keep the file open for a moment more.
    ~DeviceRingEnd() override { ioctl(fd_.get(), TGT_RING_DETACH); }
    // 0, or an errno value.
    int map(const tgt_ring_attach& attach);

    int descriptor() const override { return fd_.get(); }
    RingRegions regions() const override { return {kernel_.bytes(), user_.bytes(), data_.bytes()}; }
    int kick() override;

  private:
    const UniqueFd fd_;
    Mapping kernel_, user_, data_;
};

int DeviceRingEnd::map(const tgt_ring_attach& attach) {
    constexpr int both = PROT_READ | PROT_WRITE;
    kernel_ = Mapping(fd_.get(), TGT_RING_MMAP_KERNEL, attach.kernel_bytes, PROT_READ);
    if (kernel_.bytes().empty()) return errno;
    user_ = Mapping(fd_.get(), TGT_RING_MMAP_USER, attach.user_bytes, both);
    if (user_.bytes().empty()) return errno;
    data_ = Mapping(fd_.get(), TGT_RING_MMAP_DATA, attach.data_bytes, both);
    return data_.bytes().empty() ? errno : 0;
}

int DeviceRingEnd::kick() {
    while (ioctl(fd_.get(), TGT_RING_KICK) < 0)
        if (errno != EINTR) return errno;
    return 0;
}

std::string why(int error) {
    switch (error) {
        case EBUSY:
            return "another process serves it";
        case ENODEV:
            return "there is no such queue";
        case EPROTONOSUPPORT:
            return fmt::format("the kernel does not speak version {}", TGT_RING_VERSION);
        default:
            return std::strerror(error);
    }
}

}  // namespace

Result<std::unique_ptr<RingEnd>> DeviceRingOpener::open(const RingPlace& place) {
    UniqueFd fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) return fail(errno, fmt::format("{}: {}", path_, std::strerror(errno)));
    tgt_ring_attach attach{};
    attach.version = TGT_RING_VERSION;
    attach.host = place.host;
    attach.queue = place.queue;
    attach.caps = TGT_RING_CAPS;
    attach.data_bytes = place.data_bytes;
    int error = ioctl(fd.get(), TGT_RING_ATTACH, &attach) < 0 ? errno : 0;
    auto end = std::make_unique<DeviceRingEnd>(std::move(fd));
    if (error == 0) error = end->map(attach);
    if (error != 0)
        return fail(error, fmt::format("queue {} of host {} cannot be attached: {}", place.queue,
                                       place.host, why(error)));
    return end;
}

}  // namespace tgt::ipc
