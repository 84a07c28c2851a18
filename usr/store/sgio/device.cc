// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sgio/device.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace tgt::store::sgio {

namespace {

namespace fs = std::filesystem;

// Without it the kernel goes on to the target, the bus and the adapter, which others use, too.
constexpr int reset_no_escalation = 0x100;

std::string line_of(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

tl::unexpected<Error> wrong_kind(const std::string& path, const Driver& driver) {
    return fail(EINVAL, fmt::format("{} is not a device of the backing store type {}: such are "
                                    "called {}",
                                    path, driver.engine, driver.node));
}

tl::unexpected<Error> open_failure(const std::string& path, const Driver& driver, int error) {
    std::string_view hint;
    if (error == EACCES || error == EPERM) hint = "; tgtd must be allowed to read and write it";
    if (error == ENOENT) hint = "; is the module sg loaded, and the device there (lsscsi -g)?";
    if (error == EBUSY) hint = "; another program has it for itself";
    if (error == ENOENT && driver.engine != "sg") hint = "; is the device there (lsscsi)?";
    return fail(error, fmt::format("cannot open {}: {}{}", path, strerror(error), hint));
}

// A device without a name of its own is known by what it is and where it is plugged in.
std::string lasting_id_of(const fs::path& folder) {
    if (const std::string wwid = line_of(folder / "wwid"); !wwid.empty()) return "scsi:" + wwid;
    std::error_code error;
    const fs::path place = fs::canonical(folder, error).filename();
    const std::string vendor = line_of(folder / "vendor"), model = line_of(folder / "model");
    if (error || (vendor.empty() && model.empty())) return {};
    return fmt::format("scsi-at:{}:{}:{}", place.string(), vendor, model);
}

// The transports' own bsg nodes lead to no device that takes commands.
Result<uint8_t> type_of(const std::string& path, const fs::path& folder) {
    const std::string text = line_of(folder / "type");
    unsigned type = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), type);
    if (error != std::errc() || end != text.data() + text.size() || type > 0x1f)
        return fail(EINVAL, fmt::format("{} does not lead to a SCSI device", path));
    return uint8_t(type);
}

}  // namespace

Result<Device> open_device(const std::string& path, const Driver& driver,
                           const std::string& sysfs) {
    struct stat st;
    if (stat(path.c_str(), &st) != 0) return open_failure(path, driver, errno);
    if (!S_ISCHR(st.st_mode)) return wrong_kind(path, driver);
    const fs::path node =
        fs::path(sysfs) / "dev/char" / fmt::format("{}:{}", major(st.st_rdev), minor(st.st_rdev));
    std::error_code error;
    if (fs::read_symlink(node / "subsystem", error).filename() != driver.subsystem)
        return wrong_kind(path, driver);
    Device device;
    device.number = st.st_rdev;
    device.folder = node / "device";
    auto type = type_of(path, device.folder);
    if (!type) return tl::unexpected(type.error());
    device.type = *type;
    device.lasting_id = lasting_id_of(device.folder);
    device.fd.reset(open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!device.fd) return open_failure(path, driver, errno);
    if (fstat(device.fd.get(), &st) != 0 || st.st_rdev != device.number)
        return fail(EAGAIN, fmt::format("{} was replaced while it was opened; try again", path));
    return device;
}

bool is_there(const Device& device) {
    std::error_code error;
    return fs::exists(device.folder, error) && lasting_id_of(device.folder) == device.lasting_id;
}

int reset_device(const Device& device) {
    std::error_code error;
    fs::directory_iterator nodes(fs::path(device.folder) / "scsi_generic", error);
    if (error || nodes == fs::directory_iterator()) return ENOTSUP;
    const std::string name = nodes->path().filename();
    const UniqueFd fd(open(("/dev/" + name).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    struct stat st;
    if (!fd || fstat(fd.get(), &st) != 0) return errno;
    const std::string number = fmt::format("{}:{}", major(st.st_rdev), minor(st.st_rdev));
    if (!S_ISCHR(st.st_mode) || line_of(nodes->path() / "dev") != number) return ENODEV;
    int what = SG_SCSI_RESET_DEVICE | reset_no_escalation;
    return ioctl(fd.get(), SG_SCSI_RESET, &what) == 0 ? 0 : errno;
}

}  // namespace tgt::store::sgio
