// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/echo/echo.h"
#include "tests/bench/program.h"

int main(int argc, char** argv) {
    using namespace tgt::bench;
    return run_program("echo", argc, argv, [](const Options& options) {
        return options.serve ? serve_echo(options) : load_echo(options);
    });
}
