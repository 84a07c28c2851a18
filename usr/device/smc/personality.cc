// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/personality.h"

#include <algorithm>
#include <array>
#include <string>

namespace tgt::smc {

namespace {

using store::ElementKind;

// The element addresses are those that the libraries have when they are delivered.
constexpr std::array<Personality, 9> table{{
    {"generic", "IET", "VIRTUAL-CHANGER", "0001", 1, 1024, 768, 256},
    {"stk-l700", "STK", "L700", "0305", 1, 1000, 10, 500},
    {"stk-sl150", "STK", "SL150", "0182", 0, 1000, 10, 500},
    {"ibm-3584", "IBM", "03584L32", "C240", 1, 1025, 769, 257},
    {"ibm-3573", "IBM", "3573-TL", "C.20", 1, 4096, 16, 256},
    {"hp-msl", "HP", "MSL G3 Series", "9.30", 1, 1000, 101, 2},
    {"spectra-python", "SPECTRA", "PYTHON", "2000", 1, 4096, 16, 256},
    {"adic-i500", "ADIC", "Scalar i500", "607G", 1, 4096, 16, 256},
    {"quantum-i40", "QUANTUM", "Scalar i40-i80", "140G", 1, 4096, 16, 256},
}};

const Personality* find(std::string_view name) {
    const auto it = std::find_if(table.begin(), table.end(),
                                 [&](const Personality& row) { return row.name == name; });
    return it == table.end() ? nullptr : &*it;
}

std::string names() {
    std::string out;
    for (const Personality& row : table) {
        if (!out.empty()) out += ", ";
        out += row.name;
    }
    return out;
}

}  // namespace

uint16_t Personality::first(ElementKind kind) const {
    const uint16_t addresses[] = {0, transports, slots, ports, drives};
    return addresses[size_t(kind)];
}

std::span<const Personality> personalities() {
    return table;
}

const Personality& personality_of(const scsi::LunState& state) {
    const Personality* found = find(state.personality);
    return found ? *found : table[0];
}

Result<void> set_personality(scsi::LunState& state, std::string_view name) {
    const Personality* found = name.empty() ? &table[0] : find(name);
    if (!found) return fail(EINVAL, "one of " + names());
    state.personality = name;
    state.identity.vendor = found->vendor;
    state.identity.product = found->product;
    state.identity.revision = found->revision;
    return {};
}

}  // namespace tgt::smc
