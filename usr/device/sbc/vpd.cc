// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/sbc/vpd.h"

#include "device/sbc/limits.h"
#include "scsi/logical_unit.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

using wire::be16;
using wire::be32;
using wire::be64;

// SBC-4 6.6.4, without the four bytes of the page header.
struct BlockLimits {
    uint8_t wsnz = 0;  // bit 0: WRITE SAME with a block count of zero is refused
    uint8_t max_compare_and_write = 0;
    be16 optimal_granularity;
    be32 max_transfer;
    be32 optimal_transfer;
    be32 max_prefetch;
    be32 max_unmap_blocks;
    be32 max_unmap_descriptors;
    be32 optimal_unmap_granularity;
    be32 unmap_alignment;  // bit 31 UGAVALID
    be64 max_write_same;
    be32 atomic[5];
};
static_assert(sizeof(BlockLimits) == 60);
constexpr uint32_t ugavalid = 0x80000000;

// SBC-4 6.6.2.
struct Characteristics {
    be16 rotation_rate;
    uint8_t product_type = 0;
    uint8_t form_factor = 0;  // bits 3-0: 0 not reported
    uint8_t flags = 0;
    uint8_t reserved[55] = {};
};
static_assert(sizeof(Characteristics) == 60);

// SBC-4 6.6.6.
struct Provisioning {
    uint8_t threshold_exponent = 0;
    uint8_t flags = 0;
    uint8_t type = 0;  // bits 2-0: 0 not reported or full, 2 thin
    uint8_t reserved = 0;
};
static_assert(sizeof(Provisioning) == 4);
constexpr uint8_t lbpu = 0x80, lbpws = 0x40, lbpws10 = 0x20, lbprz = 0x04, thin_type = 2;

template <class T>
void append(std::vector<uint8_t>& body, const T& object) {
    auto bytes = wire::bytes_of(object);
    body.insert(body.end(), bytes.begin(), bytes.end());
}

}  // namespace

void append_block_limits(const scsi::LunState& state, std::vector<uint8_t>& body) {
    const scsi::Geometry& geometry = state.geometry;
    BlockLimits page;
    page.max_compare_and_write = max_compare_blocks;
    page.optimal_granularity = geometry.optimal_granularity;
    page.max_transfer = uint32_t(max_transfer_bytes / geometry.block_size);
    page.optimal_transfer = geometry.optimal_length;
    page.max_write_same = max_write_same_blocks;
    if (state.thin) {
        page.max_unmap_blocks = max_unmap_blocks;
        page.max_unmap_descriptors = max_unmap_descriptors;
        page.optimal_unmap_granularity = state.unmap_granularity;
        if (state.unmap_granularity > 0) page.unmap_alignment = ugavalid;
    }
    append(body, page);
}

void append_characteristics(const scsi::LunState& state, std::vector<uint8_t>& body) {
    Characteristics page;
    page.rotation_rate = state.geometry.rotation_rate;
    append(body, page);
}

void append_provisioning(const scsi::LunState& state, const store::Features& features,
                         std::vector<uint8_t>& body) {
    Provisioning page;
    if (state.thin) {
        page.flags = lbpu | lbpws | lbpws10;
        if (features.discard_zeroes) page.flags |= lbprz;
        page.type = thin_type;
    }
    append(body, page);
}

void vpd_block_limits(const scsi::Command& command, std::vector<uint8_t>& body) {
    append_block_limits(command.state(), body);
}

void vpd_characteristics(const scsi::Command& command, std::vector<uint8_t>& body) {
    append_characteristics(command.state(), body);
}

void vpd_provisioning(const scsi::Command& command, std::vector<uint8_t>& body) {
    const store::Store* store = command.shard->store.get();
    append_provisioning(command.state(), store ? store->info().features : store::Features(), body);
}

}  // namespace tgt::sbc
