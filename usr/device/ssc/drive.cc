// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/drive.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/log.h"
#include "device/ssc/attributes.h"
#include "device/ssc/block_codec.h"
#include "device/ssc/mode_pages.h"
#include "device/ssc/personality.h"
#include "scsi/logical_unit.h"

namespace tgt::ssc {

namespace {

using scsi::Outcome;
using scsi::Sense;
using scsi::SenseKey;
using scsi::sense::make;

constexpr uint8_t software_write_protected = 0x02, associated = 0x03, persistent = 0x04,
                  permanent = 0x05;  // qualifiers of 27h

// SSC-4 8.3.3 (device configuration page): the bits that protect, with what they are called.
struct ProtectBit {
    size_t byte;  // behind the page header
    uint8_t mask;
    uint8_t qualifier;
};
constexpr ProtectBit protect_bits[] = {
    {13, 0x01, permanent},
    {13, 0x02, persistent},
    {13, 0x04, associated},
    {8, 0x04, software_write_protected},
};

std::optional<uint8_t> protecting_bit(const scsi::LunState& state) {
    const scsi::ModePage* page = state.mode_page(0x10);
    for (const ProtectBit& bit : protect_bits)
        if (page && bit.byte < page->current.size() && (page->current[bit.byte] & bit.mask))
            return bit.qualifier;
    if (state.software_write_protected()) return software_write_protected;
    return std::nullopt;
}

// Room behind early warning for the labels that end a volume; a part of what is small itself.
uint64_t early_warning_zone(uint64_t capacity) {
    constexpr uint64_t enough = uint64_t(64) << 20;
    return std::min(capacity / 16, enough);
}

const char* doing(scsi::Access access) {
    return access == scsi::Access::read ? "reading" : "writing";
}

}  // namespace

Drive& drive_of(const scsi::Command& command) {
    return static_cast<Drive&>(*command.shard->unit.model());
}

Drive::Drive(std::unique_ptr<store::Store> store, std::string path)
    : codec_(std::make_unique<BlockCodec>()) {
    put_in(std::move(store), std::move(path));
}

Drive::~Drive() {
    if (loaded_) note_unload(*cartridge_, counters_);
    if (cartridge_ && unflushed_ != Unflushed::nothing) cartridge_->flush();
}

// On the control thread, before the unit has commands.
void Drive::attach(scsi::LogicalUnit& unit) {
    unit_ = &unit;
    be_what_the_unit_says();
    if (cartridge_) thread();
    publish();
}

void Drive::reset() {
    codec_->encryption.clear();
}

void Drive::nexus_lost(const scsi::NexusId& nexus) {
    codec_->encryption.nexus_lost(nexus);
}

std::optional<Outcome> Drive::begin(const scsi::Command& command) {
    be_what_the_unit_says();
    if (!untold_ || untold_->nexus != command.nexus->id()) return std::nullopt;
    return std::exchange(untold_, std::nullopt)->sense;
}

void Drive::be_what_the_unit_says() {
    const scsi::LunStatePtr state = unit_->current_state();
    if (state == seen_) return;
    const bool same = seen_ && state->personality == seen_->personality;
    seen_ = state;
    identity_ = state->identity;
    if (same) return;
    personality_ = &personality_of(*state);
    if (cartridge_) use_ = use_of(*personality_, cartridge_->info());
    publish();
}

void Drive::put_in(std::unique_ptr<store::Store> store, std::string path) {
    store_ = std::move(store);
    cartridge_ = store_ ? store_->tape() : nullptr;
    path_ = std::move(path);
    loaded_ = held_ = flush_failed_ = told_failure_ = false;
    unflushed_ = Unflushed::nothing;
    unusable_.reset();
    leave_ = {};
    use_ = Use::none;
}

// Onto the reel: what is in the drive becomes usable, or it is known why not.
void Drive::thread() {
    held_ = false;
    unusable_.reset();
    counters_.loads.add(1);
    counters_.mount.clear();
    counters_.alerts.store(0, std::memory_order_relaxed);
    use_ = use_of(*personality_, cartridge_->info());
    note_load(*cartridge_, identity_);
    unflushed_ = cartridge_->info().read_only ? Unflushed::nothing : Unflushed::notes;
    if (cartridge_->info().kind == store::TapeKind::cleaning) return clean();
    if (use_ == Use::none) {
        unusable_ = make(SenseKey::not_ready, 0x30, 0x02);  // incompatible format
        counters_.raise(Alert::unsupported_format);
        return;
    }
    if (const int error = to_beginning()) {
        log::error(log::Module::scsi, "tape {}: cannot be loaded: {}", path_, std::strerror(error));
        unusable_ = make(SenseKey::not_ready, 0x30, 0x01);  // unknown format
        return;
    }
    loaded_ = true;
}

// A cartridge that was just opened is there.
int Drive::to_beginning() {
    if (cartridge_->position() == store::TapePosition()) return 0;
    bool reached = false;
    return cartridge_->locate(0, 0, reached);
}

// Nothing gets dirty here, so it is done at once; but a cartridge cleans so often and no more.
void Drive::clean() {
    constexpr uint64_t uses = 50;
    const bool expired = load_count(*cartridge_) > uses;
    if (!expired) counters_.cleanings.add(1);
    counters_.raise(expired ? Alert::expired_cleaning_media : Alert::cleaning_media);
    // Cleaning failure; cleaning cartridge installed.
    unusable_ = make(SenseKey::not_ready, 0x30, expired ? 0x07 : 0x03);
}

std::optional<Sense> Drive::not_ready() const {
    if (!cartridge_) return scsi::sense::medium_not_present();
    if (unusable_) return unusable_;
    if (loaded_) return std::nullopt;
    // Initializing command required, when the cartridge waits for one at the reel.
    return held_ ? scsi::sense::not_ready(0x02) : scsi::sense::medium_not_present();
}

std::optional<Sense> Drive::protection(const scsi::LunState& state) const {
    // Cannot write medium - incompatible format.
    if (use_ != Use::write) return make(SenseKey::data_protect, 0x30, 0x05);
    if (cartridge_->info().read_only || state.read_only) return scsi::sense::write_protected();
    if (auto qualifier = protecting_bit(state))
        return make(SenseKey::data_protect, 0x27, *qualifier);
    return std::nullopt;
}

std::optional<Sense> Drive::refusal_of_write(const scsi::LunState& state) {
    if (auto sense = not_ready()) return sense;
    if (auto sense = protection(state)) {
        counters_.raise(Alert::write_protect);
        return sense;
    }
    if (flush_failed_) return make(SenseKey::medium_error, 0x0c, 0x00);
    return std::nullopt;
}

Outcome Drive::load(const std::optional<scsi::NexusId>& asked, bool hold) {
    if (!cartridge_) return scsi::sense::medium_not_present();
    if (loaded_) {
        const Outcome flushed = flush();
        if (!flushed.good()) return flushed;
        const int error = to_beginning();
        return error ? failure(error, scsi::Access::read, {}) : Outcome();
    }
    held_ = hold;
    if (!hold) thread();
    // First, so that nobody finds the medium ready without knowing that it may be another.
    if (loaded_) unit_->attention_board().post(scsi::ua::medium_may_have_changed, asked);
    publish();
    if (hold) return {};
    const auto sense = not_ready();
    return sense ? Outcome(*sense) : Outcome();
}

Outcome Drive::unload(bool hold) {
    if (!cartridge_) return scsi::sense::medium_not_present();
    const Outcome outcome = flush();
    if (outcome.sense && outcome.sense->deferred) return outcome;
    if (loaded_) put_back(outcome.good());
    loaded_ = flush_failed_ = false;
    unflushed_ = Unflushed::nothing;
    held_ = hold;
    unusable_.reset();
    leave_ = {};
    codec_->encryption.demounted();
    publish();
    return outcome;
}

// To where it is taken from the reel. `sound`: what it has can be relied on.
void Drive::put_back(bool sound) {
    note_unload(*cartridge_, counters_);
    unflushed_ = std::max(unflushed_, Unflushed::notes);
    if (sound) flush();
    to_beginning();
}

Outcome Drive::flush() {
    if (flush_failed_) return make(SenseKey::medium_error, 0x0c, 0x00);
    if (unflushed_ == Unflushed::nothing) return {};
    const int error = cartridge_->flush();
    if (error && unflushed_ != Unflushed::notes) return lost(error);
    if (error)
        log::warn(log::Module::scsi, "tape {}: what the drive notes on it is not kept: {}", path_,
                  std::strerror(error));
    unflushed_ = Unflushed::nothing;
    return {};
}

// The command that finds out is not carried out; it is told whose error it is (SPC-4 4.5.5).
Outcome Drive::lost(int error) {
    flush_failed_ = true;
    Outcome outcome = failure(error, scsi::Access::flush, {});
    outcome.sense->deferred = unflushed_ == Unflushed::acknowledged;
    return outcome;
}

Outcome Drive::write_failure(int error, uint64_t residue) {
    const bool before = cartridge_->lost() != 0 && unflushed_ == Unflushed::acknowledged;
    return before ? lost(error) : failure(error, scsi::Access::write, residue);
}

void Drive::acknowledge(const scsi::NexusId& nexus) {
    if (unflushed_ < Unflushed::written) return;
    unflushed_ = Unflushed::acknowledged;
    writer_ = nexus;
}

Outcome Drive::failure(int error, scsi::Access access, std::optional<uint64_t> information) {
    const bool reading = access == scsi::Access::read;
    Traffic* const traffic[] = {&counters_.lifetime, &counters_.mount};
    for (Traffic* one : traffic) (reading ? one->read_errors : one->write_errors).add(1);
    counters_.raise(Alert::hard_error);
    counters_.raise(reading ? Alert::read_failure : Alert::write_failure);
    if (!std::exchange(told_failure_, true))
        log::error(log::Module::scsi, "tape {}: {} failed: {}", path_, doing(access),
                   std::strerror(error));
    if (error == EROFS && !reading) return scsi::sense::write_protected();
    // Unrecovered read error, write error.
    Sense sense = reading ? make(SenseKey::medium_error, 0x11, 0x00)
                          : make(SenseKey::medium_error, 0x0c, 0x00);
    sense.has_information = information.has_value();
    sense.information = information.value_or(0);
    return sense;
}

Warning Drive::warning(const scsi::LunState& state) const {
    const store::TapeRoom room = cartridge_->room(cartridge_->position().partition);
    const uint64_t zone = early_warning_zone(room.capacity);
    const uint64_t left = room.capacity - std::min(room.before, room.capacity);
    const uint64_t programmable = programmable_early_warning(state);
    Warning warning;
    warning.early = left <= zone;
    warning.programmable = programmable > 0 && left <= zone + programmable;
    return warning;
}

std::span<uint8_t> Drive::scratch(size_t bytes) {
    if (bytes > scratch_bytes_) {
        scratch_.reset(new (std::nothrow) uint8_t[bytes]);
        scratch_bytes_ = scratch_ ? bytes : 0;
    }
    return {scratch_.get(), std::min(bytes, scratch_bytes_)};
}

void Drive::publish() {
    scsi::MediumStatus status;
    status.present = cartridge_ != nullptr;
    status.path = path_;
    status.not_ready = not_ready();
    if (cartridge_) {
        status.barcode = cartridge_->info().barcode;
        status.write_protected = cartridge_->info().read_only || use_ == Use::read;
    }
    unit_->publish_medium(std::move(status));
}

}  // namespace tgt::ssc
