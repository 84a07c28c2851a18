// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/mode_pages.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "device/ssc/density.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using scsi::LunState;
using scsi::ModeFault;
using scsi::ModePage;

using Bytes = std::vector<uint8_t>;

// Codes of pages that are looked at; 10h and 0Ah have subpages.
constexpr uint8_t control = 0x0a, compression = 0x0f, configuration = 0x10, partition = 0x11,
                  medium_configuration = 0x1d;
constexpr uint8_t data_protection = 0xf0, configuration_extension = 0x01;

// Offsets are those of the bytes behind the page header (the standard's less 2, or less 4 of a
// subpage).
namespace compress {
constexpr size_t dce_byte = 0;
constexpr uint8_t dce = 0x80, dcc = 0x40, dde = 0x80;
}  // namespace compress
namespace configure {
constexpr size_t active_partition = 1, swp_byte = 8, select_compression = 12;
constexpr uint8_t lois = 0x40, eeg = 0x10, swp = 0x04;
}  // namespace configure
namespace protect {
constexpr size_t method = 0, length = 1, where = 2;
constexpr uint8_t lbp_w = 0x80, lbp_r = 0x40, rbdp = 0x20, information_bytes = 4;
}  // namespace protect
namespace divide {
constexpr size_t max_additional = 0, defined = 1, flags = 2, units = 4, sizes = 6;
constexpr uint8_t fdp = 0x80, sdp = 0x40, idp = 0x20, psum = 0x18, pofm = 0x04;
constexpr uint8_t format_and_partition_recognition = 0x03;
constexpr uint8_t gigabytes = 9;
constexpr uint16_t rest = 0xffff;
}  // namespace divide
constexpr size_t write_mode_at = 1, pews_at = 2;
constexpr uint8_t append_only_mode = 0x10;
constexpr size_t control_swp_byte = 2;
constexpr uint8_t control_swp = 0x08;

// DEVICE-SPECIFIC PARAMETER (SSC-4 8.3.1)
constexpr uint8_t wp = 0x80, buffered_mode = 0x70, buffered_mode_default = 0x10, speed = 0x0f;
constexpr uint8_t max_buffered_mode = 0x20;
constexpr uint8_t density_of_the_medium = 0x00, no_change_of_density = 0x7f;

ModePage page(uint8_t code, uint8_t subcode, size_t size, Bytes values = {},
              Bytes changeable = {}) {
    ModePage mode_page;
    mode_page.code = code;
    mode_page.subcode = subcode;
    values.resize(size);
    changeable.resize(size);
    mode_page.current = mode_page.defaults = std::move(values);
    mode_page.changeable = std::move(changeable);
    return mode_page;
}

ModePage control_page() {
    constexpr uint8_t tst_per_nexus = 0x20, d_sense = 0x04, tas = 0x40;
    return page(control, 0, 10, {tst_per_nexus}, {d_sense, 0, control_swp, tas});
}

ModePage compression_page() {
    using namespace compress;
    return page(compression, 0, 14, {dce | dcc, dde, 0, 0, 0, 1, 0, 0, 0, 1},
                {dce, 0, 0, 0, 0, 1, 0, 0, 0, 1});
}

ModePage configuration_page() {
    using namespace configure;
    return page(configuration, 0, 14, {0, 0, 0, 0, 0, 0, lois, 0, eeg, 0, 0, 0, 1},
                // The active partition is where it is: what a list says of it does not matter.
                {0, 0xff, 0, 0, 0, 0, 0, 0, swp, 0, 0, 0, 1});
}

// Sizes for each partition that the drive can make, in gigabytes unless a list says otherwise.
ModePage partition_page(const Personality& drive) {
    using namespace divide;
    const size_t size = sizes + 2 * drive.max_partitions;
    Bytes values = {uint8_t(drive.max_partitions - 1), 0,         psum | pofm,
                    format_and_partition_recognition,  gigabytes, 0};
    Bytes changeable = {0xff, 0xff, 0xff, 0, 0xff, 0};
    changeable.resize(size, 0xff);
    return page(partition, 0, size, std::move(values), std::move(changeable));
}

const ModePage& required(const LunState& state, uint8_t code, uint8_t subcode = 0) {
    static const ModePage none = page(0, 0, 64);
    const ModePage* found = state.mode_page(code, subcode);
    return found ? *found : none;
}

