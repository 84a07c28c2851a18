// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/library.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace tgt::tgt_admin {
namespace {

struct Count {
    std::string_view name;
    ElementKind kind;
};
constexpr std::array<Count, 4> counts{{{"arms", ElementKind::arm},
                                       {"slots", ElementKind::slot},
                                       {"ports", ElementKind::port},
                                       {"drives", ElementKind::drive}}};

// The pairs of one --params; of equal names the last counts.
class Wish {
  public:
    explicit Wish(const Pairs& pairs) : pairs_(pairs) {}

    std::optional<std::string> text(std::string_view name) const {
        for (auto it = pairs_.rbegin(); it != pairs_.rend(); ++it)
            if (it->first == name) return it->second;
        return std::nullopt;
    }
    std::optional<uint64_t> number(std::string_view name) const {
        const auto value = text(name);
        return value ? parse_number(*value) : std::nullopt;
    }
    std::optional<ElementKind> kind() const {
        const auto code = number("element_type");
        if (!code || *code < 1 || *code > counts.size()) return std::nullopt;
        return ElementKind(*code);
    }

  private:
    const Pairs& pairs_;
};

bool counts_fit(const LibraryState& library, const Wish& wish) {
    return std::all_of(counts.begin(), counts.end(), [&](const Count& count) {
        const auto wanted = wish.number(count.name);
        return !wanted || *wanted == library.count(count.kind);
    });
}

bool range_fits(const LibraryState& library, const Wish& wish) {
    const auto quantity = wish.number("quantity"), start = wish.number("start_address");
    const auto kind = wish.kind();
    if (!quantity || !kind) return !quantity && !start;
    // Where it begins, the personality says; who has added to it since, nobody knows.
    if (!start) return library.count(*kind) >= *quantity;
    const auto in_range = [&](const ElementState& element) {
        return element.kind == *kind && element.address >= *start &&
               element.address < *start + *quantity;
    };
    const auto there =
        size_t(std::count_if(library.elements.begin(), library.elements.end(), in_range));
    const bool removed = wish.number("remove").value_or(0) != 0;
    return there == (removed ? 0 : *quantity);
}

bool holds(const LibraryState& library, const std::string& barcode,
           const std::optional<std::string>& tag) {
    return std::any_of(
        library.elements.begin(), library.elements.end(), [&](const ElementState& element) {
            return element.barcode == barcode && (!tag || element.volume_tag == *tag);
        });
}

bool element_fits(const LibraryState& library, const Wish& wish) {
    const auto address = wish.number("address"), number = wish.number("number");
    if (!address && !number) return true;
    const auto kind = wish.kind();
    const ElementState* element = nullptr;
    if (address && *address <= UINT16_MAX) element = library.find(uint16_t(*address));
    if (number && kind) element = library.find(*kind, *number);
    if (!element) return false;
    const auto tid = wish.number("tid"), lun = wish.number("lun");
    if (tid || lun) return tid && lun && element->drive == ElementState::Place{int(*tid), *lun};
    // Wherever a host has moved it.
    const auto barcode = wish.text("barcode");
    return !barcode || holds(library, *barcode, wish.text("volume_tag"));
}

Pairs range(const ElementState& first, size_t quantity) {
    return {{"element_type", std::to_string(unsigned(first.kind))},
            {"start_address", std::to_string(first.address)},
            {"quantity", std::to_string(quantity)}};
}

}  // namespace

size_t LibraryState::count(ElementKind kind) const {
    return size_t(std::count_if(elements.begin(), elements.end(),
                                [&](const ElementState& element) { return element.kind == kind; }));
}

const ElementState* LibraryState::find(uint16_t address) const {
    for (const ElementState& element : elements)
        if (element.address == address) return &element;
    return nullptr;
}

const ElementState* LibraryState::find(ElementKind kind, uint64_t number) const {
    for (const ElementState& element : elements)
        if (element.kind == kind && --number == 0) return &element;
    return nullptr;
}

bool is_library_parameter(std::string_view name) {
    constexpr std::array<std::string_view, 18> names{
        "element_type", "start_address", "quantity", "address", "number",     "barcode",
        "volume_tag",   "sides",         "tid",      "lun",     "arms",       "slots",
        "ports",        "drives",        "dump",     "remove",  "clear_slot", "media_home"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool in_force(const LibraryState& library, const Pairs& pairs) {
    const Wish wish(pairs);
    if (wish.text("media_home").value_or(library.media_home) != library.media_home) return false;
    return counts_fit(library, wish) && range_fits(library, wish) && element_fits(library, wish);
}

std::vector<Pairs> layout_of(const LibraryState& library, int tid) {
    std::vector<Pairs> out;
    if (!library.media_home.empty()) out.push_back({{"media_home", library.media_home}});
    const auto& all = library.elements;
    for (size_t i = 0, end = 0; i < all.size(); i = end) {
        for (end = i + 1; end < all.size() && all[end].kind == all[i].kind &&
                          all[end].address == all[i].address + (end - i);)
            ++end;
        out.push_back(range(all[i], end - i));
    }
    for (const ElementState& element : all) {
        if (!element.drive) continue;
        const int place = element.drive->tid;
        out.push_back({{"element_type", std::to_string(unsigned(ElementKind::drive))},
                       {"address", std::to_string(element.address)},
                       {"tid", place == tid ? "${tid}" : std::to_string(place)},
                       {"lun", std::to_string(element.drive->lun)}});
    }
    return out;
}

}  // namespace tgt::tgt_admin
