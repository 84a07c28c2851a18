// SPDX-License-Identifier: GPL-2.0-or-later
// The inventory of a library as JSON text.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "store/library.h"

namespace tgt::store {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* format_name = "tgt changer 1";
constexpr ElementKind kinds[] = {ElementKind::transport, ElementKind::storage,
                                 ElementKind::import_export, ElementKind::drive};

tl::unexpected<Error> wrong(std::string text) {
    return fail(EBADMSG, std::move(text));
}

// Runs of elements of one kind with addresses that follow each other.
Json ranges_of(const Inventory& inventory) {
    Json out = Json::array();
    uint32_t next = UINT32_MAX;
    for (const auto& [address, element] : inventory.elements) {
        const std::string_view kind = element_word(element.kind);
        if (address == next && out.back()["kind"] == kind)
            out.back()["count"] = out.back()["count"].get<unsigned>() + 1;
        else
            out.push_back({{"kind", kind}, {"start", address}, {"count", 1}});
        next = uint32_t(address) + 1;
    }
    return out;
}

Json cartridge_json(uint16_t address, const Element& element) {
    const Cartridge& cartridge = *element.cartridge;
    Json out{{"address", address}, {"barcode", cartridge.barcode}};
    if (!cartridge.volume_tag.empty()) out["volume_tag"] = cartridge.volume_tag;
    if (cartridge.sides != 1) out["sides"] = cartridge.sides;
    if (cartridge.source) out["source"] = *cartridge.source;
    if (element.by_operator) out["by_operator"] = true;
    return out;
}

// --- back -------------------------------------------------------------------------------------

// A whole number of an object, up to `max`; the error names it.
Result<uint64_t> number_at(const Json& object, const char* name, uint64_t max) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned() || found->get<uint64_t>() > max)
        return wrong(fmt::format("'{}' must be a number from 0 to {}", name, max));
    return found->get<uint64_t>();
}

Result<std::string> text_at(const Json& object, const char* name, bool required) {
    const auto found = object.find(name);
    if (found == object.end() && !required) return std::string();
    if (found == object.end() || !found->is_string())
        return wrong(fmt::format("'{}' must be a text", name));
    return found->get<std::string>();
}

Result<void> add_range(Inventory& inventory, const Json& range) {
    if (!range.is_object()) return wrong("an entry of 'elements' must be an object");
    const auto word = text_at(range, "kind", true);
    if (!word) return tl::unexpected(word.error());
    const auto kind = std::find_if(std::begin(kinds), std::end(kinds),
                                   [&](ElementKind k) { return element_word(k) == *word; });
    if (kind == std::end(kinds)) return wrong(fmt::format("'{}' is no kind of element", *word));
    const auto start = number_at(range, "start", UINT16_MAX);
    if (!start) return tl::unexpected(start.error());
    const auto count = number_at(range, "count", UINT16_MAX + 1 - *start);
    if (!count) return tl::unexpected(count.error());
    for (uint64_t address = *start; address < *start + *count; ++address) {
        Element element;
        element.kind = *kind;
        if (!inventory.elements.emplace(uint16_t(address), std::move(element)).second)
            return wrong(fmt::format("element {} is there twice", address));
    }
    return {};
}

Result<Element*> element_at(Inventory& inventory, const Json& object) {
    if (!object.is_object()) return wrong("an entry must be an object");
    const auto address = number_at(object, "address", UINT16_MAX);
    if (!address) return tl::unexpected(address.error());
    const auto found = inventory.elements.find(uint16_t(*address));
    if (found == inventory.elements.end())
        return wrong(fmt::format("there is no element {}", *address));
    return &found->second;
}

Result<void> add_drive(Inventory& inventory, const Json& object) {
    const auto element = element_at(inventory, object);
    if (!element) return tl::unexpected(element.error());
    if ((*element)->kind != ElementKind::drive) return wrong("'drives' names another element");
    const auto tid = number_at(object, "tid", INT32_MAX);
    if (!tid) return tl::unexpected(tid.error());
    const auto lun = number_at(object, "lun", UINT16_MAX);
    if (!lun) return tl::unexpected(lun.error());
    (*element)->drive = DrivePlace{int(*tid), *lun};
    return {};
}

