// SPDX-License-Identifier: GPL-2.0-or-later
// READ ATTRIBUTE and WRITE ATTRIBUTE (SPC-4 6.16, 6.41, 7.4).
#include "device/ssc/attributes.h"

#include <gtest/gtest.h>

#include "device/ssc/counters.h"
#include "tests/unit/device/ssc_pages/paper_tape.h"
#include "wire/endian.h"

namespace tgt::ssc {
namespace {

using Bytes = std::vector<uint8_t>;
using Format = store::TapeAttribute::Format;

Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

Bytes one(uint16_t id, uint8_t format, const Bytes& value) {
    Bytes out = {uint8_t(id >> 8), uint8_t(id), format, uint8_t(value.size() >> 8),
                 uint8_t(value.size())};
    out.insert(out.end(), value.begin(), value.end());
    return out;
}

Bytes list(std::initializer_list<Bytes> attributes) {
    Bytes out(4);
    for (const Bytes& a : attributes) out.insert(out.end(), a.begin(), a.end());
    wire::store_be<4>(out.data(), uint32_t(out.size() - 4));
    return out;
}

uint64_t number(const Attributes& all, uint16_t id) {
    uint64_t n = 0;
    for (uint8_t byte : all.at(id).value.value) n = n << 8 | byte;
    return n;
}

int wrong_byte(const Bytes& parameters) {
    const auto parsed = parse_attributes(parameters);
    if (parsed) return -1;
    EXPECT_EQ(parsed.error().key, scsi::SenseKey::illegal_request);
    return parsed.error().asc == 0x1a ? -2 : parsed.error().specific_value;
}

class TapeAttributes : public ::testing::Test {
  protected:
    TapeAttributes() {
        tape.facts.density = 0x5e;
        tape.facts.serial = "S0001";
        tape.facts.barcode = "ABC123L8";
        tape.rooms = {{uint64_t(100) << 20, 0, uint64_t(30) << 20}, {uint64_t(50) << 20, 0, 0}};
    }
    Attributes all(uint32_t partition = 0) { return attributes_of(tape, partition, counters); }
    scsi::Outcome write(const Bytes& parameters, uint32_t partition = 0) {
        auto changes = parse_attributes(parameters);
        if (!changes) return changes.error();
        return write_attributes(tape, partition, *changes);
    }
    Counters counters;
    test::PaperTape tape;
};

TEST_F(TapeAttributes, Spc4_7_4_2_2_DeviceAttributes) {
    counters.mount.bytes_written.add(uint64_t(5) << 20);
    counters.raise(Alert::media);
    auto now = all();
    EXPECT_EQ(number(now, 0x0000), 70u);
    EXPECT_EQ(number(now, 0x0001), 100u);
    EXPECT_EQ(number(now, 0x0002), uint64_t(1) << 60);
    EXPECT_EQ(number(now, 0x0006), 0x5eu);
    EXPECT_EQ(number(now, 0x0222), 5u);
    EXPECT_EQ(number(now, 0x0220), 5u);
    EXPECT_EQ(number(all(1), 0x0000), 50u);
    for (const auto& [id, attribute] : now) EXPECT_EQ(attribute.read_only, id < 0x0800) << id;
}

TEST_F(TapeAttributes, Spc4_7_4_2_3_MediumAttributesHaveTheirLengths) {
    auto now = all();
    const std::pair<uint16_t, size_t> lengths[] = {
        {0x0400, 8}, {0x0401, 32}, {0x0402, 4}, {0x0403, 4}, {0x0404, 8},
        {0x0405, 1}, {0x0406, 8},  {0x0407, 8}, {0x0408, 1}, {0x0409, 2}};
    for (const auto& [id, length] : lengths) EXPECT_EQ(now.at(id).value.value.size(), length) << id;
    EXPECT_EQ(number(now, 0x0408), 0u);
    tape.facts.kind = store::TapeKind::worm;
    EXPECT_EQ(number(all(), 0x0408), 0x80u);
    tape.facts.kind = store::TapeKind::cleaning;
    EXPECT_EQ(number(all(), 0x0408), 0x01u);
}

TEST_F(TapeAttributes, WhatTheFactoryHasWrittenIsTold) {
    tape.memory[0][0x0400] = {Format::ascii, bytes("FUJIFILM")};
    EXPECT_EQ(all().at(0x0400).value.value, bytes("FUJIFILM"));
    EXPECT_TRUE(all().at(0x0400).read_only);
}

TEST_F(TapeAttributes, TheBarcodeIsThatOfTheCartridgeUntilAHostWritesOne) {
    EXPECT_EQ(all().at(0x0806).value.value, bytes("ABC123L8                        "));
    EXPECT_FALSE(all().at(0x0806).read_only);
    EXPECT_TRUE(write(list({one(0x0806, 1, bytes("OTHER"))})).good());
    EXPECT_EQ(all().at(0x0806).value.value, bytes("OTHER"));
}

TEST_F(TapeAttributes, Spc4_6_16_2_ValuesBeginAtTheFirstAttributeAsked) {
    write(list({one(0x0801, 1, bytes("bacula"))}));
    const Bytes data = attribute_values(all(), 0x0800);
    EXPECT_EQ(wire::load_be<4>(data.data()), data.size() - 4);
    EXPECT_EQ(Bytes(data.begin() + 4, data.begin() + 15), one(0x0801, 1, bytes("bacula")));
    const Bytes first = attribute_values(all(), 0);
    EXPECT_EQ(first[6], 0x80);  // read only, binary
    EXPECT_EQ(attribute_values(all(), 0x2000), Bytes(4));
}

TEST_F(TapeAttributes, Spc4_6_16_3_AttributeList) {
    write(list({one(0x0801, 1, bytes("bacula"))}));
    EXPECT_EQ(attribute_list(all(), 0x0800), (Bytes{0, 0, 0, 4, 0x08, 0x01, 0x08, 0x06}));
}

TEST_F(TapeAttributes, Spc4_6_16_5_PartitionList) {
    EXPECT_EQ(numbers_from_zero(2), (Bytes{0, 2, 0, 2}));
}

TEST_F(TapeAttributes, Spc5_SupportedAttributesAreInOrderAndHoldAllThatIsTold) {
    note_load(tape, {});
    const Bytes data = supported_attributes(0);
    std::vector<uint16_t> ids;
    for (size_t at = 4; at < data.size(); at += 2)
        ids.push_back(uint16_t(wire::load_be<2>(&data[at])));
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    for (const auto& [id, attribute] : all())
        EXPECT_TRUE(std::binary_search(ids.begin(), ids.end(), id)) << id;
    EXPECT_EQ(supported_attributes(0x0821), (Bytes{0, 0, 0, 2, 0x08, 0x21}));
}

TEST_F(TapeAttributes, Spc4_6_41_WritesAndRemovesHostAttributes) {
    EXPECT_TRUE(write(list({one(0x0800, 1, bytes("IBM     ")), one(0x0805, 0, {0x81}),
                            one(0x1623, 0, {0})}))
                    .good());
    EXPECT_EQ(all().at(0x0800).value.value, bytes("IBM     "));
    EXPECT_FALSE(all().at(0x1623).read_only);
    EXPECT_TRUE(write(list({one(0x0800, 1, {})})).good());
    EXPECT_EQ(all().count(0x0800), 0u);
}

TEST_F(TapeAttributes, VolumeCoherencyIsKeptForEachPartition) {
    EXPECT_TRUE(write(list({one(0x080c, 0, {1, 2, 3})}), 0).good());
    EXPECT_TRUE(write(list({one(0x080c, 0, {4}), one(0x0808, 2, bytes("pool"))}), 1).good());
    EXPECT_EQ(all(0).at(0x080c).value.value, (Bytes{1, 2, 3}));
    EXPECT_EQ(all(1).at(0x080c).value.value, Bytes{4});
    EXPECT_EQ(all(0).at(0x0808).value.value, bytes("pool"));
}

TEST_F(TapeAttributes, Spc4_6_41_WhatMayNotBeWrittenIsPointedAt) {
    EXPECT_EQ(wrong_byte(list({one(0x0805, 0, {1}), one(0x0003, 0, Bytes(8))})), 10);  // read only
    EXPECT_EQ(wrong_byte(list({one(0x0401, 1, Bytes(32))})), 4);
    EXPECT_EQ(wrong_byte(list({one(0x0900, 0, {1})})), 4);              // unknown
    EXPECT_EQ(wrong_byte(list({one(0x0801, 0, {1})})), 6);              // format
    EXPECT_EQ(wrong_byte(list({one(0x0801, 3, {1})})), 6);              // no format
    EXPECT_EQ(wrong_byte(list({one(0x0801, 1, Bytes(33))})), 7);        // too long
    EXPECT_EQ(wrong_byte(list({one(0x0820, 0, Bytes(35))})), 7);        // not the length
    EXPECT_EQ(wrong_byte({0, 0, 0, 4, 0x08, 0x01, 1, 0}), 4);           // no whole header
    EXPECT_EQ(wrong_byte({0, 0, 0, 6, 0x08, 0x01, 1, 0, 2, 'x'}), 7);   // no whole value
    EXPECT_EQ(wrong_byte({0, 0, 0, 9, 0x08, 0x01, 1, 0, 1, 'x'}), -2);  // truncated list
    EXPECT_EQ(wrong_byte({0, 0, 0}), -2);
    EXPECT_EQ(wrong_byte({}), -1);
}

TEST_F(TapeAttributes, Spc4_6_41_AFailedWriteChangesNothing) {
    write(list({one(0x0801, 1, bytes("before"))}));
    tape.full_at = 0x0808;
    const auto outcome = write(list({one(0x0800, 1, bytes("new")), one(0x0801, 1, bytes("after")),
                                     one(0x0808, 2, bytes("pool"))}));
    ASSERT_FALSE(outcome.good());
    EXPECT_EQ(outcome.sense->asc, 0x55);
    EXPECT_EQ(outcome.sense->ascq, 0x06);
    EXPECT_EQ(all().at(0x0801).value.value, bytes("before"));
    EXPECT_EQ(all().count(0x0800), 0u);
}

TEST_F(TapeAttributes, AProtectedCartridgeRefuses) {
    tape.facts.read_only = true;
    const auto outcome = write(list({one(0x0801, 1, bytes("x"))}));
    ASSERT_TRUE(outcome.sense);
    EXPECT_EQ(outcome.sense->key, scsi::SenseKey::data_protect);
}

TEST_F(TapeAttributes, Spc4_7_4_2_2_8_LoadsAreCountedAndTheLastFourDevicesKept) {
    scsi::LunIdentity drive;
    drive.vendor = "IBM";
    for (char c = '1'; c <= '5'; ++c) {
        drive.scsi_sn = std::string("SN") + c;
        note_load(tape, drive);
    }
    auto now = all();
    EXPECT_EQ(number(now, 0x0003), 5u);
    EXPECT_EQ(load_count(tape), 5u);
    auto serial = [&](uint16_t id) {
        const Bytes& value = now.at(id).value.value;
        EXPECT_EQ(value.size(), 40u);
        return std::string(value.begin(), value.begin() + 11);
    };
    EXPECT_EQ(serial(0x020a), "IBM     SN5");
    EXPECT_EQ(serial(0x020d), "IBM     SN2");
}

TEST_F(TapeAttributes, WhatWasMovedInALoadIsAddedToTheLife) {
    counters.mount.bytes_written.add(uint64_t(7) << 20);
    counters.mount.bytes_read.add(uint64_t(3) << 20);
    note_unload(tape, counters);
    counters.mount.clear();
    counters.mount.bytes_written.add(uint64_t(1) << 20);
    auto now = all();
    EXPECT_EQ(number(now, 0x0220), 8u);
    EXPECT_EQ(number(now, 0x0221), 3u);
    EXPECT_EQ(number(now, 0x0222), 1u);
    note_format(tape);
    EXPECT_EQ(number(all(), 0x0007), 1u);
}

TEST_F(TapeAttributes, Spc4_7_4_2_2_4_SpaceShrinksAsAttributesComeIn) {
    const uint64_t before = number(all(), 0x0004);
    write(list({one(0x0801, 1, bytes("12345"))}));
    EXPECT_EQ(number(all(), 0x0004), before - 10);
}

}  // namespace
}  // namespace tgt::ssc
