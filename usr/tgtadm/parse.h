// SPDX-License-Identifier: GPL-2.0-or-later
// From a command line to a request, without touching anything: what tgtadm prints and returns for
// every mistake is decided here and can be tested without a daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace tgt::tgtadm {

inline constexpr int exit_invalid = 22;         // EINVAL: nearly every mistake
inline constexpr int exit_unknown_word = 1;     // an unknown mode or operation
inline constexpr int exit_not_connected = 107;  // ENOTCONN: no daemon

// What parse() knows of the world.
struct Environment {
    std::string socket_prefix;  // TGT_IPC_SOCKET
    bool posixly_correct = false;
    // The SCSI host number behind "bus,id".
    std::function<Result<uint32_t>(std::string_view)> find_host;
};

struct Parsed {
    std::string method;
    std::shared_ptr<nlohmann::json> params;
    unsigned control_port = 0;
    bool debug = false;
    bool json = false;
    std::optional<std::string> password_file;  // "-": standard input
};

struct Exit {
    int code = 0;
    std::string out;
    std::string err;
};

// `args` is argv; args[0] is how the program was called.
std::variant<Parsed, Exit> parse(std::span<const std::string> args, const Environment& env);

std::string help_text();

}  // namespace tgt::tgtadm
