// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ipc/admin/protocol.h"

namespace tgt::ipc {

// Why a call gave no result.
struct CallError {
    enum class Kind : uint8_t {
        not_running,  // nobody listens at the path
        closed,       // the daemon closed the connection without an answer
        partial,      // the connection ended inside an answer
        protocol,     // the answer is not understood
        unsendable,   // tgt's dialect cannot carry this request
        daemon,       // the daemon refused: code, text, reason
    };
    Kind kind = Kind::protocol;
    int code = 0;        // daemon: tgt's number, or a negative JSON-RPC code; else an errno
    std::string text;    // daemon: tgt's text; else what happened
    std::string reason;  // may be empty
};

struct CallResult {
    std::shared_ptr<const nlohmann::json> result;  // null when an old daemon answered
    std::string text;                              // an old daemon's finished output
    bool legacy = false;
};

// A blocking connection to a daemon's admin socket, opened by the first call. Asks which dialect
// the daemon speaks before the first request, with a line that an old tgtd refuses as a bad header,
// so the question has no effect there; afterwards each request goes out in the right dialect,
// exactly once (a request that may have been carried out is never repeated). One thread; any
// lifetime.
class Client {
  public:
    explicit Client(std::string path) : path_(std::move(path)) {}

    // Connects and asks for the dialect; call() does it too. Has no effect on the daemon.
    tl::expected<void, CallError> connect();
    tl::expected<CallResult, CallError> call(std::string_view method, const nlohmann::json& params);
    // True while something accepts connections at the path.
    bool daemon_listens() const;
    // Once connected: the daemon is a tgt without JSON-RPC.
    bool legacy() const { return dialect_ == Dialect::legacy; }

  private:
    enum class Dialect : uint8_t { unknown, json, legacy };

    tl::expected<void, CallError> open();
    tl::expected<CallResult, CallError> call_json(std::string_view method,
                                                  const nlohmann::json& params);
    tl::expected<CallResult, CallError> call_legacy(std::string_view method,
                                                    const nlohmann::json& params);
    tl::expected<std::string, CallError> exchange_line(std::string_view line);

    std::string path_;
    UniqueFd fd_;
    std::string pending_;  // bytes received beyond the last line
    Dialect dialect_ = Dialect::unknown;
    uint64_t next_id_ = 1;
};

}  // namespace tgt::ipc
