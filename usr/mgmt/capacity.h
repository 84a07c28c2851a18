// SPDX-License-Identifier: GPL-2.0-or-later
// How much of its medium a logical unit shows. Control thread.
#pragma once

#include <functional>
#include <string_view>

#include "mgmt/failure.h"
#include "mgmt/media.h"

namespace tgt::mgmt {

// The value of `capacity=`: bytes (k, m, g and t are powers of 1024), or nothing for "auto", which
// is all there is.
Outcome<std::optional<uint64_t>> parse_capacity(std::string_view text);

// SPC-5 table 148: only such units have a capacity.
inline constexpr uint8_t direct_access = 0x00;

// `medium` has `size` bytes now. A unit without a limit shows more when there is more (UA 2Ah/09h
// for every nexus, SBC-4 5.16); it never shows less by itself, as what initiators keep behind the
// end must not turn into nothing: that is an error in the log, once for each size.
void follow_size(io::Runtime& runtime, const MediumPtr& medium, uint64_t size);

// The size of a medium that is offline, as it is. `done` when every worker knows.
void show_size(io::Runtime& runtime, const MediumPtr& medium, uint64_t size,
               std::function<void()> done);

// An administrator's wish, `medium` having `size` bytes now. Refused when there is less than that,
// or when "auto" would show less than before. `done` when every worker knows.
void set_capacity(io::Runtime& runtime, const MediumPtr& medium, uint64_t size,
                  std::optional<uint64_t> limit, StatusCallback done);

// The same as a wish of the saved state, before there is a unit: `state` shows so much of `size`
// bytes.
Status restore_capacity(scsi::LunState& state, std::string_view value, uint64_t size,
                        std::optional<uint64_t>& limit);

}  // namespace tgt::mgmt