// `mode_page=` of an administrator may have made a page shorter than ours.
uint8_t byte_of(const ModePage& mode_page, size_t at) {
    return at < mode_page.current.size() ? mode_page.current[at] : 0;
}
uint16_t word_of(const ModePage& mode_page, size_t at) {
    return uint16_t(byte_of(mode_page, at) << 8 | byte_of(mode_page, at + 1));
}

void set_bits(LunState& state, uint8_t code, size_t at, uint8_t mask, bool on) {
    ModePage* mode_page = state.mode_page(code);
    if (!mode_page || at >= mode_page->current.size()) return;
    uint8_t& byte = mode_page->current[at];
    byte = uint8_t(on ? byte | mask : byte & ~mask);
}

ModeFault fault(size_t byte, int8_t bit = -1) {
    return {ModeFault::Part::page, uint16_t(byte), bit};
}

// ---- pages that MODE SELECT has changed

// An algorithm other than none and the default is refused by the mask already; compression needs
// one.
std::optional<ModeFault> compression_selected(LunState& state, ModePage& now) {
    using namespace compress;
    const bool on = byte_of(now, dce_byte) & dce;
    set_bits(state, configuration, configure::select_compression, 0x01, on);
    return std::nullopt;
}

// SELECT DATA COMPRESSION ALGORITHM is another switch for DCE; SWP another for that of page 0Ah
// (SSC-4 8.3.3).
std::optional<ModeFault> configuration_selected(LunState& state, ModePage& now) {
    if (now.current.size() > configure::active_partition)
        now.current[configure::active_partition] = 0;
    set_bits(state, compression, compress::dce_byte, compress::dce,
             byte_of(now, configure::select_compression) & 0x01);
    set_bits(state, control, control_swp_byte, control_swp,
             byte_of(now, configure::swp_byte) & configure::swp);
    return std::nullopt;
}

std::optional<ModeFault> control_selected(LunState& state, ModePage& now) {
    set_bits(state, configuration, configure::swp_byte, configure::swp,
             byte_of(now, control_swp_byte) & control_swp);
    return std::nullopt;
}

// SSC-5 8.3.9: a length that goes with the method; no method, no protection.
std::optional<ModeFault> data_protection_selected(LunState& state, ModePage& now) {
    using namespace protect;
    const uint8_t chosen = byte_of(now, method);
    if (chosen > uint8_t(Protection::crc32c)) return fault(method);
    if (!personality_of(state).protects(Protection(chosen))) return fault(method);
    const bool any = chosen != 0;
    if (byte_of(now, length) != (any ? information_bytes : 0)) {
        if (any) return fault(length, 5);
        now.current[length] = 0;
    }
    if (!any) now.current[where] = 0;
    return std::nullopt;
}

// How many partitions a page asks for in addition to the first.
std::optional<ModeFault> partition_selected(LunState& state, ModePage& now) {
    using namespace divide;
    const unsigned most = personality_of(state).max_partitions - 1;
    if (byte_of(now, defined) > most) return fault(defined);
    const uint8_t how = byte_of(now, flags);
    if (std::popcount(uint8_t(how & (fdp | sdp | idp))) > 1) return fault(flags, 7);
    now.current[max_additional] = uint8_t(most);
    now.current[flags] |= pofm;
    return std::nullopt;
}

// ---- what the medium adds

ModePage* find(std::vector<ModePage>& pages, uint8_t code, uint8_t subcode = 0) {
    for (ModePage& mode_page : pages)
        if (mode_page.code == code && mode_page.subcode == subcode) return &mode_page;
    return nullptr;
}

void show(ModePage* mode_page, size_t at, uint8_t value) {
    if (!mode_page || at >= mode_page->current.size()) return;
    mode_page->current[at] = value;
}

// Sizes in gigabytes, rounded; a partition smaller than that counts as one.
void show_partitions(ModePage* mode_page, const MediumModes& medium) {
    using namespace divide;
    constexpr uint64_t gigabyte = 1000000000;
    show(mode_page, max_additional, uint8_t(medium.max_partitions - 1));
    show(mode_page, defined, uint8_t(medium.partitions.size() - 1));
    show(mode_page, flags, psum | pofm);
    show(mode_page, units, gigabytes);
    for (size_t i = 0; sizes + 2 * i + 1 < mode_page->current.size(); ++i) {
        const uint64_t bytes = i < medium.partitions.size() ? medium.partitions[i] : 0;
        const uint64_t amount = (bytes + gigabyte / 2) / gigabyte;
        const auto shown = uint16_t(std::clamp<uint64_t>(amount, bytes ? 1 : 0, rest - 1));
        show(mode_page, sizes + 2 * i, uint8_t(shown >> 8));
        show(mode_page, sizes + 2 * i + 1, uint8_t(shown));
    }
}

