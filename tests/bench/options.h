// SPDX-License-Identifier: GPL-2.0-or-later
// The command line that all load generators share.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tgt::bench {

struct Options {
    // iscsi://HOST[:PORT]/TARGET/LUN, or HOST:PORT for what does not speak iSCSI
    std::string host;
    std::string port = "3260";
    std::string target;
    unsigned lun = 0;

    unsigned sessions = 1;
    unsigned threads = 1;  // sessions are dealt out to them
    unsigned depth = 32;   // commands in flight per session
    uint32_t block = 4096;
    unsigned read_percent = 100;
    bool sequential = false;
    uint64_t range = 0;  // bytes from the beginning that are used; 0: all
    double seconds = 5;
    double warm_up = 1;

    bool digests = false;
    bool fill = false;    // write the pattern everywhere before
    bool verify = false;  // reads have to return the pattern
    uint64_t seed = 1;    // of the pattern and the random numbers
    bool idle = false;    // log in and wait
    bool serve = false;   // of `echo`: be the server
    std::string file;     // of that: what reads are answered with
    pid_t server_pid = 0;
    std::string label;
    bool json = false;
    bool help = false;
};

Result<Options> parse_options(int argc, char** argv);
std::string usage(std::string_view program);

// For what speaks iSCSI: the address has to name a target.
Result<void> names_target(const Options& options);

// `4k`, `1M`, `512`: bytes.
Result<uint64_t> parse_size(std::string_view text);
// Fills host, port, target and lun.
Result<void> parse_address(std::string_view text, Options& options);

}  // namespace tgt::bench
