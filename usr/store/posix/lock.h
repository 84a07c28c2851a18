// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "base/result.h"

namespace tgt::store::posix {

// Takes the advisory locks that say "in use" to every kind of user: flock(2) (udev, other daemons)
// and an open-file-description lock over the whole file (QEMU, databases); shared ones when
// `read_only`. They end when the descriptor closes. Fails with EBUSY, naming the holder if the
// kernel tells, when another has one, unless `force`. A file system without locks is logged and
// accepted. May wait briefly: blocking pool only.
Result<void> lock_whole_file(int fd, const std::string& path, bool read_only, bool force);

}  // namespace tgt::store::posix
