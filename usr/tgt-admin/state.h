// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon has, as far as tgt-admin needs it. Plain values; the planner changes a copy as it
// goes, to know what its commands will have done.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tgt-admin/library.h"

namespace tgt::tgt_admin {

// Something that can be set.
struct Value {
    std::string name;
    std::string value;
    std::optional<std::string> fallback;  // what a new one starts with, where that is known
};
const Value* find_value(const std::vector<Value>& values, std::string_view name);

struct UnitState {
    uint64_t lun = 0;
    std::optional<std::string> path;
    bool from_config = false;
    std::vector<Value> options;           // what only a new one can be given
    std::vector<Value> parameters;        // each mode page is one
    bool complete = false;                // `parameters` has all there are
    std::optional<LibraryState> library;  // a changer's
    bool in_library = false;              // a drive, whose medium is a changer's affair
};

struct NexusState {
    uint64_t id = 0;
    std::string initiator;
    std::vector<uint64_t> connections;
};

struct TargetState {
    int tid = 0;
    std::string name;
    std::string driver;
    bool ready = true;
    bool from_config = false;
    std::vector<NexusState> nexuses;
    std::vector<UnitState> units;  // without LUN 0, in order
    std::vector<std::string> incoming, outgoing;
    std::vector<std::string> addresses, initiators;
    std::optional<std::vector<uint32_t>> hosts;    // it is bound to; nothing: its driver has none
    std::optional<std::vector<Value>> parameters;  // nothing: not known

    bool in_use() const { return !nexuses.empty(); }
    UnitState* find_unit(uint64_t lun);
};

struct PortalState {
    std::string address;
    bool at_start = true;  // of the daemon's command line, or not known
};

struct State {
    bool legacy = false;  // tgt's own daemon: much is not known
    int daemon_pid = 0;   // 0: not known
    bool isns_on = false;
    std::vector<TargetState> targets;   // in order of tid
    std::vector<std::string> accounts;  // oldest first
    std::map<std::string, std::string> secrets;
    std::vector<std::string> incoming, outgoing;  // of discovery
    std::vector<PortalState> portals;             // oldest first
    std::vector<Value> settings;                  // of the system

    TargetState* find_target(std::string_view name);
    TargetState* find_target(int tid);
    bool has_account(std::string_view user) const;
};

}  // namespace tgt::tgt_admin
