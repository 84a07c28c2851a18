// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/density.h"

#include <algorithm>
#include <array>

#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using store::TapeKind;

constexpr auto table = std::to_array<Density>({
    {0x40, 1, 4880, 384, 100000, 1, 0x18, false, false, "U-18", "Ultrium 1/8T"},
    {0x42, 2, 7398, 512, 200000, 1, 0x28, false, false, "U-28", "Ultrium 2/8T"},
    {0x44, 3, 9638, 704, 400000, 1, 0x38, true, false, "U-316", "Ultrium 3/16T"},
    {0x46, 4, 12725, 896, 800000, 1, 0x48, true, true, "U-416", "Ultrium 4/16T"},
    {0x58, 5, 15142, 1280, 1500000, 2, 0x58, true, true, "U-516", "Ultrium 5/16T"},
    {0x5a, 6, 15142, 2176, 2500000, 4, 0x68, true, true, "U-616", "Ultrium 6/16T"},
    {0x5c, 7, 19107, 3584, 6000000, 4, 0x78, true, true, "U-732", "Ultrium 7/32T"},
    {0x5d, 7, 19107, 5376, 9000000, 4, 0x78, false, true, "U-732", "Ultrium M8/32T"},
    {0x5e, 8, 20669, 6656, 12000000, 4, 0x88, true, true, "U-832", "Ultrium 8/32T"},
    {0x60, 9, 21456, 8960, 18000000, 4, 0x98, true, true, "U-932", "Ultrium 9/32T"},
});
constexpr uint8_t worm_type = 0x04;

// SSC-4 7.7.3
constexpr size_t density_descriptor_bytes = 52;
constexpr uint8_t wrtok = 0x80, deflt = 0x20;
// SSC-4 7.7.4
constexpr size_t type_descriptor_bytes = 56;

void put_text(uint8_t* to, size_t width, std::string_view text) {
    std::fill_n(to, width, uint8_t(' '));
    std::copy_n(text.begin(), std::min(width, text.size()), to);
}

// Descriptors follow the header.
std::vector<uint8_t> header() {
    return std::vector<uint8_t>(4);
}
std::vector<uint8_t> finished(std::vector<uint8_t> out) {
    wire::store_be<2>(out.data(), uint16_t(out.size() - 2));
    return out;
}

void append_density(std::vector<uint8_t>& out, const Personality& drive, const Density& density) {
    std::array<uint8_t, density_descriptor_bytes> d{};
    d[0] = d[1] = density.code;
    if (use_of(drive, density.code) == Use::write) d[2] |= wrtok;
    if (drive.density == density.code) d[2] |= deflt;
    wire::store_be<3>(&d[5], density.bits_per_mm);
    wire::store_be<2>(&d[8], tape_width);
    wire::store_be<2>(&d[10], density.tracks);
    wire::store_be<4>(&d[12], density.capacity_mb);
    put_text(&d[16], 8, assigning_organisation);
    put_text(&d[24], 8, density.name);
    put_text(&d[32], 20, density.description);
    out.insert(out.end(), d.begin(), d.end());
}

void append_type(std::vector<uint8_t>& out, const Density& density, TapeKind kind) {
    std::array<uint8_t, type_descriptor_bytes> d{};
    d[0] = medium_type_code(density.code, kind);
    wire::store_be<2>(&d[2], uint16_t(type_descriptor_bytes - 4));
    d[4] = 1;  // primary density codes that follow
    d[5] = density.code;
    wire::store_be<2>(&d[14], tape_width);
    wire::store_be<2>(&d[16], uint16_t(0));  // medium length: not told
    put_text(&d[20], 8, assigning_organisation);
    put_text(&d[28], 8, density.name);
    put_text(&d[36], 20, kind == TapeKind::worm ? "Ultrium WORM" : "Ultrium Data");
    out.insert(out.end(), d.begin(), d.end());
}

bool takes(const Personality& drive, const Density& density) {
    return use_of(drive, density.code) != Use::none;
}

}  // namespace

std::span<const Density> densities() {
    return table;
}

const Density* find_density(uint8_t code) {
    for (const Density& density : table)
        if (density.code == code) return &density;
    return nullptr;
}

uint8_t medium_type_code(uint8_t density, TapeKind kind) {
    const Density* known = find_density(density);
    if (!known || kind == TapeKind::cleaning) return 0;
    return uint8_t(known->medium_type | (kind == TapeKind::worm ? worm_type : 0));
}

std::vector<uint8_t> density_support(const Personality& drive) {
    auto out = header();
    for (const Density& density : table)
        if (takes(drive, density)) append_density(out, drive, density);
    return finished(std::move(out));
}

std::vector<uint8_t> density_support_of_medium(const Personality& drive, uint8_t code) {
    auto out = header();
    if (const Density* density = find_density(code ? code : drive.density))
        append_density(out, drive, *density);
    return finished(std::move(out));
}

std::vector<uint8_t> medium_type_support(const Personality& drive) {
    auto out = header();
    for (const Density& density : table) {
        if (!takes(drive, density)) continue;
        append_type(out, density, TapeKind::data);
        if (drive.worm && density.worm) append_type(out, density, TapeKind::worm);
    }
    return finished(std::move(out));
}

std::vector<uint8_t> medium_type_support_of_medium(uint8_t code, TapeKind kind) {
    auto out = header();
    if (const Density* density = find_density(code)) append_type(out, *density, kind);
    return finished(std::move(out));
}

}  // namespace tgt::ssc
