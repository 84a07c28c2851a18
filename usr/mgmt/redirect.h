// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "io/runtime.h"
#include "mgmt/driver.h"
#include "mgmt/failure.h"

namespace tgt::mgmt {

// Where a target sends initiators instead of letting them in. Plain value.
struct Redirect {
    std::string address;
    std::string port;
    std::string reason;    // "", "Temporary" or "Permanent"
    std::string callback;  // a program that is asked on every login

    bool configured() const { return !address.empty() || !callback.empty(); }
    // RedirectAddress, RedirectPort, RedirectReason, RedirectCallback, written so. Nothing: it is
    // none of them.
    std::optional<Status> update(std::string_view name, std::string_view value);
    // The static redirection of this login, unless it leads to the initiator itself.
    std::optional<LoginAnswer> answer_for(const SocketAddress& initiator) const;
};

// "addr:port:Temporary|Permanent", IPv6 in brackets, as redirect programs print it.
Result<Redirect> parse_redirect_output(std::string_view text);

// Runs `program targetname initiator-address` on the blocking pool and waits 100 ms at most for its
// answer; `done` on the control thread. An error: the login fails.
void run_redirect_callback(io::Runtime& runtime, std::string program, std::string target_name,
                           std::string initiator, std::function<void(Result<Redirect>)> done);

}  // namespace tgt::mgmt
