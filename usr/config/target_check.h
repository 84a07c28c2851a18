// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the checks of the global part and of the targets; not for others.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/library.h"
#include "config/targets_conf.h"

namespace tgt::config {

std::vector<std::string_view> words_of(std::string_view text);

// Byte order of the names; those of one name keep theirs.
void sort_by_name(std::vector<Setting>& settings);

// Writes down problems of one target, or of the global part (`target` empty). Keeps a reference to
// the list.
class Speaker {
  public:
    Speaker(std::vector<Problem>& problems, std::string target)
        : problems_(problems), target_(std::move(target)) {}

    void error(const Position& at, std::string problem, std::string advice,
               std::string contract = {}) const;
    void warning(const Position& at, std::string problem, std::string advice,
                 std::string contract = {}) const;

    void missing_value(const std::string& name, const Position& at) const;
    // `inside`: the target-level directive that holds it.
    void multiple(const std::string& name, std::string_view inside, const Position& at) const;
    void unknown(const Entry& entry, Level level) const;
    void unknown_block(const Block& block, Level level) const;
    // False: it cannot be used, and that has been said. Much is left to the daemon.
    bool value_is_good(const Directive& row, const std::string& value, const Position& at) const;

  private:
    void number_is_odd(const Directive& row, const std::string& value, const Position& at) const;
    std::string advice_for(const std::string& name, Level level) const;

    std::vector<Problem>& problems_;
    std::string target_;
};

// `next_lun`: of its first drive, when the block does not say it. Nothing when it cannot be used,
// and that has been said.
std::optional<Library> check_library(const Entry& entry, uint64_t next_lun, const Speaker& say);

Target check_target(const Block& block, const std::string& default_driver,
                    std::vector<Problem>& problems);

}  // namespace tgt::config
