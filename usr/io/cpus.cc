// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/cpus.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "io/runtime.h"

namespace tgt::io {

namespace {

std::optional<unsigned> ratio_rounded_up(const std::string& quota, long period) {
    char* end = nullptr;
    long microseconds = strtol(quota.c_str(), &end, 10);
    if (end == quota.c_str() || microseconds <= 0 || period <= 0) return std::nullopt;
    return unsigned((microseconds + period - 1) / period);
}

// cpu.max: "max 100000" or "150000 100000".
std::optional<unsigned> limit_v2(const std::string& folder) {
    std::ifstream file(folder + "/cpu.max");
    std::string quota;
    long period = 0;
    if (!(file >> quota >> period)) return std::nullopt;
    return ratio_rounded_up(quota, period);
}

std::optional<unsigned> limit_v1(const std::string& folder) {
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
        period_file(folder + "/cpu.cfs_period_us");
    std::string quota;
    long period = 0;
    if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
    return ratio_rounded_up(quota, period);
}

std::optional<unsigned> smaller(std::optional<unsigned> a, std::optional<unsigned> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

// A group is bound by its own quota and by those of all its ancestors. A path that names nothing
// below `root` (another cgroup namespace) leaves the root's own limit.
template <class Limit>
std::optional<unsigned> tightest(const std::string& root, std::string path, Limit limit) {
    std::optional<unsigned> found = limit(root);
    for (; path.size() > 1; path.resize(path.rfind('/')))
        found = smaller(found, limit(root + path));
    return found;
}

bool lists_cpu(const std::string& controllers) {
    std::istringstream words(controllers);
    for (std::string word; std::getline(words, word, ',');)
        if (word == "cpu") return true;
    return false;
}

}  // namespace

// Each line is "hierarchy:controllers:path"; version 2 has no controllers.
std::optional<unsigned> cgroup_cpus(const std::string& membership, const std::string& root) {
    std::optional<unsigned> found;
    std::istringstream lines(membership);
    for (std::string line; std::getline(lines, line);) {
        size_t first = line.find(':');
        size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        std::string controllers = line.substr(first + 1, second - first - 1);
        std::string path = line.substr(second + 1);
        if (path.empty() || path[0] != '/') continue;
        if (controllers.empty())
            found = smaller(found, tightest(root, path, limit_v2));
        else if (lists_cpu(controllers))
            found = smaller(found, tightest(root + "/cpu", path, limit_v1));
    }
    return found;
}

std::vector<int> affinity_cpus() {
    std::vector<int> cpus;
    constexpr int most = 8192;
    cpu_set_t* set = CPU_ALLOC(most);
    size_t bytes = CPU_ALLOC_SIZE(most);
    CPU_ZERO_S(bytes, set);
    if (sched_getaffinity(0, bytes, set) == 0)
        for (int cpu = 0; cpu < most; ++cpu)
            if (CPU_ISSET_S(cpu, bytes, set)) cpus.push_back(cpu);
    CPU_FREE(set);
    return cpus;
}

unsigned usable_cpus() {
    std::ifstream file("/proc/self/cgroup");
    std::ostringstream membership;
    membership << file.rdbuf();
    unsigned cpus = std::max<unsigned>(1, unsigned(affinity_cpus().size()));
    auto quota = cgroup_cpus(membership.str(), "/sys/fs/cgroup");
    return quota ? std::min(cpus, *quota) : cpus;
}

}  // namespace tgt::io
