// SPDX-License-Identifier: GPL-2.0-or-later
// What a changer's library holds, as far as tgt-admin needs it, and how a file's wishes compare
// with it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tgt-admin/command.h"

namespace tgt::tgt_admin {

// Element type codes of SMC-3, as tgtadm has them.
enum class ElementKind : uint8_t { arm = 1, slot = 2, port = 3, drive = 4 };

struct ElementState {
    uint16_t address = 0;
    ElementKind kind = ElementKind::slot;
    std::string barcode;     // empty: no cartridge
    std::string volume_tag;  // empty: the barcode
    struct Place {
        int tid = 0;
        uint64_t lun = 0;
        bool operator==(const Place&) const = default;
    };
    std::optional<Place> drive;  // the logical unit that it stands for
};

struct LibraryState {
    std::string media_home;
    std::vector<ElementState> elements;  // in order of address

    size_t count(ElementKind kind) const;
    const ElementState* find(uint16_t address) const;
    // Counted from 1.
    const ElementState* find(ElementKind kind, uint64_t number) const;
};

// A parameter of changers alone, which adds to what the library has.
bool is_library_parameter(std::string_view name);
// Whether nothing would change if these pairs, of one --params, were sent. What is done only once
// (clear_slot) counts as done.
bool in_force(const LibraryState& library, const Pairs& pairs);

// Parameters that make a changer with nothing in it such a library. Cartridges are not among them:
// the changer's file has them. `tid`: of the changer's target.
std::vector<Pairs> layout_of(const LibraryState& library, int tid);

}  // namespace tgt::tgt_admin
