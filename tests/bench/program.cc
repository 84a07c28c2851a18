// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/program.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

namespace tgt::bench {

int run_program(std::string_view name, int argc, char** argv, Result<int> (*run)(const Options&)) {
    const auto options = parse_options(argc, argv);
    if (!options || options->help) {
        if (!options) fmt::print(stderr, "{}: {}\n", name, options.error().text);
        fmt::print(options ? stdout : stderr, "{}", usage(name));
        return options ? 0 : 2;
    }
    std::signal(SIGPIPE, SIG_IGN);  // libiscsi writes to connections that are gone, too
    const auto status = run(*options);
    if (!status) fmt::print(stderr, "{}: {}\n", name, status.error().text);
    return status.value_or(1);
}

}  // namespace tgt::bench
