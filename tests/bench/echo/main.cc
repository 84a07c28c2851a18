// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <cstdio>

#include "tests/bench/echo/echo.h"

int main(int argc, char** argv) {
    using namespace tgt::bench;
    const auto options = parse_options(argc, argv);
    if (!options || options->help) {
        if (!options) fmt::print(stderr, "echo: {}\n", options.error().text);
        fmt::print(options ? stdout : stderr, "{}", usage("echo"));
        return options ? 0 : 2;
    }
    const auto status = options->serve ? serve_echo(*options) : load_echo(*options);
    if (!status) fmt::print(stderr, "echo: {}\n", status.error().text);
    return status.value_or(1);
}
