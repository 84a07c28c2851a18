// SPDX-License-Identifier: GPL-2.0-or-later
// Info::lasting_id of what Linux opens. Blocking.
#pragma once

#include <sys/types.h>

#include <string>

namespace tgt::store::posix {

// The file system's own identity, the inode and, where it is kept, the time of birth, by which a
// file that got the inode of a deleted one is told apart. Empty when neither the first nor the last
// is known.
std::string lasting_id_of_file(int fd);

// What the device, the device mapper or the array calls itself, below its folder in sysfs; of a
// partition, that of its parent and its number. Empty when it has no such name.
std::string lasting_id_of_device(const std::string& sysfs_folder);

// "/sys/dev/block/8:1"
std::string sysfs_folder_of(dev_t device);

}  // namespace tgt::store::posix
