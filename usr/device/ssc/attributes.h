// SPDX-License-Identifier: GPL-2.0-or-later
// Medium auxiliary memory (SPC-4 7.4): what READ ATTRIBUTE tells and WRITE ATTRIBUTE may change.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scsi/lun_state.h"
#include "scsi/outcome.h"
#include "store/tape.h"

namespace tgt::ssc {

struct Counters;

struct Attribute {
    store::TapeAttribute value;
    bool read_only = false;
};
using Attributes = std::map<uint16_t, Attribute>;

// Everything that is known of a partition: what the cartridge keeps, and what follows from its
// state. `counters` of the drive that it is in.
Attributes attributes_of(const store::Tape& tape, uint32_t partition, const Counters& counters);

// READ ATTRIBUTE parameter data (SPC-4 6.16), from attribute `first` on.
std::vector<uint8_t> attribute_values(const Attributes& all, uint16_t first);
std::vector<uint8_t> attribute_list(const Attributes& all, uint16_t first);
std::vector<uint8_t> supported_attributes(uint16_t first);
// LOGICAL VOLUME LIST, PARTITION LIST: number 0 on, so many.
std::vector<uint8_t> numbers_from_zero(uint8_t count);

// WRITE ATTRIBUTE (SPC-4 6.41): the attributes of a parameter list, or what is wrong. An empty
// value removes one.
using Changes = std::vector<std::pair<uint16_t, store::TapeAttribute>>;
Result<Changes, scsi::Sense> parse_attributes(std::span<const uint8_t> list);
// All of them or, after an error, what was there before.
scsi::Outcome write_attributes(store::Tape& tape, uint32_t partition, const Changes& changes);

// What the drive itself keeps: to be called when a cartridge is loaded, with the drive's identity,
// and before it leaves. Failures do not matter; the next flush() writes them.
void note_load(store::Tape& tape, const scsi::LunIdentity& drive);
void note_unload(store::Tape& tape, const Counters& counters);
void note_format(store::Tape& tape);  // the partitions are new
uint64_t load_count(const store::Tape& tape);

}  // namespace tgt::ssc
