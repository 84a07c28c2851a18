// SPDX-License-Identifier: GPL-2.0-or-later
// What a targets.conf says: the tree of parser.h, checked against the table of directives.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/directives.h"
#include "config/parser.h"

namespace tgt::config {

// One directive as it stands in the file, or as a logical unit has it from its target.
struct Setting {
    const Directive* directive = nullptr;
    std::string name;  // as written; the row's, but for those that begin with "state"
    std::string value;
    Position at;             // of the value
    bool inherited = false;  // a logical unit's, from its target
};

struct Account {
    std::string user;
    std::string password;
};

// The words of an account directive.
Account account_of(const Setting& setting);

// `text` of a `params` directive with ${tid} and ${lun} replaced.
std::string expand_params(std::string_view text, int tid, uint64_t lun);

// A backing-store or direct-store of a target, or a drive or the changer of a library.
struct LogicalUnit {
    std::string path;
    bool direct = false;
    Position at;
    std::optional<uint64_t> lun;  // nothing: the lowest from 1 on that no unit of the target has
    bool allow_in_use = false;
    bool of_library = false;
    // Its own and those of the target that it does not have itself, in the order of the table,
    // those of one name in the order of the files, its own first. Without lun and allow-in-use.
    std::vector<Setting> settings;

    bool without_medium() const;  // "NONE:anything"
    // The value of a directive that comes once, or nothing.
    const Setting* find(std::string_view name) const;
};

struct Target {
    std::string name;
    Position at;
    std::string driver;  // its own, the default-driver, or "iscsi"
    std::optional<int> controller_tid;
    bool allow_in_use = false;
    bool allow_all = true;  // no initiator-address is given: -I ALL is bound at the end
    // What is applied to the target itself, names in byte order, those of one name in the order of
    // the files. Without driver, controller_tid, allow-in-use, what is for logical units, and
    // `initiator-address NONE`. The logical units belong at the place of "backing-store" and
    // "direct-store", which stand here once each, without a value, when there are any; those of
    // libraries belong at that of "backing-store".
    std::vector<Setting> settings;
    // Backing stores by path, then direct stores by path, then those of libraries.
    std::vector<LogicalUnit> units;

    const Setting* find(std::string_view name) const;
};

struct Problem {
    bool error = true;   // else a warning
    std::string target;  // whose it is; empty: of the whole configuration
    Diagnostic what;
    // What tgt's tgt-admin prints about it on stdout, with the last newline. Of a warning: a
    // comment among the commands. May be empty.
    std::string contract;
};

struct Config {
    std::string default_driver = "iscsi";
    bool default_driver_given = false;
    bool ignore_errors = false;
    std::optional<unsigned> control_port;
    // Other global directives, names in byte order, those of one name in the order of the files.
    std::vector<Setting> settings;
    std::vector<Target> targets;  // in byte order of their names
    // Of the parser, of the global directives, then of the targets in their order. A target with an
    // error is in `targets` as far as it was understood; nothing of it should be applied.
    std::vector<Problem> problems;

    const Target* find_target(std::string_view name) const;
    const Setting* find(std::string_view name) const;
    // The first error of the target or of the whole configuration (`name` empty: only of that).
    const Problem* first_error(std::string_view name) const;
    // The first error of all.
    const Problem* first_error() const;
};

Config check(const Tree& tree);

}  // namespace tgt::config
