// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/position.h"

namespace tgt::config {

std::string Position::text() const {
    std::string out = file ? *file : std::string();
    for (unsigned number : {line, column}) {
        if (number == 0) break;
        if (!out.empty()) out += ':';
        out += std::to_string(number);
    }
    return out;
}

std::string Diagnostic::text() const {
    std::string out = at.text();
    if (!out.empty()) out += ": ";
    out += problem;
    if (!advice.empty()) out += "; " + advice;
    return out;
}

}  // namespace tgt::config
