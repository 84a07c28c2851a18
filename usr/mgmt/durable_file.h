// SPDX-License-Identifier: GPL-2.0-or-later
// Files that are whole or not there at all, whenever the machine stops. All calls block: threads of
// the pool, or before the threads run. Errors name the file and the reason.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace tgt::mgmt {

// Makes `folder` (0700) unless it is there; its parent must exist.
Result<void> make_folder(const std::string& folder);

// `folder`/`name` has this content, on the medium, when it succeeds. After an error it is as it was
// before; only when the folder itself could not be synced after the change, the error says so and
// either content may be there after a crash.
Result<void> write_durably(const std::string& folder, const std::string& name,
                           const std::string& content);
// `folder`/`name` is gone for good; nothing to do when it was not there.
Result<void> remove_durably(const std::string& folder, const std::string& name);

// Nothing when the file is not there; an error also when it has more than `max_bytes`.
Result<std::optional<std::string>> read_file(const std::string& path, size_t max_bytes);

// Renames `folder`/`name` to that name with ".bad" (".bad.2" ... when that is taken); returns the
// new path.
Result<std::string> put_aside(const std::string& folder, const std::string& name);

}  // namespace tgt::mgmt
