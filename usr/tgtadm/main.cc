// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "tgtadm/run.h"

int main(int argc, char** argv) {
    using namespace tgt::tgtadm;
    const std::vector<std::string> args(argv, argv + argc);
    Environment env;
    if (const char* prefix = std::getenv("TGT_IPC_SOCKET")) env.socket_prefix = prefix;
    env.posixly_correct = std::getenv("POSIXLY_CORRECT") != nullptr;
    env.find_host = find_scsi_host;
    auto parsed = parse(args, env);
    const Exit* early = std::get_if<Exit>(&parsed);
    const Exit exit = early ? *early : run(std::get<Parsed>(parsed), env);
    std::fwrite(exit.out.data(), 1, exit.out.size(), stdout);
    std::fwrite(exit.err.data(), 1, exit.err.size(), stderr);
    if (std::fflush(stdout) != 0) {
        std::perror("tgtadm: standard output");
        return exit_invalid;
    }
    return exit.code;
}
