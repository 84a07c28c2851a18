// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/sbc/unmap.h"

#include "device/sbc/handlers.h"
#include "device/sbc/limits.h"
#include "device/sbc/medium.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

namespace sense = scsi::sense;
using wire::be16;
using wire::be32;
using wire::be64;

// SBC-4 table 118 and 119.
struct UnmapHeader {
    be16 data_length;
    be16 descriptor_data_length;
    be32 reserved;
};
static_assert(sizeof(UnmapHeader) == 8);

struct UnmapDescriptor {
    be64 lba;
    be32 blocks;
    be32 reserved;
};
static_assert(sizeof(UnmapDescriptor) == 16);

}  // namespace

Result<std::vector<UnmapRange>, scsi::Sense> parse_unmap_list(std::span<const uint8_t> list,
                                                              uint64_t capacity) {
    std::vector<UnmapRange> ranges;
    if (list.empty()) return ranges;
    if (list.size() < sizeof(UnmapHeader))
        return tl::unexpected(sense::parameter_list_length_error());
    const auto header = wire::from_bytes<UnmapHeader>(list.data());
    // An incomplete last descriptor is ignored, as the clause says.
    const size_t count = header.descriptor_data_length / sizeof(UnmapDescriptor);
    if (count * sizeof(UnmapDescriptor) > list.size() - sizeof(UnmapHeader))
        return tl::unexpected(sense::parameter_list_length_error());
    if (count > max_unmap_descriptors) return tl::unexpected(sense::invalid_field_in_parameters(2));
    uint64_t total = 0;
    for (size_t i = 0; i < count; ++i) {
        const size_t at = sizeof(UnmapHeader) + i * sizeof(UnmapDescriptor);
        const auto descriptor = wire::from_bytes<UnmapDescriptor>(&list[at]);
        const UnmapRange range{descriptor.lba, descriptor.blocks};
        if (range.lba > capacity || range.blocks > capacity - range.lba)
            return tl::unexpected(sense::lba_out_of_range(range.lba));
        total += range.blocks;
        if (total > max_unmap_blocks)
            return tl::unexpected(sense::invalid_field_in_parameters(uint16_t(at + 8)));
        if (range.blocks > 0) ranges.push_back(range);
    }
    return ranges;
}

scsi::BlockRange unmap_reach(const Command& command) {
    const auto ranges = parse_unmap_list(command.parameter_list(), command.state().geometry.blocks);
    if (!ranges || ranges->empty()) return {};
    uint64_t first = UINT64_MAX, end = 0;
    for (const UnmapRange& range : *ranges) {
        first = std::min(first, range.lba);
        end = std::max(end, range.lba + range.blocks);
    }
    return {first, end - first};
}

Outcome unmap(Command& command) {
    const auto list = command.parameter_list();
    // The initiator announced a longer list than it sent.
    if (list.size() < command.out_total) return sense::parameter_list_length_error();
    auto ranges = parse_unmap_list(list, command.state().geometry.blocks);
    if (!ranges) return ranges.error();
    const Medium medium(command);
    // Without a way to give space back the request, which is a hint, is done by doing nothing.
    if (!medium.features().discard) return {};
    for (const UnmapRange& range : *ranges) {
        Outcome outcome =
            medium.change_range(store::OpKind::discard, range.lba * block_size(command),
                                uint64_t(range.blocks) * block_size(command));
        if (!outcome.good()) return outcome;
    }
    return ranges->empty() ? Outcome() : medium.flush_unless_cached();
}

}  // namespace tgt::sbc
