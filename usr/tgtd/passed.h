// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "driver/iscsi/passed_sockets.h"
#include "mgmt/portal_spec.h"

namespace tgt::tgtd {

// The sockets that a service manager has opened for the daemon (sd_listen_fds(3)): listening TCP
// sockets are portals, a listening Unix socket is the management socket.
struct Passed {
    iscsi::PassedSockets portals;
    UniqueFd admin;
    std::string admin_path;
};

// From $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES, which are removed. In the first process. The
// error names a socket that is neither.
Result<Passed> take_passed();

struct NamedFd {
    UniqueFd fd;
    std::string name;  // FileDescriptorName=, for messages
};
Result<Passed> sort_passed(std::vector<NamedFd> sockets);

// What the daemon listens on: the portals asked for, and what was passed beyond them. The default
// portal only when there is neither.
std::vector<mgmt::PortalSpec> with_passed(std::vector<mgmt::PortalSpec> wanted,
                                          const iscsi::PassedSockets& passed);

}  // namespace tgt::tgtd
