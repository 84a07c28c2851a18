// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/element_information.h"

#include <algorithm>
#include <array>

#include "device/smc/element_status.h"
#include "wire/endian.h"

namespace tgt::smc {

namespace {

using store::Element;
using store::ElementKind;
using Bytes = std::vector<uint8_t>;

constexpr size_t header_bytes = 8, descriptor_bytes = 12;
constexpr std::array<uint8_t, 4> codes{supported_information, static_information, state_information,
                                       all_information};
constexpr uint8_t last_kind = uint8_t(ElementKind::drive);

// The length is not that of what the allocation length leaves.
void append_page(Bytes& out, uint8_t code, size_t descriptor, const Bytes& descriptors) {
    std::array<uint8_t, header_bytes> header{};
    header[0] = code;
    wire::store_be<2>(&header[2], uint16_t(descriptor));
    wire::store_be<4>(&header[4], uint32_t(descriptors.size()));
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), descriptors.begin(), descriptors.end());
}

// Those of one type, or one descriptor for each that the library has.
void append_supported(Bytes& out, const Changer& changer, uint8_t kind) {
    const auto& elements = changer.inventory().elements;
    Bytes descriptors;
    for (uint8_t type = 1; type <= last_kind; ++type) {
        const bool there = std::any_of(elements.begin(), elements.end(), [&](const auto& entry) {
            return uint8_t(entry.second.kind) == type;
        });
        if (kind == 0 ? !there : kind != type) continue;
        descriptors.insert(descriptors.end(), {type, 0, 0, uint8_t(codes.size())});
        descriptors.insert(descriptors.end(), codes.begin(), codes.end());
    }
    append_page(out, supported_information, 0, descriptors);
}

// Runs of elements of one type with addresses that follow each other. None of the bits of byte 9 is
// ever set: all elements are fixed, source and destination, and what they are.
void append_static(Bytes& out, const Changer& changer, const std::vector<uint16_t>& elements) {
    const auto& all = changer.inventory().elements;
    Bytes descriptors;
    for (size_t i = 0, end = 0; i < elements.size(); i = end) {
        const ElementKind kind = all.at(elements[i]).kind;
        for (end = i + 1; end < elements.size() && elements[end] == elements[i] + (end - i) &&
                          all.at(elements[end]).kind == kind;)
            ++end;
        std::array<uint8_t, descriptor_bytes> one{};
        wire::store_be<4>(&one[0], elements[i]);
        wire::store_be<4>(&one[4], uint32_t(end - i));
        one[8] = uint8_t(kind);
        descriptors.insert(descriptors.end(), one.begin(), one.end());
    }
    append_page(out, static_information, descriptor_bytes, descriptors);
}

// VOLUME PRESENT, IMPORT, OIR, MTAP, SDV.
uint8_t state_bits(const Element& element, const ElementFlags& flags, bool open) {
    constexpr uint8_t present = 0x40, absent = 0x80, by_arm = 0x10, by_operator = 0x20;
    constexpr uint8_t intervention = 0x08, prohibited = 0x02, code_valid = 0x01;
    const bool exception = (flags.bits & ElementFlags::exception) != 0;
    uint8_t out = absent;
    const bool imported = element.by_operator || !element.cartridge;
    if (flags.bits & ElementFlags::full) out = present | (imported ? by_operator : by_arm);
    if (open || exception) out |= intervention;
    if (element.kind != ElementKind::transport && !(flags.bits & ElementFlags::access))
        out |= prohibited;
    return out | (exception ? code_valid : 0);
}

void append_state(Bytes& out, const Changer& changer, const std::vector<uint16_t>& elements) {
    Bytes descriptors;
    for (const uint16_t address : elements) {
        const Element& element = changer.inventory().elements.at(address);
        const ElementFlags flags = element_flags(changer, address);
        std::array<uint8_t, descriptor_bytes> one{};
        wire::store_be<4>(&one[0], address);
        one[4] = uint8_t(element.kind);
        one[5] = state_bits(element, flags, changer.is_open(address));
        wire::store_be<2>(&one[6], flags.code);
        descriptors.insert(descriptors.end(), one.begin(), one.end());
    }
    append_page(out, state_information, descriptor_bytes, descriptors);
}

}  // namespace

bool is_information_page(uint8_t code) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::vector<uint8_t> element_information(const Changer& changer, uint8_t page, uint8_t kind,
                                         const std::vector<uint16_t>& elements) {
    const bool all = page == all_information;
    Bytes out;
    if (all || page == supported_information) append_supported(out, changer, kind);
    if (all || page == static_information) append_static(out, changer, elements);
    if (all || page == state_information) append_state(out, changer, elements);
    return out;
}

}  // namespace tgt::smc
