// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/uevents.h"

#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>

#include "mgmt/numbers.h"

namespace tgt::mgmt {

namespace {

constexpr uint32_t kernel_group = 1;  // udev's own messages are in another
constexpr size_t max_message = 8192;

struct ActionName {
    std::string_view name;
    DeviceEvent::What what;
};
constexpr std::array<ActionName, 5> actions{{
    {"add", DeviceEvent::What::added},
    {"online", DeviceEvent::What::added},
    {"change", DeviceEvent::What::changed},
    {"remove", DeviceEvent::What::removed},
    {"offline", DeviceEvent::What::removed},
}};

std::optional<DeviceEvent::What> action_of(std::string_view name) {
    for (const ActionName& action : actions)
        if (action.name == name) return action.what;
    return std::nullopt;
}

}  // namespace

std::optional<DeviceEvent> parse_uevent(std::string_view message) {
    std::optional<DeviceEvent::What> what;
    std::optional<uint64_t> major, minor;
    bool block = false;
    while (!message.empty()) {
        const std::string_view item = message.substr(0, message.find('\0'));
        message.remove_prefix(std::min(item.size() + 1, message.size()));
        const size_t equals = item.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
        if (name == "ACTION") what = action_of(value);
        if (name == "SUBSYSTEM") block = value == "block";
        if (name == "MAJOR") major = parse_number(value, UINT32_MAX);
        if (name == "MINOR") minor = parse_number(value, UINT32_MAX);
    }
    if (!block || !what || !major || !minor) return std::nullopt;
    return DeviceEvent{*what, makedev(unsigned(*major), unsigned(*minor))};
}

Uevents::~Uevents() {
    if (fd_) poller_->remove(fd_.get(), *this);
}

int Uevents::listen(io::Poller& poller) {
    UniqueFd fd(
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    if (!fd) return errno;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kernel_group;
    const void* raw = &address;
    if (bind(fd.get(), static_cast<const sockaddr*>(raw), sizeof(address)) != 0) return errno;
    if (!poller.add(fd.get(), EPOLLIN, *this)) return ENOSPC;
    fd_ = std::move(fd);
    poller_ = &poller;
    return 0;
}

void Uevents::on_ready(uint32_t) {
    while (true) {
        std::array<char, max_message> bytes;
        sockaddr_nl from{};
        socklen_t from_size = sizeof(from);
        void* raw = &from;
        const ssize_t n = recvfrom(fd_.get(), bytes.data(), bytes.size(), 0,
                                   static_cast<sockaddr*>(raw), &from_size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == ENOBUFS) {
            told_(std::nullopt);
            continue;
        }
        if (n < 0) return;
        if (from.nl_pid != 0) continue;  // not from the kernel
        if (const auto event = parse_uevent({bytes.data(), size_t(n)})) told_(event);
    }
}

}  // namespace tgt::mgmt
