// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/service_manager.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "tgtd/process.h"

namespace tgt::tgtd {

namespace {

constexpr auto module = log::Module::core;

}  // namespace

ServiceManager ServiceManager::from_environment() {
    ServiceManager manager;
    manager.socket_ = take_variable("NOTIFY_SOCKET");
    const auto usec = parse_number(take_variable("WATCHDOG_USEC"));
    const std::string pid = take_variable("WATCHDOG_PID");
    const bool ours = pid.empty() || pid == std::to_string(getpid());
    if (usec && *usec > 0 && *usec < uint64_t(INT64_MAX) / 1000 && ours)
        manager.watchdog_ = std::chrono::microseconds(*usec);
    return manager;
}

void ServiceManager::tell(std::string_view state) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_[0] == '@') address.sun_path[0] = 0;
    const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const void* raw = &address;
    const auto size = socklen_t(offsetof(sockaddr_un, sun_path) + socket_.size());
    if (sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
               static_cast<const sockaddr*>(raw), size) < 0)
        log::warn(module, "cannot tell the service manager: {}", std::strerror(errno));
}

std::string reloading_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                       uint64_t(now.tv_sec) * 1000000 + uint64_t(now.tv_nsec) / 1000);
}

}  // namespace tgt::tgtd
