// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

namespace tgt::config {

// A place in a configuration file, for a person to find. Lines and columns count from 1, columns in
// bytes. Plain value; all positions of a file share its name.
struct Position {
    std::shared_ptr<const std::string> file;
    unsigned line = 0;
    unsigned column = 0;

    // "targets.conf:3:7"; what is unknown is left out.
    std::string text() const;
};

// What is wrong at a place, and what to do about it.
struct Diagnostic {
    Position at;
    std::string problem;
    std::string advice;  // may be empty

    // "targets.conf:3:7: PROBLEM; ADVICE"
    std::string text() const;
};

}  // namespace tgt::config
