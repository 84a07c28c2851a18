// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdio>
#include <cstdlib>

#include "tgt-admin/app.h"

int main(int argc, char** argv) {
    using namespace tgt::tgt_admin;
    const std::vector<std::string> args(argv + 1, argv + argc);
    const auto parsed = parse_options(args);
    if (const Exit* early = std::get_if<Exit>(&parsed)) {
        std::fwrite(early->out.data(), 1, early->out.size(), stdout);
        std::fwrite(early->err.data(), 1, early->err.size(), stderr);
        return early->code;
    }
    const char* prefix = std::getenv("TGT_IPC_SOCKET");
    return run_program(std::get<Options>(parsed), prefix ? prefix : "");
}
