// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "driver/kring/kernel_hosts.h"
#include "io/runtime.h"
#include "mgmt/driver.h"

namespace tgt::ipc {
class RingOpener;
}

namespace tgt::kring {

// A low-level driver of the kernel whose hosts are served over command rings.
struct Lld {
    std::string_view name;  // tgtadm --lld
    uint8_t protocol;       // PROTOCOL IDENTIFIER of its TransportIDs (SPC-5 7.6.1)
    bool makes_hosts;       // tgtadm --mode host --op new
};
std::span<const Lld> llds();

// The driver for the hosts of one of them. `hosts` and `opener` outlive it. See mgmt::Driver for
// threads and life. Without `opener` rings are attached through /dev/tgt.
//
// A host is served from bind_host() on: its queues are attached, round robin over the workers.
// When it is unbound they stay attached, so that commands end at once (5/25h/00h), until the host
// goes, or stop().
std::unique_ptr<mgmt::Driver> make_driver(io::Runtime& runtime, const Lld& lld, KernelHosts& hosts,
                                          ipc::RingOpener* opener = nullptr);

}  // namespace tgt::kring
