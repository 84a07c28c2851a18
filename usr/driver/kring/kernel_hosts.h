// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/scsi_lun.h"

namespace tgt::kring {

// One host (an HBA, a loop port) as the kernel tells of it.
struct KernelHost {
    uint32_t number = 0;
    std::string lld;                    // Driver::name() of the driver that serves it: "loop"
    std::string port_name;              // of the target port; empty: unknown
    std::optional<uint32_t> scsi_host;  // loop: N of /sys/class/scsi_host/hostN
    uint32_t queues = 1;
    uint32_t depth = 0;  // commands per queue
    bool operator==(const KernelHost&) const = default;
};

// What the kernel family says, and what it is told. Implemented over generic netlink, and in tests
// by a fake. Outlives the drivers. Control thread only; nothing here blocks.
class KernelHosts {
  public:
    // Of all low-level drivers: a listener picks out its own.
    class Listener {
      public:
        // Not for those that were there when it began to listen.
        virtual void host_added(const KernelHost& host) = 0;
        virtual void host_removed(uint32_t number) = 0;
        // problem() has changed. When it has come to be there, the hosts it has are "added".
        virtual void family_changed() = 0;

      protected:
        ~Listener() = default;
    };

    // Why there is no family to speak to, as a sentence ("the kernel has no tgt_core: modprobe
    // tgt_core"); empty: it is there.
    virtual std::string_view problem() const = 0;
    // Those that were announced and not removed.
    virtual const std::vector<KernelHost>& hosts() const = 0;
    virtual void listen(Listener& listener) = 0;
    virtual void forget(Listener& listener) = 0;
    // TGT_NL_LUN_CHANGED. A failure is logged there and of no consequence here.
    virtual void lun_changed(uint32_t host, const wire::LunBytes& lun, bool present) = 0;

  protected:
    ~KernelHosts() = default;
};

}  // namespace tgt::kring
