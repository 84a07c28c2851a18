// SPDX-License-Identifier: GPL-2.0-or-later
// REPORT DENSITY SUPPORT (SSC-4 7.7).
#include "device/ssc/density.h"

#include <gtest/gtest.h>

#include "wire/endian.h"

namespace tgt::ssc {
namespace {

using Bytes = std::vector<uint8_t>;

const Personality& drive(std::string_view name) {
    return *find_personality(name);
}

std::string text(const Bytes& bytes, size_t at, size_t length) {
    return {bytes.begin() + ptrdiff_t(at), bytes.begin() + ptrdiff_t(at + length)};
}

TEST(DensitySupport, Ssc4_7_7_3_DescribesEachDensityInOneDescriptor) {
    const Bytes data = density_support(drive("lto5"));
    ASSERT_EQ(data.size(), 4u + 3 * 52);
    EXPECT_EQ(wire::load_be<2>(&data[0]), data.size() - 2);
    EXPECT_EQ(wire::load_be<2>(&data[2]), 0u);
    // Ascending; the oldest can be read only.
    EXPECT_EQ(data[4], 0x44);
    EXPECT_EQ(data[4 + 2], 0x00);
    EXPECT_EQ(data[56], 0x46);
    EXPECT_EQ(data[56 + 2], 0x80);
    const size_t own = 108;
    EXPECT_EQ(data[own], 0x58);
    EXPECT_EQ(data[own + 1], 0x58);
    EXPECT_EQ(data[own + 2], 0xa0);  // WRTOK, DEFLT
    EXPECT_EQ(wire::load_be<2>(&data[own + 3]), 0u);
    EXPECT_EQ(wire::load_be<3>(&data[own + 5]), 15142u);
    EXPECT_EQ(wire::load_be<2>(&data[own + 8]), 127u);
    EXPECT_EQ(wire::load_be<2>(&data[own + 10]), 1280u);
    EXPECT_EQ(wire::load_be<4>(&data[own + 12]), 1500000u);
    EXPECT_EQ(text(data, own + 16, 8), "LTO-CVE ");
    EXPECT_EQ(text(data, own + 24, 8), "U-516   ");
    EXPECT_EQ(text(data, own + 32, 20), "Ultrium 5/16T       ");
}

TEST(DensitySupport, Ssc4_7_7_1_MediaDescribesWhatIsLoaded) {
    const Bytes data = density_support_of_medium(drive("lto5"), 0x44);
    ASSERT_EQ(data.size(), 4u + 52);
    EXPECT_EQ(data[4], 0x44);
    EXPECT_EQ(data[6], 0x00);
    // One without a format yet becomes the drive's own.
    EXPECT_EQ(density_support_of_medium(drive("lto5"), 0)[4], 0x58);
    EXPECT_EQ(density_support_of_medium(drive(""), 0x99).size(), 4u);
}

TEST(DensitySupport, Ssc4_7_7_4_MediumTypesWithAndWithoutWorm) {
    const Bytes data = medium_type_support(drive("lto3"));
    // LTO-1, LTO-2, LTO-3 and LTO-3 WORM.
    ASSERT_EQ(data.size(), 4u + 4 * 56);
    const size_t worm = 4 + 3 * 56;
    EXPECT_EQ(data[worm], 0x3c);
    EXPECT_EQ(wire::load_be<2>(&data[worm + 2]), 52u);
    EXPECT_EQ(data[worm + 4], 1);
    EXPECT_EQ(data[worm + 5], 0x44);
    EXPECT_EQ(wire::load_be<2>(&data[worm + 14]), 127u);
    EXPECT_EQ(text(data, worm + 20, 8), "LTO-CVE ");
    EXPECT_EQ(text(data, worm + 36, 20), "Ultrium WORM        ");
}

TEST(DensitySupport, Ssc4_7_7_4_TheMediumTypeOfTheCartridge) {
    const Bytes data = medium_type_support_of_medium(0x5e, store::TapeKind::worm);
    ASSERT_EQ(data.size(), 60u);
    EXPECT_EQ(data[4], 0x8c);
}

TEST(MediumTypeCode, TellsGenerationAndWorm) {
    EXPECT_EQ(medium_type_code(0x40, store::TapeKind::data), 0x18);
    EXPECT_EQ(medium_type_code(0x60, store::TapeKind::data), 0x98);
    EXPECT_EQ(medium_type_code(0x60, store::TapeKind::worm), 0x9c);
    EXPECT_EQ(medium_type_code(0x60, store::TapeKind::cleaning), 0x00);
    EXPECT_EQ(medium_type_code(0x00, store::TapeKind::data), 0x00);
}

}  // namespace
}  // namespace tgt::ssc
