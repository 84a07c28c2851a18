// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "tgt-admin/options.h"

namespace tgt::tgt_admin {

// Does what the options say; the program's exit code. `socket_prefix` is TGT_IPC_SOCKET, or empty.
int run_program(Options options, const std::string& socket_prefix);

}  // namespace tgt::tgt_admin
