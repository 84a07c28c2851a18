// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/aio/ring.h"

#include <fmt/core.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace tgt::store::aio {

namespace {

std::string number_in(const char* path) {
    std::ifstream file(path);
    std::string number;
    return file >> number ? number : "?";
}

tl::unexpected<Error> setup_failure(int error) {
    if (error != EAGAIN)
        return fail(error,
                    fmt::format("the kernel gives no asynchronous I/O: {}", strerror(error)));
    return fail(
        EAGAIN,
        fmt::format("the system's limit of asynchronous I/O is reached: {} of {} requests "
                    "are reserved; raise fs.aio-max-nr with sysctl",
                    number_in("/proc/sys/fs/aio-nr"), number_in("/proc/sys/fs/aio-max-nr")));
}

}  // namespace

int System::setup(unsigned depth, io_context_t* context) const {
    return io_setup(int(depth), context);
}

int System::destroy(io_context_t context) const {
    return io_destroy(context);
}

int System::submit(io_context_t context, std::span<iocb*> requests) const {
    return io_submit(context, long(requests.size()), requests.data());
}

int System::reap(io_context_t context, std::span<io_event> events) const {
    timespec at_once{};
    return io_getevents(context, 0, long(events.size()), events.data(), &at_once);
}

const System& system() {
    static const System kernel;
    return kernel;
}

Result<std::unique_ptr<Ring>> Ring::open(const System& system, unsigned depth) {
    UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) return fail(errno, fmt::format("no eventfd: {}", strerror(errno)));
    io_context_t context = nullptr;
    if (int result = system.setup(depth, &context); result < 0) return setup_failure(-result);
    return std::unique_ptr<Ring>(new Ring(system, context, std::move(event)));
}

Ring::~Ring() {
    system_.destroy(context_);
}

// The event is emptied first: what ends after that sets it again.
std::span<io_event> Ring::reap(std::span<io_event> room) {
    eventfd_t ignored;
    while (eventfd_read(event_.get(), &ignored) < 0 && errno == EINTR) {
    }
    int count = 0;
    do count = system_.reap(context_, room);
    while (count == -EINTR);
    return room.first(size_t(count > 0 ? count : 0));
}

}  // namespace tgt::store::aio
