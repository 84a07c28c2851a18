// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/core.h>

#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "ipc/admin/protocol.h"

namespace tgt::mgmt {

using ipc::ErrorCode;

// Why an admin request was refused: tgt's number, and a sentence that names the object, the cause
// and what to do.
struct Failure {
    ErrorCode code = ErrorCode::unknown;
    std::string reason;
};

template <class T>
using Outcome = tl::expected<T, Failure>;
using Status = Outcome<void>;
using StatusCallback = std::function<void(Status)>;

template <class... Args>
tl::unexpected<Failure> refuse(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
    return tl::unexpected<Failure>(Failure{code, fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace tgt::mgmt