Result<Cartridge> read_cartridge(const Json& object) {
    Cartridge out;
    auto barcode = text_at(object, "barcode", true);
    if (!barcode) return tl::unexpected(barcode.error());
    if (const auto fault = barcode_fault(*barcode); !fault.empty())
        return wrong(fmt::format("a barcode must be {}", fault));
    auto tag = text_at(object, "volume_tag", false);
    if (!tag) return tl::unexpected(tag.error());
    if (tag->size() > max_barcode) return wrong("a volume tag has at most 32 characters");
    out.barcode = std::move(*barcode);
    out.volume_tag = std::move(*tag);
    if (object.contains("sides")) {
        const auto sides = number_at(object, "sides", 2);
        if (!sides) return tl::unexpected(sides.error());
        out.sides = uint8_t(*sides);
    }
    if (object.contains("source")) {
        const auto source = number_at(object, "source", UINT16_MAX);
        if (!source) return tl::unexpected(source.error());
        out.source = uint16_t(*source);
    }
    return out;
}

Result<void> add_cartridge(Inventory& inventory, const Json& object) {
    const auto element = element_at(inventory, object);
    if (!element) return tl::unexpected(element.error());
    if ((*element)->cartridge) return wrong("two cartridges are in one element");
    auto cartridge = read_cartridge(object);
    if (!cartridge) return tl::unexpected(cartridge.error());
    (*element)->cartridge = std::move(*cartridge);
    const auto by_operator = object.find("by_operator");
    (*element)->by_operator =
        by_operator != object.end() && by_operator->is_boolean() && by_operator->get<bool>();
    return {};
}

using Add = Result<void> (*)(Inventory&, const Json&);
Result<void> add_all(Inventory& inventory, const Json& whole, const char* name, Add add) {
    const auto list = whole.find(name);
    if (list == whole.end()) return {};
    if (!list->is_array()) return wrong(fmt::format("'{}' must be a list", name));
    for (const Json& one : *list)
        if (auto added = add(inventory, one); !added)
            return wrong(fmt::format("{}: {}", name, added.error().text));
    return {};
}

Result<void> check_barcodes(const Inventory& inventory) {
    std::set<std::string_view> seen;
    for (const auto& [address, element] : inventory.elements)
        if (element.cartridge && !seen.insert(element.cartridge->barcode).second)
            return wrong(
                fmt::format("the cartridge {} is in two elements", element.cartridge->barcode));
    return {};
}

}  // namespace

std::string_view element_word(ElementKind kind) {
    constexpr std::string_view words[] = {"?", "transport", "storage", "import/export", "drive"};
    return words[size_t(kind)];
}

std::string_view barcode_fault(std::string_view barcode) {
    const bool clean = std::all_of(barcode.begin(), barcode.end(),
                                   [](char c) { return c > 0x20 && c < 0x7f && c != '/'; });
    if (barcode.empty() || barcode.size() > max_barcode || !clean || barcode[0] == '.')
        return "1 to 32 printable characters without blanks and '/', the first no '.': it is the "
               "name of the cartridge's file";
    return {};
}

std::string inventory_text(const Inventory& inventory) {
    Json drives = Json::array(), cartridges = Json::array();
    for (const auto& [address, element] : inventory.elements) {
        if (element.drive)
            drives.push_back(
                {{"address", address}, {"tid", element.drive->tid}, {"lun", element.drive->lun}});
        if (element.cartridge) cartridges.push_back(cartridge_json(address, element));
    }
    const Json whole{{"format", format_name},
                     {"media_home", inventory.media_home},
                     {"elements", ranges_of(inventory)},
                     {"drives", drives},
                     {"cartridges", cartridges}};
    return whole.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Inventory> parse_inventory(std::string_view text) {
    const Json whole = Json::parse(text, nullptr, false);
    if (!whole.is_object()) return wrong("it is no JSON object");
    const auto format = text_at(whole, "format", true);
    if (!format || *format != format_name)
        return wrong(fmt::format("its format is not '{}'", format_name));
    Inventory inventory;
    auto home = text_at(whole, "media_home", false);
    if (!home) return tl::unexpected(home.error());
    inventory.media_home = std::move(*home);
    struct List {
        const char* name;
        Add add;
    };
    constexpr List lists[] = {
        {"elements", add_range}, {"drives", add_drive}, {"cartridges", add_cartridge}};
    for (const List& list : lists)
        if (auto added = add_all(inventory, whole, list.name, list.add); !added)
            return tl::unexpected(added.error());
    if (auto checked = check_barcodes(inventory); !checked) return tl::unexpected(checked.error());
    return inventory;
}

}  // namespace tgt::store
