// SPDX-License-Identifier: GPL-2.0-or-later
// What a new disk starts from: geometry from its store, mode pages (SPC-5 7.5, SBC-4 6.5).
#include "device/sbc/state.h"

#include <algorithm>
#include <bit>

#include "device/sbc/limits.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

// Network file systems and some pools name megabytes as their block; initiators that align
// partitions and file systems to it would only waste space.
constexpr uint32_t max_physical_block = 64 << 10;

scsi::ModePage page(uint8_t code, uint8_t subcode, std::vector<uint8_t> values,
                    std::vector<uint8_t> changeable) {
    scsi::ModePage mode_page;
    mode_page.code = code;
    mode_page.subcode = subcode;
    changeable.resize(values.size());
    mode_page.current = mode_page.defaults = std::move(values);
    mode_page.changeable = std::move(changeable);
    return mode_page;
}

// `size` bytes that begin with `values`.
std::vector<uint8_t> padded(std::vector<uint8_t> values, size_t size) {
    values.resize(size);
    return values;
}

uint8_t physical_exponent(uint32_t physical, uint32_t block) {
    physical = std::min(physical, max_physical_block);
    if (physical <= block) return 0;
    return uint8_t(std::bit_width(physical / block) - 1);
}

scsi::Geometry geometry_of(const store::Info& info, uint32_t block) {
    scsi::Geometry geometry;
    geometry.block_size = block;
    geometry.blocks = info.size / block;
    geometry.physical_exponent = physical_exponent(info.physical_block_size, block);
    geometry.rotation_rate = info.rotational ? 0 : 1;
    const uint32_t granularity = 1u << geometry.physical_exponent;
    if (granularity > 1) geometry.optimal_granularity = uint16_t(granularity);
    const uint64_t optimal = info.optimal_io_size / block;
    // Initiators distrust a length that is no multiple of the granularity.
    if (optimal % granularity == 0 && optimal <= max_transfer_bytes / block)
        geometry.optimal_length = uint32_t(optimal);
    return geometry;
}

void fill(std::string& text, std::string_view by_default) {
    if (text.empty()) text = by_default;
}

}  // namespace

std::vector<scsi::ModePage> mode_pages() {
    constexpr uint8_t wce = 0x04, d_sense = 0x04, swp = 0x08, tas = 0x40;
    constexpr uint8_t tst_per_nexus = 0x20, unrestricted_reordering = 0x10, dexcpt = 0x08;
    return {
        page(0x00, 0, {}, {}),              // vendor specific, empty: initiators ask for it
        page(0x02, 0, padded({}, 14), {}),  // disconnect-reconnect: no limits
        page(0x08, 0, padded({wce}, 18), {wce}),
        page(0x0a, 0, padded({tst_per_nexus, unrestricted_reordering}, 10), {d_sense, 0, swp, tas}),
        page(0x0a, 1, padded({}, 28), {}),
        page(0x1c, 0, padded({dexcpt}, 10), {}),  // informational exceptions: none are reported
    };
}

scsi::LunState initial_state(const scsi::LunSetup& setup) {
    scsi::LunState state;
    state.identity = setup.identity;
    fill(state.identity.vendor, "IET");
    fill(state.identity.product, "VIRTUAL-DISK");
    fill(state.identity.revision, "0001");
    state.mode_pages = mode_pages();
    const uint32_t block = setup.block_size ? setup.block_size : 512;
    state.geometry.block_size = block;
    if (!setup.store) {
        state.removable = true;
        state.online = state.medium_present = false;
        return state;
    }
    state.geometry = geometry_of(*setup.store, block);
    state.read_only = setup.store->read_only;
    if (setup.store->discard_granularity > 0)
        state.unmap_granularity = std::max<uint32_t>(1, setup.store->discard_granularity / block);
    return state;
}

// SBC-4 6.5.2: short and long LBA mode parameter block descriptor.
std::vector<uint8_t> block_descriptor(const scsi::LunState& state, bool long_lba) {
    const scsi::Geometry& geometry = state.geometry;
    std::vector<uint8_t> bytes(long_lba ? 16 : 8);
    if (long_lba) {
        wire::store_be<8>(&bytes[0], geometry.blocks);
        wire::store_be<4>(&bytes[12], geometry.block_size);
    } else {
        wire::store_be<4>(&bytes[0], uint32_t(std::min<uint64_t>(geometry.blocks, 0xffffffff)));
        wire::store_be<3>(&bytes[5], geometry.block_size);
    }
    return bytes;
}

// SBC-4 6.5.1: WP and DPOFUA.
uint8_t device_specific(const scsi::LunState& state) {
    return uint8_t((state.write_protected() ? 0x80 : 0) | 0x10);
}

}  // namespace tgt::sbc