void show_medium(std::vector<ModePage>& pages, const MediumModes& medium) {
    show(find(pages, configuration), configure::active_partition, uint8_t(medium.active_partition));
    if (ModePage* mode_page = find(pages, partition)) show_partitions(mode_page, medium);
    show(find(pages, medium_configuration), 0, medium.kind == store::TapeKind::worm ? 1 : 0);
}

// Bytes that MODE SELECT takes in without an effect are not changeable.
void hide_ignored(std::vector<ModePage>& pages) {
    auto hide = [](ModePage* mode_page, size_t at) {
        if (mode_page && at < mode_page->changeable.size()) mode_page->changeable[at] = 0;
    };
    hide(find(pages, configuration), configure::active_partition);
    hide(find(pages, partition), divide::max_additional);
}

uint64_t unit_of(const ModePage& mode_page) {
    using namespace divide;
    constexpr uint64_t fixed[] = {1, 1000, 1000000};
    const unsigned how = (byte_of(mode_page, flags) & psum) >> 3;
    if (how < std::size(fixed)) return fixed[how];
    uint64_t unit = 1;
    for (unsigned i = byte_of(mode_page, units) & 0x0f; i > 0; --i) unit *= 10;
    return unit;
}

std::vector<uint64_t> equal_shares(uint64_t capacity, size_t count) {
    std::vector<uint64_t> shares(count, capacity / count);
    shares[0] += capacity % count;
    return shares;
}

}  // namespace

std::vector<ModePage> mode_pages(const Personality& drive) {
    constexpr uint8_t dexcpt = 0x08, worm_labels = 0x01, worm_filemarks = 0x02;
    std::vector<ModePage> pages = {
        page(0x00, 0, 0),   // vendor specific, empty: Linux asks for it to see the block descriptor
        page(0x01, 0, 10),  // read-write error recovery: no retries to choose
        page(0x02, 0, 14),  // disconnect-reconnect: no limits
        control_page(),
    };
    if (drive.reed_solomon)
        pages.push_back(page(control, data_protection, 28, {}, {0xff, 0x3f, 0xe0}));
    pages.push_back(compression_page());
    pages.push_back(configuration_page());
    pages.push_back(
        page(configuration, configuration_extension, 28, {}, {0, append_only_mode, 0xff, 0xff}));
    pages.push_back(partition_page(drive));
    pages.push_back(page(0x1a, 0, 38));                  // power condition: no timers
    pages.push_back(page(0x1c, 0, 10, {dexcpt, 0x03}));  // TapeAlert is for log pages only
    if (drive.worm)
        pages.push_back(page(medium_configuration, 0, 30, {0, 0, worm_labels, worm_filemarks}));
    return pages;
}

// SSC-4 8.3.1: density, blocks of that kind (0: all that remain), block length.
std::vector<uint8_t> block_descriptor(const LunState& state, bool) {
    std::vector<uint8_t> bytes(8);
    wire::store_be<3>(&bytes[5], fixed_block_bytes(state));
    return bytes;
}

uint8_t device_specific(const LunState& state) {
    return uint8_t(state.mode_parameter | (state.write_protected() ? wp : 0));
}

// MEDIUM TYPE and WP do not matter: initiators send back what MODE SENSE gave them. Neither does a
// density that the drive knows, as the cartridge has one of its own.
std::optional<ModeFault> select_header(LunState& state, const scsi::ModeHeader& header) {
    using Part = ModeFault::Part;
    const uint8_t mode = header.device_specific & buffered_mode;
    if (mode > max_buffered_mode) return ModeFault{Part::device_specific, 0, 6};
    if (header.device_specific & speed) return ModeFault{Part::device_specific, 0, 3};
    state.mode_parameter = mode;
    if (header.descriptor.empty()) return std::nullopt;
    const uint8_t density = header.descriptor[0];
    const Personality& drive = personality_of(state);
    const bool known = density == density_of_the_medium || density == no_change_of_density ||
                       (find_density(density) && use_of(drive, density) != Use::none);
    if (!known) return ModeFault{Part::descriptor, 0, -1};
    const auto length = uint32_t(wire::load_be<3>(&header.descriptor[5]));
    if (length > drive.max_block) return ModeFault{Part::descriptor, 5, -1};
    state.geometry.block_size = length;
    return std::nullopt;
}

