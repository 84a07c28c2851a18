// SPDX-License-Identifier: GPL-2.0-or-later
// What an initiator sends to a tape drive: MODE SELECT, SET DATA ENCRYPTION, WRITE ATTRIBUTE; and
// the payload of an encrypted block, which may come from a stranger's cartridge. Beyond not
// crashing: what is accepted is within the bounds that the rest of the drive relies on.
#include <cstdint>
#include <cstdlib>

#include "device/ssc/attributes.h"
#include "device/ssc/block_compression.h"
#include "device/ssc/encryption.h"
#include "device/ssc/mode_pages.h"
#include "tests/fuzz/input.h"

namespace {

using namespace tgt;
using List = std::vector<uint8_t>;

void require(bool fine) {
    if (!fine) std::abort();
}

const scsi::DeviceType& tape_type() {
    static const scsi::DeviceType type = [] {
        scsi::DeviceType t;
        t.block_descriptor = ssc::block_descriptor;
        t.device_specific = ssc::device_specific;
        t.mode_rules = ssc::mode_rules;
        return t;
    }();
    return type;
}

// The state is one that MODE SENSE shows, and that MODE SELECT takes back without a change.
void is_shown_and_taken_back(const scsi::LunState& state, bool long_header) {
    scsi::ModeSenseRequest all;
    all.long_header = long_header;
    all.page = 0x3f;
    all.subpage = 0xff;
    std::vector<scsi::ModePage> pages;
    const auto data = scsi::mode_sense_data(ssc::shown_modes(state, {}, pages), all);
    require(data.has_value());
    const auto again = scsi::mode_select(tape_type(), state, long_header, *data);
    require(again && again->geometry.block_size == state.geometry.block_size);
}

void mode_select(test::Input& input) {
    const auto drives = ssc::personalities();
    scsi::LunState state = ssc::initial_state({});
    require(ssc::set_personality(state, drives[input.byte() % drives.size()].name).has_value());
    const bool long_header = input.byte() & 1;
    const auto next = scsi::mode_select(tape_type(), state, long_header, input.take(4096));
    if (!next) return require(next.error().key == scsi::SenseKey::illegal_request);
    const auto& drive = ssc::personality_of(*next);
    require(ssc::fixed_block_bytes(*next) <= drive.max_block);
    require(drive.protects(ssc::protection_modes(*next).method));
    constexpr uint64_t capacity = 12000000000000;
    if (const auto plan = ssc::planned_partitions(*next, drive.max_partitions, capacity)) {
        uint64_t sum = 0;
        for (uint64_t size : *plan) sum += size;
        require(!plan->empty() && plan->size() <= drive.max_partitions && sum <= capacity);
    }
    is_shown_and_taken_back(*next, long_header);
}

void set_encryption(test::Input& input) {
    const auto set = ssc::parse_set_encryption(input.take(4096));
    if (!set) return require(set.error().key == scsi::SenseKey::illegal_request);
    require(set->ukad.size() <= ssc::max_ukad && set->akad.size() <= ssc::max_akad);
    const bool needs_key = set->encrypt != ssc::EncryptionMode::disable ||
                           set->decrypt != ssc::DecryptionMode::disable;
    require(!needs_key || set->key);
}

void write_attribute(test::Input& input) {
    const List list = input.take(70000);
    const auto changes = ssc::parse_attributes(list);
    if (!changes) return require(changes.error().key == scsi::SenseKey::illegal_request);
    size_t bytes = 0;
    for (const auto& [id, attribute] : *changes) {
        require(id >= 0x0800);
        bytes += 5 + attribute.value.size();
    }
    require(bytes <= list.size());
}

void encrypted_block(test::Input& input) {
    static const List text(ssc::key_bytes, 1);
    static const ssc::BlockKey key{std::span<const uint8_t, ssc::key_bytes>(text)};
    const List payload = input.take(70000);
    if (const auto header = ssc::read_seal(payload)) {
        List out(ssc::plain_bytes(*header, payload));
        ssc::unseal(key, {}, *header, payload, out);
    }
    static ssc::BlockCompressor compressor;
    List block(65536);
    compressor.decompress(payload, block);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    test::Input input(data, size);
    switch (input.byte() & 3) {
        case 0:
            mode_select(input);
            break;
        case 1:
            set_encryption(input);
            break;
        case 2:
            write_attribute(input);
            break;
        default:
            encrypted_block(input);
    }
    return 0;
}
