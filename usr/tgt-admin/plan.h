// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "tgt-admin/command.h"

namespace tgt::tgt_admin {

// What tgt-admin is going to do and say, in order. Plain value.
struct Step {
    enum class Kind : uint8_t {
        comment,  // a line on standard output for those who want to see the commands; may be empty
        warning,  // on standard error for those who do not
        say,      // a line on standard output for everybody
        run,
    };
    Kind kind = Kind::comment;
    std::string text;
    Command command;       // run
    bool patient = false;  // run: what it is about may be in use for another moment
    // run: the step, counted from 1, that makes the target that this one is for; 0: it was there
    size_t needs = 0;
};

struct Plan {
    std::vector<Step> steps;
    int exit_code = 0;  // when every step has worked

    bool runs_anything() const;
};

}  // namespace tgt::tgt_admin
