// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "base/result.h"
#include "tests/bench/options.h"

namespace tgt::bench {

// What main() of a load generator is: reads the command line, and runs, or tells how to. The exit
// status: that of `run`, 1 when it failed, 2 for a wrong command line.
int run_program(std::string_view name, int argc, char** argv, Result<int> (*run)(const Options&));

}  // namespace tgt::bench
