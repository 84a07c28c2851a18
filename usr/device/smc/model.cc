// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/model.h"

#include <algorithm>

#include "base/log.h"
#include "device/smc/sense_codes.h"
#include "device/smc/state.h"
#include "scsi/unit_attention.h"

namespace tgt::smc {

namespace {

using scsi::Outcome;
using scsi::Sense;
using scsi::Status;
using store::Cartridge;
using store::ElementKind;
using store::Inventory;

constexpr auto module = log::Module::scsi;
constexpr scsi::UnitAttention import_export_accessed{0x28, 0x01};

// Where it goes, the cartridge of `from` is.
void move_cartridge(Inventory& inventory, uint16_t from, uint16_t to) {
    store::Element& source = inventory.elements.at(from);
    store::Element& destination = inventory.elements.at(to);
    if (source.kind == ElementKind::storage) source.cartridge->source = from;
    destination.cartridge = std::exchange(source.cartridge, std::nullopt);
    source.by_operator = destination.by_operator = false;
}

}  // namespace

Changer::Changer(std::unique_ptr<store::Store> store)
    : store_(std::move(store)), library_(store_ ? store_->library() : nullptr) {
    if (library_) inventory_ = library_->opened();
    publish();
}

void Changer::attach(scsi::LogicalUnit& unit) {
    unit_ = &unit;
    scsi::MediumStatus status;
    status.present = true;
    unit.publish_medium(std::move(status));
}

// What is open for an operator stays so; a search is forgotten.
void Changer::reset() {
    search.reset();
}

void Changer::adjust(scsi::LunState& state) const {
    const auto inventory = std::atomic_load_explicit(&published_, std::memory_order_acquire);
    put_element_pages(state, *inventory);
}

void Changer::publish() {
    std::atomic_store_explicit(&published_, std::make_shared<const Inventory>(inventory_),
                               std::memory_order_release);
}

void Changer::tell(scsi::UnitAttention attention, const std::optional<scsi::NexusId>& except) {
    unit_->attention_board().post(attention, except);
}

Result<void> Changer::commit(Inventory next) {
    if (next == inventory_) return {};
    if (library_)
        if (auto saved = library_->save(next); !saved) return saved;
    inventory_ = std::move(next);
    publish();
    return {};
}

// What a drive has done stays done; then the file is behind until it can be written again.
Outcome Changer::commit_moved(Inventory next, bool drives_moved) {
    Inventory copy = drives_moved ? next : Inventory();
    const auto kept = commit(std::move(next));
    if (kept) return Status::good;
    log::error(module, "{}: the inventory cannot be kept: {}", unit_->path(), kept.error().text);
    if (!drives_moved) return scsi::sense::internal_target_failure();
    inventory_ = std::move(copy);
    publish();
    return Status::good;
}

// --- drives -----------------------------------------------------------------------------------

std::shared_ptr<scsi::LogicalUnit> Changer::drive_at(uint16_t address) const {
    const auto found = drives_.find(address);
    return found == drives_.end() ? nullptr : found->second.unit.lock();
}

const scsi::LunIdentity* Changer::identity_at(uint16_t address) const {
    const auto found = drives_.find(address);
    if (found == drives_.end() || found->second.unit.expired()) return nullptr;
    return &found->second.identity;
}

void Changer::lun_came(int tid, uint64_t lun, const std::shared_ptr<scsi::LogicalUnit>& unit) {
    if (unit.get() == unit_ || !unit->model() || !unit->model()->medium_port()) return;
    const auto inventory = std::atomic_load_explicit(&published_, std::memory_order_acquire);
    const store::DrivePlace place{tid, lun};
    for (const auto& [address, element] : inventory->elements) {
        if (element.drive != place) continue;
        BoundDrive drive{unit, unit->state()->identity, place};
        unit_->on_strand([this, address = address, drive] { bind_drive(address, drive); });
    }
}

// The cartridge that was in the drive when the daemon stopped, or the drive went, is in it again.
void Changer::bind_drive(uint16_t address, BoundDrive drive) {
    const auto element = inventory_.elements.find(address);
    if (element == inventory_.elements.end() || element->second.drive != drive.place) return;
    const auto unit = drive.unit.lock();
    const bool known = unit && drive_at(address) == unit;
    drives_[address] = std::move(drive);
    if (!unit || known || !element->second.cartridge || has_other_medium(*unit)) return;
    if (medium_path(*unit) == path_of(*element->second.cartridge)) return;
    if (put_in(address, *element->second.cartridge))
        log::warn(module, "{}: the cartridge {} is in the drive at {}, and cannot be loaded there",
                  unit_->path(), element->second.cartridge->barcode, address);
}

// A cartridge of the library does not stay behind in a drive that is no longer its.
void Changer::forget_drives() {
    for (auto it = drives_.begin(); it != drives_.end();) {
        const auto element = inventory_.elements.find(it->first);
        if (element != inventory_.elements.end() && element->second.drive == it->second.place) {
            ++it;
            continue;
        }
        const auto unit = it->second.unit.lock();
        if (unit && has_medium(*unit) && !has_other_medium(*unit) && unload_drive(*unit))
            log::warn(module, "{}: the drive that was at {} keeps its cartridge, {}", unit_->path(),
                      it->first, medium_path(*unit));
        it = drives_.erase(it);
    }
}

std::string Changer::path_of(const Cartridge& cartridge) const {
    if (inventory_.media_home.empty()) return cartridge.barcode;
    return inventory_.media_home + "/" + cartridge.barcode;
}

// --- moves ------------------------------------------------------------------------------------

std::optional<Sense> Changer::check_transport(uint16_t address) const {
    if (address == 0) return std::nullopt;  // SMC-3 6.6: the default one
    const auto found = inventory_.elements.find(address);
    if (found != inventory_.elements.end() && found->second.kind == ElementKind::transport)
        return std::nullopt;
    return code::invalid_element();
}

// Somewhere a cartridge can be; an arm has one only while it moves.
std::optional<Sense> Changer::check_place(uint16_t address) const {
    const auto found = inventory_.elements.find(address);
    if (found == inventory_.elements.end() || found->second.kind == ElementKind::transport)
        return code::invalid_element();
    if (is_open(address)) return code::not_accessible();
    return std::nullopt;
}

std::optional<Sense> Changer::check_source(uint16_t address) const {
    if (auto bad = check_place(address)) return bad;
    if (!inventory_.elements.at(address).cartridge) return code::source_empty();
    return std::nullopt;
}

std::optional<Sense> Changer::check_destination(uint16_t address) const {
    if (auto bad = check_place(address)) return bad;
    const store::Element& element = inventory_.elements.at(address);
    if (element.cartridge) return code::destination_full();
    if (element.kind != ElementKind::drive) return std::nullopt;
    const auto drive = drive_at(address);
    if (!drive) return code::no_drive();
    if (has_other_medium(*drive)) return code::destination_full();
    return std::nullopt;
}

// From a drive that is there; one that has gone holds nothing back.
std::optional<Sense> Changer::take_out(uint16_t address) {
    const auto drive = drive_at(address);
    return drive ? unload_drive(*drive) : std::nullopt;
}

std::optional<Sense> Changer::put_in(uint16_t address, const Cartridge& cartridge) {
    if (inventory_.elements.at(address).kind != ElementKind::drive) return std::nullopt;
    const auto drive = drive_at(address);
    if (!drive) return code::no_drive();
    const std::string path = path_of(cartridge);
    if (auto failed = make_room(address, path)) return failed;
    return load_drive(*drive, path);
}

// tgt's users make drives with a cartridge of the library, or a dummy beside them, and then tell
// the changer that it is in a slot: the library is right.
std::optional<Sense> Changer::make_room(uint16_t address, const std::string& path) {
    for (const auto& [other, bound] : drives_) {
        const auto drive = bound.unit.lock();
        if (!drive) continue;
        const std::string has = medium_path(*drive);
        const bool in_the_way = other == address && !has.empty();
        const bool same = has == path;
        if (in_the_way || same)
            if (auto failed = unload_drive(*drive)) return failed;
    }
    return std::nullopt;
}

bool Changer::has_other_medium(const scsi::LogicalUnit& drive) const {
    if (!has_medium(drive)) return false;
    const std::string path = medium_path(drive);
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    return inventory_.media_home.empty() || folder != inventory_.media_home + "/";
}

Outcome Changer::move(const Move& move) {
    if (auto bad = check_transport(move.transport)) return *bad;
    if (auto bad = check_source(move.from)) return *bad;
    if (move.from == move.to) return Status::good;
    if (auto bad = check_destination(move.to)) return *bad;
    const Cartridge cartridge = *inventory_.elements.at(move.from).cartridge;
    if (auto failed = take_out(move.from)) return *failed;
    if (auto failed = put_in(move.to, cartridge)) {
        (void)put_in(move.from, cartridge);  // back where it was
        return *failed;
    }
    Inventory next = inventory_;
    move_cartridge(next, move.from, move.to);
    return commit_moved(std::move(next), drive_at(move.from) || drive_at(move.to));
}

// SMC-3 6.2: what is in `first` goes to `second`, and what is in `source` to `first`; `second` may
// be `source`.
Outcome Changer::exchange(uint16_t transport, uint16_t source, uint16_t first, uint16_t second) {
    if (auto bad = check_transport(transport)) return *bad;
    if (auto bad = check_source(source)) return *bad;
    if (auto bad = check_source(first)) return *bad;
    if (first == source || first == second) return code::invalid_element();
    if (second != source)
        if (auto bad = check_destination(second)) return *bad;
    const Cartridge incoming = *inventory_.elements.at(source).cartridge;
    const Cartridge outgoing = *inventory_.elements.at(first).cartridge;
    if (auto failed = take_out(first)) return *failed;
    if (auto failed = take_out(source)) {
        (void)put_in(first, outgoing);
        return *failed;
    }
    auto failed = put_in(first, incoming);
    if (!failed) failed = put_in(second, outgoing);
    if (failed) {
        (void)take_out(first);
        (void)put_in(first, outgoing);
        (void)put_in(source, incoming);
        return *failed;
    }
    Inventory next = inventory_;
    store::Element& held = next.elements.at(first);
    if (held.kind == ElementKind::storage) held.cartridge->source = first;
    const std::optional<Cartridge> in_hand = std::exchange(held.cartridge, std::nullopt);
    move_cartridge(next, source, first);
    next.elements.at(second).cartridge = in_hand;
    next.elements.at(second).by_operator = false;
    const bool drives = drive_at(source) || drive_at(first) || drive_at(second);
    return commit_moved(std::move(next), drives);
}

Outcome Changer::position(uint16_t transport, uint16_t destination) const {
    if (auto bad = check_transport(transport)) return *bad;
    if (inventory_.elements.count(destination) == 0) return code::invalid_element();
    return Status::good;
}

Outcome Changer::set_open(uint16_t address, bool open, const scsi::NexusId& by) {
    const auto found = inventory_.elements.find(address);
    if (found == inventory_.elements.end() || found->second.kind != ElementKind::import_export)
        return code::invalid_element();
    if (open && unit_->preventers() > 0) return scsi::sense::medium_removal_prevented();
    const bool changed = open ? open_.insert(address).second : open_.erase(address) != 0;
    if (changed && !open) tell(import_export_accessed, by);
    return Status::good;
}

Changer& changer_of(const scsi::Command& command) {
    return static_cast<Changer&>(*command.shard->unit.model());
}

}  // namespace tgt::smc
