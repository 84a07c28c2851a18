// SPDX-License-Identifier: GPL-2.0-or-later
// Which options each mode and operation takes and needs, checked in tgt's order so that a command
// line with several mistakes gets tgt's message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/admin/protocol.h"

namespace tgt::tgtadm {

// What the rules need to know of a command line.
struct Facts {
    std::string letters;  // the rule letters of the options given, in command-line order
    std::optional<uint64_t> tid;
    bool host = false;        // a host number other than 0
    bool portal_ops = false;  // --params behind "--mode portal"
    std::string_view type;    // device type; empty: not given, a disk
};

// The message, without the program's name, of the first rule that is broken.
std::optional<std::string> broken_rule(ipc::Mode mode, ipc::Op op, const Facts& facts);

}  // namespace tgt::tgtadm
