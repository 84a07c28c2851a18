// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sgio/delivery.h"

#include <array>
#include <cerrno>

namespace tgt::store::sgio {

namespace {

// By DID_ code: the kernel's list, which its headers for programs do not have.
constexpr std::array<Delivery, 0x15> host_codes = {
    Delivery::answered,     // 00h ok
    Delivery::no_device,    // 01h no connect
    Delivery::busy,         // 02h bus busy
    Delivery::timed_out,    // 03h timeout
    Delivery::no_device,    // 04h bad target
    Delivery::ended,        // 05h abort
    Delivery::link_failed,  // 06h parity
    Delivery::link_failed,  // 07h error
    Delivery::ended,        // 08h reset
    Delivery::failed,       // 09h bad interrupt
    Delivery::answered,     // 0Ah pass-through: the status is meant
    Delivery::link_failed,  // 0Bh soft error
    Delivery::busy,         // 0Ch retry at once
    Delivery::busy,         // 0Dh requeue
    Delivery::link_failed,  // 0Eh transport disrupted
    Delivery::link_failed,  // 0Fh transport fails fast
    Delivery::failed,       // 10h target failure
    Delivery::conflict,     // 11h nexus failure
    Delivery::failed,       // 12h allocation failure
    Delivery::failed,       // 13h medium error
    Delivery::link_failed,  // 14h transport marginal
};

// Kernels before 5.14 also report here; 8 says only that there is sense data.
constexpr uint32_t driver_mask = 0x0f, driver_timeout = 0x06, driver_sense = 0x08;

constexpr size_t longest_usual_cdb = 16;

}  // namespace

// A status other than GOOD came from the device, whatever the kernel has made of it.
Delivery delivery_of(uint32_t device_status, uint32_t host_status, uint32_t driver_status) {
    if (device_status != 0) return Delivery::answered;
    if (host_status >= host_codes.size()) return Delivery::failed;
    if (host_codes[host_status] != Delivery::answered) return host_codes[host_status];
    const uint32_t driver = driver_status & driver_mask;
    if (driver == driver_timeout) return Delivery::timed_out;
    return driver == 0 || driver == driver_sense ? Delivery::answered : Delivery::failed;
}

Delivery delivery_of_errno(int error, const ScsiRequest& request, uint64_t most) {
    switch (error) {
        case ENODEV:
        case ENXIO:
        case ESHUTDOWN:
            return Delivery::no_device;
        case EINVAL:
        case E2BIG:
            return request.cdb.size() > longest_usual_cdb && request.length <= most
                       ? Delivery::unsupported
                       : Delivery::too_large;
        case ENOMEM:  // or more pieces than the adapter takes
            return request.length > most ? Delivery::too_large : Delivery::busy;
        case EAGAIN:
        case EBUSY:
        case EDOM:  // sg: as many commands as a descriptor may have
            return Delivery::busy;
        case EPERM:
        case EACCES:
        case EOPNOTSUPP:
        case ENOSYS:
        case ENOTTY:
            return Delivery::unsupported;
        case EINTR:
            return Delivery::ended;
        case ETIMEDOUT:
            return Delivery::timed_out;
        default:
            return Delivery::failed;
    }
}

}  // namespace tgt::store::sgio
