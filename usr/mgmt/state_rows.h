// SPDX-License-Identifier: GPL-2.0-or-later
// The saved state as values: one row for each object, a key and a JSON text. Pure functions; no
// I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "mgmt/new_lun.h"

namespace tgt::mgmt {

// --- what is saved ------------------------------------------------------------------------------
// Settings are kept as they were asked for, name and value in the order of the last change, so that
// they go the same way again; what nobody set follows the program's defaults.

struct SavedSystem {
    NamedValues set;
    bool operator==(const SavedSystem&) const = default;
};

struct SavedAccount {
    std::string name;
    std::string secret;
    bool operator==(const SavedAccount&) const = default;
};

// The accounts of one place, in the order of binding.
struct SavedBindings {
    std::vector<std::string> incoming;
    std::string outgoing;
    bool operator==(const SavedBindings&) const = default;
};

// What was changed at run time about the portals of a driver, oldest first.
struct SavedPortals {
    std::string lld;
    std::vector<std::string> added, removed;
    bool operator==(const SavedPortals&) const = default;
};

struct SavedTarget {
    int tid = 0;
    std::string name, lld, origin;
    NamedValues set;
    std::vector<std::string> addresses, initiators;
    SavedBindings accounts;
    std::vector<uint32_t> hosts;  // of a driver that has some
    bool operator==(const SavedTarget&) const = default;
};

// LUN 0 is made with its target: only `set` counts.
struct SavedLun {
    NewLun made;
    NamedValues set;
    uint64_t size = 0;  // bytes of the medium when it was last looked at; shown until it is open
    bool operator==(const SavedLun&) const = default;
};

using SavedObject =
    std::variant<SavedSystem, SavedAccount, SavedBindings, SavedPortals, SavedTarget, SavedLun>;

// --- keys ---------------------------------------------------------------------------------------

inline constexpr std::string_view system_key = "system";
inline constexpr std::string_view discovery_key = "discovery";  // its bindings
std::string account_key(std::string_view name);
std::string portals_key(std::string_view lld);
std::string target_key(int tid);
std::string lun_key(int tid, uint64_t lun);
// The keys of everything that goes with the object begin with this.
std::string below(std::string_view key);

// --- rows ---------------------------------------------------------------------------------------

struct StateRow {
    std::string key;
    std::string value;
    bool operator==(const StateRow&) const = default;
};

StateRow encode_row(const SavedObject& object);
// Whole or not at all: an unknown key, an unknown or missing member, a value of another type or
// range is an error, which says what is wrong. Any bytes may come.
Result<SavedObject> decode_row(const StateRow& row);

// A change of the saved state.
struct StateChange {
    enum class Kind : uint8_t { put, erase, erase_below } kind = Kind::put;
    StateRow row;  // erase*: only the key
};

}  // namespace tgt::mgmt
