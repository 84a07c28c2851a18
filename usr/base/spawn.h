// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tgt {

// Starts `words` (posix_spawnp(3)) with standard input from nowhere, with its output into `out`,
// its errors too if so asked, and with signals as a new program wants them. 0 or an errno value.
enum class Errors { inherited, with_output };
int spawn(std::vector<std::string> words, int out, Errors errors, pid_t& pid);

}  // namespace tgt
