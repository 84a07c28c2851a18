// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/state.h"

#include <algorithm>

#include "wire/endian.h"

namespace tgt::smc {

namespace {

using store::ElementKind;

constexpr uint8_t element_addresses = 0x1d, transport_geometry = 0x1e, capabilities = 0x1f;
constexpr uint8_t power_condition = 0x1a;
// Places of the kinds in the capabilities page (SMC-3 7.3.2): DT, I/E and ST; an arm keeps nothing.
constexpr uint8_t all_but_arms = 0x0e;
// Of what fits in a page's length byte.
constexpr size_t max_shown_transports = 126;

scsi::ModePage page(uint8_t code, uint8_t subcode, std::vector<uint8_t> values,
                    std::vector<uint8_t> changeable = {}) {
    scsi::ModePage out;
    out.code = code;
    out.subcode = subcode;
    changeable.resize(values.size());
    out.current = out.defaults = std::move(values);
    out.changeable = std::move(changeable);
    return out;
}

std::vector<uint8_t> padded(std::vector<uint8_t> values, size_t size) {
    values.resize(size);
    return values;
}

std::vector<scsi::ModePage> mode_pages() {
    constexpr uint8_t d_sense = 0x04, tst_per_nexus = 0x20, tas = 0x40;
    constexpr uint8_t unrestricted_reordering = 0x10, dexcpt = 0x08;
    constexpr uint8_t all = all_but_arms;
    return {
        page(0x00, 0, {}),
        page(0x02, 0, padded({}, 14)),
        page(0x0a, 0, padded({tst_per_nexus, unrestricted_reordering}, 10), {d_sense, 0, 0, tas}),
        page(0x0a, 1, padded({}, 28)),
        page(power_condition, 0, padded({}, 10)),
        page(0x1c, 0, padded({dexcpt}, 10)),
        page(element_addresses, 0, padded({}, 18)),
        page(transport_geometry, 0, padded({}, 2)),
        page(capabilities, 0, {all, 0, 0, all, all, all, 0, 0, 0, 0, 0, all, all, all, 0, 0, 0, 0}),
    };
}

void fill(std::string& text, std::string_view by_default) {
    if (text.empty()) text = by_default;
}

// SMC-3 7.3.4: first address and number, of each kind.
std::vector<uint8_t> address_assignment(const store::Inventory& inventory) {
    constexpr ElementKind order[] = {ElementKind::transport, ElementKind::storage,
                                     ElementKind::import_export, ElementKind::drive};
    std::vector<uint8_t> bytes(18);
    for (size_t i = 0; i < std::size(order); ++i) {
        uint32_t count = 0;
        for (const auto& [address, element] : inventory.elements) {
            if (element.kind != order[i]) continue;
            if (count++ == 0) wire::store_be<2>(&bytes[4 * i], address);
        }
        wire::store_be<2>(&bytes[4 * i + 2], uint16_t(std::min<uint32_t>(count, UINT16_MAX)));
    }
    return bytes;
}

// SMC-3 7.3.5: no arm turns a medium over; the member numbers count up.
std::vector<uint8_t> geometry(const store::Inventory& inventory) {
    size_t arms = 0;
    for (const auto& [address, element] : inventory.elements)
        arms += element.kind == ElementKind::transport;
    arms = std::clamp<size_t>(arms, 1, max_shown_transports);
    std::vector<uint8_t> bytes(2 * arms);
    for (size_t i = 0; i < arms; ++i) bytes[2 * i + 1] = uint8_t(i);
    return bytes;
}

void put(scsi::LunState& state, uint8_t code, std::vector<uint8_t> bytes) {
    scsi::ModePage* found = state.mode_page(code);
    if (!found) return;
    found->changeable.assign(bytes.size(), 0);
    found->defaults = bytes;
    found->current = std::move(bytes);
}

}  // namespace

scsi::LunState initial_state(const scsi::LunSetup& setup) {
    scsi::LunState state;
    state.identity = setup.identity;
    fill(state.identity.vendor, "IET");
    fill(state.identity.product, "VIRTUAL-CHANGER");
    fill(state.identity.revision, "0001");
    state.removable = true;
    state.mode_pages = mode_pages();
    return state;
}

std::vector<uint8_t> block_descriptor(const scsi::LunState&, bool) {
    return {};
}

uint8_t device_specific(const scsi::LunState&) {
    return 0;
}

void put_element_pages(scsi::LunState& state, const store::Inventory& inventory) {
    put(state, element_addresses, address_assignment(inventory));
    put(state, transport_geometry, geometry(inventory));
}

}  // namespace tgt::smc
