// SPDX-License-Identifier: GPL-2.0-or-later
// What an administrator changes of a library: tgt's parameters. All pairs of one request are one
// wish. Saying again what is so already changes nothing, since configurations are applied anew to a
// library that remembers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/log.h"
#include "device/smc/model.h"
#include "device/smc/personality.h"
#include "scsi/unit_attention.h"

namespace tgt::smc {

namespace {

using store::Cartridge;
using store::Element;
using store::ElementKind;
using store::Inventory;

constexpr auto module = log::Module::scsi;
constexpr scsi::UnitAttention import_export_accessed{0x28, 0x01};
constexpr size_t max_media_home = 4000;

constexpr std::array<std::string_view, 18> names{
    "element_type", "start_address", "quantity",   "address", "number", "barcode",
    "volume_tag",   "sides",         "tid",        "lun",     "arms",   "slots",
    "ports",        "drives",        "clear_slot", "dump",    "remove", "media_home"};

// How many elements of a kind there are to be.
struct Count {
    std::string_view name;
    ElementKind kind;
};
constexpr std::array<Count, 4> counts{{{"arms", ElementKind::transport},
                                       {"slots", ElementKind::storage},
                                       {"ports", ElementKind::import_export},
                                       {"drives", ElementKind::drive}}};

// The pairs of a request.
struct Wish {
    std::optional<ElementKind> kind;
    std::optional<uint16_t> start, address, quantity, number;
    std::map<ElementKind, std::optional<uint16_t>> counts;
    std::optional<std::string> barcode, volume_tag, media_home;
    std::optional<uint8_t> sides;
    std::optional<int> tid;
    std::optional<uint64_t> lun;
    bool clear = false, dump = false, remove = false;
};

tl::unexpected<Error> refuse(std::string text) {
    return fail(EINVAL, std::move(text));
}

std::optional<uint64_t> number(std::string_view text) {
    uint64_t value = 0;
    const bool hex = text.substr(0, 2) == "0x";
    if (hex) text.remove_prefix(2);
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <class T>
Result<void> put_number(std::optional<T>& to, std::string_view name, std::string_view text,
                        uint64_t min, uint64_t max) {
    const auto value = number(text);
    if (!value || *value < min || *value > max)
        return refuse(fmt::format("{}={} is refused: the value must be a number from {} to {}",
                                  name, text, min, max));
    to = T(*value);
    return {};
}

Result<void> put_kind(Wish& wish, std::string_view text) {
    std::optional<uint8_t> code;
    if (auto put = put_number(code, "element_type", text, 1, 4); !put)
        return refuse(
            fmt::format("element_type={} is refused: 1 is an arm, 2 a slot, 3 an "
                        "import/export element, 4 a drive",
                        text));
    wish.kind = ElementKind(*code);
    return {};
}

Result<void> put(Wish& wish, const std::string& name, const std::string& value) {
    if (name == "element_type") return put_kind(wish, value);
    if (name == "start_address") return put_number(wish.start, name, value, 0, UINT16_MAX);
    if (name == "address") return put_number(wish.address, name, value, 0, UINT16_MAX);
    if (name == "quantity") return put_number(wish.quantity, name, value, 1, UINT16_MAX);
    if (name == "number") return put_number(wish.number, name, value, 1, UINT16_MAX);
    for (const Count& count : counts)
        if (name == count.name)
            return put_number(wish.counts[count.kind], name, value, 0, UINT16_MAX);
    if (name == "sides") return put_number(wish.sides, name, value, 1, 2);
    if (name == "tid") return put_number(wish.tid, name, value, 1, INT32_MAX);
    if (name == "lun") return put_number(wish.lun, name, value, 0, UINT16_MAX);
    if (name == "barcode") wish.barcode = value;
    if (name == "volume_tag") wish.volume_tag = value;
    if (name == "media_home") wish.media_home = value;
    const bool yes = number(value).value_or(0) != 0;
    if (name == "clear_slot") wish.clear = yes;
    if (name == "dump") wish.dump = yes;
    if (name == "remove") wish.remove = yes;
    return {};
}

Result<Wish> parse(const scsi::ModelUpdate& change) {
    Wish wish;
    for (const auto& [name, value] : change.values)
        if (auto done = put(wish, name, value); !done) return tl::unexpected(done.error());
    return wish;
}

// --- what becomes of it -------------------------------------------------------------------------

Result<void> set_home(Inventory& next, const std::string& folder) {
    const bool clean = std::none_of(folder.begin(), folder.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (folder.empty() || folder[0] != '/' || folder.size() > max_media_home || !clean)
        return refuse("media_home must be the absolute path of the cartridges' folder");
    next.media_home = folder;
    return {};
}

Result<void> remove_range(Inventory& next, uint16_t start, uint16_t quantity) {
    for (uint32_t address = start; address < uint32_t(start) + quantity; ++address) {
        const auto found = next.elements.find(uint16_t(address));
        if (found == next.elements.end())
            return refuse(fmt::format("there is no element {}", address));
        if (found->second.cartridge)
            return refuse(fmt::format("element {} holds the cartridge {}", address,
                                      found->second.cartridge->barcode));
        next.elements.erase(found);
    }
    return {};
}

Result<void> add_range(Inventory& next, ElementKind kind, uint16_t start, uint16_t quantity) {
    if (uint32_t(start) + quantity > UINT16_MAX + 1u)
        return refuse(
            fmt::format("{} elements from {} go beyond address {}", quantity, start, UINT16_MAX));
    size_t there = 0;
    for (uint32_t address = start; address < uint32_t(start) + quantity; ++address) {
        Element element;
        element.kind = kind;
        const auto [found, added] = next.elements.emplace(uint16_t(address), std::move(element));
        if (added) continue;
        ++there;
        if (found->second.kind != kind)
            return refuse(fmt::format("element {} is there already, as a {}", address,
                                      store::element_word(found->second.kind)));
    }
    if (there != 0 && there != quantity)
        return refuse(
            fmt::format("{} of the {} elements from {} are there already", there, quantity, start));
    return {};
}

Result<void> change_range(Inventory& next, const Wish& wish, const scsi::ModelUpdate& change) {
    if (!wish.kind || !wish.quantity)
        return refuse(
            "a range of elements needs element_type, "
            "start_address and quantity");
    const uint16_t start = wish.start.value_or(personality_of(*change.state).first(*wish.kind));
    if (wish.remove) return remove_range(next, start, *wish.quantity);
    return add_range(next, *wish.kind, start, *wish.quantity);
}

// The addresses of one kind, in order.
std::vector<uint16_t> addresses_of(const Inventory& inventory, ElementKind kind) {
    std::vector<uint16_t> out;
    for (const auto& [address, element] : inventory.elements)
        if (element.kind == kind) out.push_back(address);
    return out;
}

// New ones come behind the last, and the last go first; those that stay keep their addresses.
Result<void> set_count(Inventory& next, ElementKind kind, uint16_t count, uint16_t first) {
    const std::vector<uint16_t> there = addresses_of(next, kind);
    for (size_t i = there.size(); i > count; --i)
        if (auto removed = remove_range(next, there[i - 1], 1); !removed) return removed;
    if (there.size() >= count) return {};
    const uint32_t start = there.empty() ? first : there.back() + 1u;
    const size_t missing = count - there.size();
    if (start + missing > UINT16_MAX + 1u)
        return refuse(
            fmt::format("{} elements from {} go beyond address {}", missing, start, UINT16_MAX));
    return add_range(next, kind, uint16_t(start), uint16_t(missing));
}

Result<void> set_counts(Inventory& next, const Wish& wish, const Personality& personality) {
    for (const auto& [kind, count] : wish.counts)
        if (auto set = set_count(next, kind, *count, personality.first(kind)); !set) return set;
    return {};
}

// `number` of `element_type`, counted from 1, is one way to say `address`.
Result<void> find_address(const Inventory& inventory, Wish& wish) {
    if (!wish.number) return {};
    if (!wish.kind || wish.address)
        return refuse("number counts the elements of one element_type, and stands for address");
    const std::vector<uint16_t> there = addresses_of(inventory, *wish.kind);
    if (*wish.number > there.size())
        return refuse(fmt::format("number={} is refused: the library has {} {} elements",
                                  *wish.number, there.size(), store::element_word(*wish.kind)));
    wish.address = there[*wish.number - 1u];
    return {};
}

Result<Element*> element_of(Inventory& next, const Wish& wish) {
    const auto found = next.elements.find(*wish.address);
    if (found == next.elements.end())
        return refuse(fmt::format("the library has no element {}", *wish.address));
    if (wish.kind && found->second.kind != *wish.kind)
        return refuse(fmt::format("element {} is a {}", *wish.address,
                                  store::element_word(found->second.kind)));
    return &found->second;
}

// A logical unit is one drive: the element that stood for it until now stands for none.
void release(Inventory& next, const store::DrivePlace& place, const Element& except,
             std::vector<std::string>& warnings) {
    for (auto& [address, element] : next.elements) {
        if (&element == &except || element.drive != place) continue;
        element.drive.reset();
        warnings.push_back(fmt::format("LUN {} of target {} is no longer the drive at {}",
                                       place.lun, place.tid, address));
    }
}

Result<void> bind(Inventory& next, Element& element, const Wish& wish,
                  const scsi::ModelUpdate& change, std::vector<std::string>& warnings) {
    if (element.kind != ElementKind::drive)
        return refuse(fmt::format("element {} is no drive", *wish.address));
    if (!wish.tid || !wish.lun) return refuse("a drive needs both tid and lun");
    if (!change.unit)
        warnings.push_back(
            fmt::format("target {} has no LUN {} yet; it is the drive at {} as soon "
                        "as it is there",
                        *wish.tid, *wish.lun, *wish.address));
    else if (!change.unit->model() || !change.unit->model()->medium_port())
        return refuse(fmt::format("LUN {} of target {} is a {}: a changer cannot load it",
                                  *wish.lun, *wish.tid, change.unit->type().name));
    element.drive = store::DrivePlace{*wish.tid, *wish.lun};
    release(next, *element.drive, element, warnings);
    return {};
}

// A cartridge that the host has moved elsewhere stays there.
Result<void> fill(Inventory& next, Element& element, const Wish& wish,
                  std::vector<std::string>& warnings) {
    if (element.kind != ElementKind::storage && element.kind != ElementKind::import_export)
        return refuse(
            fmt::format("element {} is a {}: cartridges come into slots and "
                        "import/export elements",
                        *wish.address, store::element_word(element.kind)));
    if (const auto fault = store::barcode_fault(*wish.barcode); !fault.empty())
        return refuse(fmt::format("barcode={} is refused: it must be {}", *wish.barcode, fault));
    if (wish.volume_tag && wish.volume_tag->size() > store::max_barcode)
        return refuse("a volume tag has at most 32 characters");
    Cartridge cartridge;
    cartridge.barcode = *wish.barcode;
    cartridge.volume_tag = wish.volume_tag.value_or("");
    cartridge.sides = wish.sides.value_or(1);
    for (auto& [address, other] : next.elements) {
        if (!other.cartridge || other.cartridge->barcode != cartridge.barcode) continue;
        cartridge.source = other.cartridge->source;
        other.cartridge = cartridge;
        if (address != *wish.address)
            warnings.push_back(
                fmt::format("the cartridge {} is in the {} element {} and stays there",
                            cartridge.barcode, store::element_word(other.kind), address));
        return {};
    }
    if (element.cartridge)
        warnings.push_back(fmt::format("the cartridge {} has made room for {} in element {}",
                                       element.cartridge->barcode, cartridge.barcode,
                                       *wish.address));
    element.cartridge = std::move(cartridge);
    element.by_operator = element.kind == ElementKind::import_export;
    return {};
}

Result<void> clear(Element& element, const Wish& wish) {
    if (element.kind == ElementKind::drive && element.cartridge)
        return refuse(fmt::format("the cartridge {} is in a drive; a host has to move it first",
                                  element.cartridge->barcode));
    (void)wish;
    element.cartridge.reset();
    element.by_operator = false;
    return {};
}

Result<void> change_element(Inventory& next, const Wish& wish, const scsi::ModelUpdate& change,
                            std::vector<std::string>& warnings) {
    const auto element = element_of(next, wish);
    if (!element) return tl::unexpected(element.error());
    if (wish.tid || wish.lun) return bind(next, **element, wish, change, warnings);
    if (wish.clear) return clear(**element, wish);
    if (wish.barcode) return fill(next, **element, wish, warnings);
    return refuse("an address needs a barcode, clear_slot=1, or tid and lun");
}

// `wish` knows its address afterwards.
Result<Inventory> changed(const Inventory& now, Wish& wish, const scsi::ModelUpdate& change,
                          std::vector<std::string>& warnings) {
    Inventory next = now;
    Result<void> done;
    if (wish.media_home) done = set_home(next, *wish.media_home);
    if (done) done = set_counts(next, wish, personality_of(*change.state));
    if (done && (wish.start || wish.quantity)) done = change_range(next, wish, change);
    if (done) done = find_address(next, wish);
    if (done && wish.address) done = change_element(next, wish, change, warnings);
    const bool alone = wish.barcode || wish.clear || wish.tid || wish.lun;
    if (done && alone && !wish.address) done = refuse("the address of an element is missing");
    if (!done) return tl::unexpected(done.error());
    return next;
}

bool same_layout(const Inventory& a, const Inventory& b) {
    return a.elements.size() == b.elements.size() &&
           std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(),
                      [](const auto& x, const auto& y) {
                          return x.first == y.first && x.second.kind == y.second.kind;
                      });
}

// An import/export element is not what it was: an operator was there.
bool door_used(const Inventory& a, const Inventory& b) {
    return std::any_of(b.elements.begin(), b.elements.end(), [&](const auto& entry) {
        const auto old = a.elements.find(entry.first);
        return entry.second.kind == ElementKind::import_export && old != a.elements.end() &&
               !(old->second == entry.second);
    });
}

bool cartridges_changed(const Inventory& a, const Inventory& b) {
    return std::any_of(b.elements.begin(), b.elements.end(), [&](const auto& entry) {
        const auto old = a.elements.find(entry.first);
        return old != a.elements.end() && old->second.cartridge != entry.second.cartridge &&
               entry.second.kind != ElementKind::import_export;
    });
}

}  // namespace

bool Changer::takes(std::string_view name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// What initiators are told: SMC-3 4.8, SPC-5 5.14.
Result<void> Changer::update(const scsi::ModelUpdate& change, std::vector<std::string>& warnings) {
    auto wish = parse(change);
    if (!wish) return tl::unexpected(wish.error());
    auto next = changed(inventory_, *wish, change, warnings);
    if (!next) return tl::unexpected(next.error());
    if (door_used(inventory_, *next) && unit_->preventers() > 0)
        return fail(EBUSY, "an initiator prevents access to the import/export elements");
    const bool layout = !same_layout(inventory_, *next);
    const bool door = door_used(inventory_, *next);
    const bool cartridges = cartridges_changed(inventory_, *next);
    if (auto kept = commit(std::move(*next)); !kept) return kept;
    forget_drives();
    if (layout) tell(scsi::ua::mode_parameters_changed);
    if (door) tell(import_export_accessed);
    if (layout || cartridges) tell(scsi::ua::medium_may_have_changed);
    if (wish->dump) log::info(module, "{}: {}", unit_->path(), shown());
    return {};
}

}  // namespace tgt::smc