// Descriptors of partitions that a list does not mean to make may be missing (SSC-4 8.3.4).
bool takes_length(const ModePage& mode_page, size_t length) {
    return mode_page.code == partition && length >= divide::sizes &&
           length <= mode_page.current.size() && length % 2 == 0;
}

std::optional<ModeFault> page_selected(LunState& state, ModePage& mode_page) {
    struct Rule {
        uint8_t code, subcode;
        std::optional<ModeFault> (*judge)(LunState&, ModePage&);
    };
    constexpr Rule rules[] = {
        {control, 0, control_selected},
        {control, data_protection, data_protection_selected},
        {compression, 0, compression_selected},
        {configuration, 0, configuration_selected},
        {partition, 0, partition_selected},
    };
    for (const Rule& rule : rules)
        if (rule.code == mode_page.code && rule.subcode == mode_page.subcode)
            return rule.judge(state, mode_page);
    return std::nullopt;
}

void reset_modes(LunState& state) {
    state.mode_parameter = buffered_mode_default;
    state.geometry.block_size = 0;
}

scsi::ModeView shown_modes(const LunState& state, const std::optional<MediumModes>& medium,
                           std::vector<ModePage>& pages) {
    pages = state.mode_pages;
    hide_ignored(pages);
    scsi::ModeView view{0, device_specific(state), block_descriptor(state, false), pages};
    if (!medium) return view;
    show_medium(pages, *medium);
    view.medium_type = medium_type_code(medium->density, medium->kind);
    if (medium->write_protected) view.device_specific |= wp;
    view.descriptor[0] = medium->density;
    return view;
}

uint32_t fixed_block_bytes(const LunState& state) {
    return state.geometry.block_size;
}

bool buffered(const LunState& state) {
    return (state.mode_parameter & buffered_mode) != 0;
}

bool compresses(const LunState& state) {
    return byte_of(required(state, compression), compress::dce_byte) & compress::dce;
}

bool append_only(const LunState& state) {
    return byte_of(required(state, configuration, configuration_extension), write_mode_at) &
           append_only_mode;
}

uint64_t programmable_early_warning(const LunState& state) {
    constexpr uint64_t megabyte = 1000000;
    return megabyte * word_of(required(state, configuration, configuration_extension), pews_at);
}

ProtectionModes protection_modes(const LunState& state) {
    const ModePage& mode_page = required(state, control, data_protection);
    const uint8_t where = byte_of(mode_page, protect::where);
    ProtectionModes modes;
    modes.method = Protection(byte_of(mode_page, protect::method) & 3);
    modes.writes = where & protect::lbp_w;
    modes.reads = where & protect::lbp_r;
    modes.recovers = where & protect::rbdp;
    return modes;
}

// SSC-4 8.3.4: IDP names the sizes; with FDP and SDP they are the drive's choice.
Result<std::vector<uint64_t>, scsi::Sense> planned_partitions(const LunState& state,
                                                              unsigned max_partitions,
                                                              uint64_t capacity) {
    using namespace divide;
    const ModePage& mode_page = required(state, partition);
    const size_t count = 1 + byte_of(mode_page, defined);
    const auto refused =
        tl::unexpected<scsi::Sense>(scsi::sense::make(scsi::SenseKey::illegal_request, 0x26, 0x00));
    if (count > max_partitions) return refused;
    if (!(byte_of(mode_page, flags) & idp)) return equal_shares(capacity, count);
    std::vector<uint64_t> plan(count);
    std::optional<size_t> filled;
    const uint64_t unit = unit_of(mode_page);
    for (size_t i = 0; i < count; ++i) {
        const uint16_t size = word_of(mode_page, sizes + 2 * i);
        if (size == rest && filled) return refused;
        if (size == rest)
            filled = i;
        else if (unit > capacity && size > 0)
            return refused;
        else
            plan[i] = size * unit;
    }
    const uint64_t sum = std::accumulate(plan.begin(), plan.end(), uint64_t(0));
    if (sum > capacity) return refused;
    if (filled) plan[*filled] = capacity - sum;
    if (count == 1 && plan[0] == 0) plan[0] = capacity;
    if (std::count(plan.begin(), plan.end(), 0u)) return refused;
    return plan;
}

}  // namespace tgt::ssc
