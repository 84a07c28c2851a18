// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/create.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "base/unique_fd.h"
#include "store/ssc/media_types.h"
#include "store/ssc/metadata.h"
#include "store/ssc/tape2_format.h"
#include "store/ssc/tape3.h"

namespace tgt::store::ssc {

namespace {

constexpr mode_t image_mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;

bool printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string made_up_serial() {
    std::array<uint8_t, 5> random{};
    if (getrandom(random.data(), random.size(), 0) != ssize_t(random.size())) return "0";
    std::string text;
    for (uint8_t byte : random) text += fmt::format("{:02X}", byte);
    return text;
}

CartridgeSpec completed(CartridgeSpec spec) {
    const MediaType* type = media_type_of_density(spec.density);
    if (spec.serial.empty()) spec.serial = made_up_serial();
    if (spec.max_partitions == 0)
        spec.max_partitions = type ? type->max_partitions : most_partitions;
    return spec;
}

// The entry of the name, in its folder.
int sync_folder(const std::string& path) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    const UniqueFd folder(
        open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return errno;
    // A file system that cannot sync a folder has nothing to sync.
    return fsync(folder.get()) == 0 || errno == EINVAL ? 0 : errno;
}

// The room for what is said of the cartridge: a full file system shall not keep it from being
// changed. Where room cannot be set aside it is not.
int write_blank(int fd, const CartridgeSpec& spec, int version) {
    DescriptorFile file(fd);
    if (version == 2) {
        if (const int error = file.write_bytes(0, v2::blank(spec))) return error;
        return fsync(fd) == 0 ? 0 : errno;
    }
    if (fallocate(fd, 0, 0, metadata_area_size) != 0 && errno == ENOSPC) return ENOSPC;
    if (const int error = Tape3::create(file, spec)) return error;
    return fsync(fd) == 0 ? 0 : errno;
}

// What version 2 has no room for.
Result<void> check_version(const CartridgeSpec& spec, int version) {
    if (version == 3) return {};
    if (version != 2) return fail(EINVAL, fmt::format("there is no tape format {}", version));
    if (spec.barcode.size() > v2::barcode_length)
        return fail(EINVAL, fmt::format("a barcode of format 2 has at most {} characters",
                                        v2::barcode_length));
    if (spec.max_partitions > 1) return fail(EINVAL, "format 2 has no partitions");
    if (spec.capacity >> 20 > UINT32_MAX)
        return fail(EINVAL, "a cartridge of format 2 has less than 4 PiB");
    return {};
}

}  // namespace

Result<void> check(const CartridgeSpec& spec) {
    if (spec.barcode.empty() || spec.barcode.size() > longest_text || !printable(spec.barcode))
        return fail(EINVAL,
                    fmt::format("the barcode '{}' is not 1 to {} printable characters of ASCII",
                                spec.barcode, longest_text));
    if (spec.serial.size() > longest_text || !printable(spec.serial))
        return fail(EINVAL,
                    fmt::format("the serial number '{}' is not up to {} printable characters",
                                spec.serial, longest_text));
    if (spec.capacity < least_capacity || spec.capacity > most_capacity)
        return fail(EINVAL, fmt::format("a cartridge of {} bytes cannot be made: {} at least, {} "
                                        "at most",
                                        spec.capacity, least_capacity, most_capacity));
    if (spec.max_partitions > most_partitions)
        return fail(EINVAL, fmt::format("a cartridge has at most {} partitions", most_partitions));
    return {};
}

Result<void> create_cartridge(const std::string& path, const CartridgeSpec& spec, int version) {
    if (auto good = check(spec); !good) return good;
    if (auto good = check_version(spec, version); !good) return good;
    const UniqueFd fd(open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, image_mode));
    if (!fd) return fail(errno, fmt::format("cannot create {}: {}", path, strerror(errno)));
    int error = write_blank(fd.get(), completed(spec), version);
    if (error == 0) error = sync_folder(path);
    if (error == 0) return {};
    unlink(path.c_str());
    return fail(error, fmt::format("cannot make {} a tape image: {}", path, strerror(error)));
}

}  // namespace tgt::store::ssc
