// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tgt::io {

// The CPUs of this process's affinity mask, in order.
std::vector<int> affinity_cpus();

// How many CPUs' worth of time the control groups allow, rounded up; none when there is no quota.
// `membership` is the text of /proc/self/cgroup (cgroups(7)), `root` the folder of the hierarchies.
std::optional<unsigned> cgroup_cpus(const std::string& membership, const std::string& root);

}  // namespace tgt::io
