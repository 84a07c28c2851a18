// SPDX-License-Identifier: GPL-2.0-or-later
// The text that tgt prints for a result, byte for byte: tgtadm prints it, and the daemon sends it
// to an old tgtadm. Pure; never throws; members missing from `result` are rendered as empty or
// zero.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tgt::ipc {

// Empty for verbs that print nothing.
std::string render(std::string_view method, const nlohmann::json& params,
                   const nlohmann::json& result);

// tgt's decimal megabytes of a size in bytes.
uint64_t display_megabytes(uint64_t bytes);

}  // namespace tgt::ipc
