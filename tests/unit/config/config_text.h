// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/targets_conf.h"

namespace tgt::config {

// What a text says, which the parser takes.
inline Config checked(const std::string& text) {
    MemoryFiles none;
    const auto tree = parse_text(none, text, "t.conf");
    if (!tree) {
        ADD_FAILURE() << tree.error().text();
        return {};
    }
    return check(*tree);
}

// The target that has these lines, which are good.
inline Target only_target(const std::string& lines) {
    const Config config = checked("<target iqn.x>\n" + lines + "</target>\n");
    for (const Problem& problem : config.problems) ADD_FAILURE() << problem.what.text();
    return config.targets.at(0);
}

inline std::string only_warning(const std::string& text) {
    const Config config = checked(text);
    if (config.problems.size() != 1 || config.problems[0].error) return "not one warning";
    return config.problems[0].what.text();
}

inline std::string names(const std::vector<Setting>& settings) {
    std::string out;
    for (const Setting& setting : settings) out += (out.empty() ? "" : " ") + setting.name;
    return out;
}

}  // namespace tgt::config
