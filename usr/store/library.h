// SPDX-License-Identifier: GPL-2.0-or-later
// The fourth seam to backing stores: what a media library holds, as one small file that is replaced
// as a whole. It knows elements and cartridges, and nothing of SCSI.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tgt::store {

// With the numbers of SMC-3 (element type code).
enum class ElementKind : uint8_t { transport = 1, storage = 2, import_export = 3, drive = 4 };
std::string_view element_word(
    ElementKind kind);  // "transport", "storage", "import/export", "drive"

// Where the logical unit is that a drive element stands for.
struct DrivePlace {
    int tid = 0;
    uint64_t lun = 0;
    bool operator==(const DrivePlace&) const = default;
};

struct Cartridge {
    std::string barcode;     // 1 to 32 characters; its file is media_home/barcode
    std::string volume_tag;  // what initiators read instead, at most 32; empty: the barcode
    uint8_t sides = 1;
    std::optional<uint16_t> source;  // the storage element that it was last moved from
    const std::string& tag() const { return volume_tag.empty() ? barcode : volume_tag; }
    bool operator==(const Cartridge&) const = default;
};

struct Element {
    ElementKind kind = ElementKind::storage;
    std::optional<Cartridge> cartridge;
    std::optional<DrivePlace> drive;
    bool by_operator = false;  // import/export: an operator has put the cartridge there
    bool operator==(const Element&) const = default;
};

// Plain data.
struct Inventory {
    std::string media_home;  // the folder of the cartridges' files
    std::map<uint16_t, Element> elements;
    bool operator==(const Inventory&) const = default;
};

constexpr size_t max_barcode = 32;
// What a barcode must be, or nothing when it is that: it is a file name, and goes on the wire.
std::string_view barcode_fault(std::string_view barcode);

// The file's text and back (doc: usr/store/smc). Errors say what is wrong in it, and where.
std::string inventory_text(const Inventory& inventory);
Result<Inventory> parse_inventory(std::string_view text);

// An open library. Owned by its Store. One thread at a time (the strand of its changer).
class Library {
  public:
    virtual ~Library() = default;
    // As it was when the store was opened.
    virtual const Inventory& opened() const = 0;
    // It is on the medium, whole, when this succeeds; else what was there is still there. Blocking.
    virtual Result<void> save(const Inventory& inventory) = 0;
};

}  // namespace tgt::store
