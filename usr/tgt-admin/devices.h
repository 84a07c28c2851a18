// SPDX-License-Identifier: GPL-2.0-or-later
// What is to be known of a file or device before a logical unit is made of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tgt::tgt_admin {

struct Process {
    int pid = 0;
    std::string name;
    bool operator==(const Process&) const = default;
};

// What a SCSI disk says of itself: values of parameters of a logical unit, in the order in which
// they are set, and the size of its blocks.
struct Identity {
    std::vector<std::pair<std::string, std::string>> parameters;
    std::string block_size;  // empty: not told
};

// One thread. The planner asks; tests answer from memory.
class Devices {
  public:
    virtual ~Devices() = default;
    virtual bool exists(const std::string& path) = 0;
    // The same for two names of one file or device; the path itself when it does not exist.
    virtual std::string key(const std::string& path) = 0;
    // The system has it for itself: mounted, swap, part of a RAID or of a volume group.
    virtual bool taken_by_system(const std::string& path) = 0;
    // The processes that have it open.
    virtual std::vector<Process> holders(const std::string& path) = 0;
    virtual Result<Identity> identity(const std::string& path) = 0;
};

class SystemDevices final : public Devices {
  public:
    bool exists(const std::string& path) override;
    std::string key(const std::string& path) override;
    bool taken_by_system(const std::string& path) override;
    std::vector<Process> holders(const std::string& path) override;
    Result<Identity> identity(const std::string& path) override;

  private:
    void look_at_processes();

    // Who has what open, by key; looked at once.
    std::optional<std::map<std::string, std::vector<Process>>> open_;
};

}  // namespace tgt::tgt_admin
