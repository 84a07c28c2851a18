// SPDX-License-Identifier: GPL-2.0-or-later
// READ CAPACITY and GET LBA STATUS (SBC-4 5.7, 5.22, 5.23).
#include "device/sbc/capacity.h"

#include "device/sbc/handlers.h"
#include "device/sbc/medium.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

using wire::be16;
using wire::be32;
using wire::be64;

struct Capacity16 {
    be64 last_lba;
    be32 block_size;
    uint8_t protection = 0;
    uint8_t exponents = 0;  // bits 3-0: LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT
    be16 provisioning;      // bit 15 LBPME, bit 14 LBPRZ, bits 13-0 LOWEST ALIGNED LBA
    uint8_t reserved[16] = {};
};
static_assert(sizeof(Capacity16) == 32);
constexpr uint16_t lbpme = 0x8000, lbprz = 0x4000;

struct LbaStatusHeader {
    be32 length;  // of what follows this field
    be32 reserved;
};
struct LbaStatusDescriptor {
    be64 lba;
    be32 blocks;
    uint8_t status = 0;  // bits 3-0
    uint8_t reserved[3] = {};
};
static_assert(sizeof(LbaStatusDescriptor) == 16);
enum : uint8_t { status_mapped = 0, status_deallocated = 1 };

constexpr size_t max_lba_status_runs = 1024;
// Holes smaller than a block merge into one run without making it longer than this many steps.
constexpr size_t max_extent_steps = 16 * max_lba_status_runs;

template <class T>
void append(std::vector<uint8_t>& to, const T& object) {
    auto bytes = wire::bytes_of(object);
    to.insert(to.end(), bytes.begin(), bytes.end());
}

uint64_t last_lba(const scsi::Geometry& geometry) {
    return geometry.blocks > 0 ? geometry.blocks - 1 : 0;
}

// SBC-4 5.22.2: an LBA without PMI is an error.
bool lba_without_pmi(const uint8_t* lba, size_t bytes, uint8_t pmi_byte) {
    return !(pmi_byte & 1) && std::any_of(lba, lba + bytes, [](uint8_t byte) { return byte != 0; });
}

}  // namespace

std::array<uint8_t, 8> capacity_10_data(const scsi::Geometry& geometry) {
    std::array<uint8_t, 8> data{};
    wire::store_be<4>(&data[0], uint32_t(std::min<uint64_t>(last_lba(geometry), 0xffffffff)));
    wire::store_be<4>(&data[4], geometry.block_size);
    return data;
}

std::array<uint8_t, 32> capacity_16_data(const scsi::LunState& state, bool reads_zeroes) {
    Capacity16 wire_data;
    wire_data.last_lba = last_lba(state.geometry);
    wire_data.block_size = state.geometry.block_size;
    wire_data.exponents = state.geometry.physical_exponent & 0x0f;
    unsigned provisioning = state.geometry.lowest_aligned_lba & 0x3fff;
    if (state.thin) provisioning |= reads_zeroes ? lbpme | lbprz : lbpme;
    wire_data.provisioning = uint16_t(provisioning);
    std::array<uint8_t, 32> data{};
    auto bytes = wire::bytes_of(wire_data);
    std::copy(bytes.begin(), bytes.end(), data.begin());
    return data;
}

std::vector<uint8_t> lba_status_data(std::span<const LbaRun> runs) {
    std::vector<uint8_t> data;
    LbaStatusHeader header;
    header.length = uint32_t(4 + runs.size() * sizeof(LbaStatusDescriptor));
    append(data, header);
    for (const LbaRun& run : runs) {
        LbaStatusDescriptor descriptor;
        descriptor.lba = run.lba;
        descriptor.blocks = uint32_t(std::min<uint64_t>(run.blocks, 0xffffffff));
        descriptor.status = run.mapped ? status_mapped : status_deallocated;
        append(data, descriptor);
        // The next descriptor would not follow on.
        if (run.blocks > 0xffffffff) break;
    }
    header.length = uint32_t(data.size() - 4);
    auto bytes = wire::bytes_of(header);
    std::copy(bytes.begin(), bytes.end(), data.begin());
    return data;
}

void LbaRunBuilder::add(uint64_t bytes, bool mapped) {
    uint64_t blocks = bytes / block_size_;
    if (mapped && bytes % block_size_ != 0) ++blocks;
    if (blocks == 0) {  // a hole inside a block: the rest of the block may be data
        blocks = 1;
        mapped = true;
    }
    blocks = std::min(blocks, capacity_ - next_);
    if (!runs_.empty() && runs_.back().mapped == mapped) {
        runs_.back().blocks += blocks;
    } else if (runs_.size() == max_runs_) {
        full_ = true;
        return;
    } else {
        runs_.push_back({next_, blocks, mapped});
    }
    next_ += blocks;
}

Outcome read_capacity_10(Command& command) {
    if (lba_without_pmi(&command.cdb[2], 4, command.cdb[8]))
        return scsi::sense::invalid_field_in_cdb(2);
    return command.reply(capacity_10_data(command.state().geometry), 8);
}

Outcome read_capacity_16(Command& command) {
    if (lba_without_pmi(&command.cdb[2], 8, command.cdb[14]))
        return scsi::sense::invalid_field_in_cdb(2);
    const bool reads_zeroes = command.store().info().features.discard_zeroes;
    return command.reply(capacity_16_data(command.state(), reads_zeroes), command.extents.bytes);
}

Outcome get_lba_status(Command& command) {
    const uint64_t room = command.extents.bytes;
    const size_t fitting = room < 24 ? 1 : size_t((room - 8) / 16);
    LbaRunBuilder builder(command.extents.lba, command.state().geometry.blocks, block_size(command),
                          std::min(fitting, max_lba_status_runs));
    store::Store& store = command.store();
    // A fully provisioned unit has mapped blocks only (SBC-4 4.7.2), whatever the file looks like.
    const bool all_mapped = !command.state().thin || !store.info().features.extents;
    if (all_mapped) builder.add(UINT64_MAX, true);
    for (size_t steps = 0; !builder.complete() && steps < max_extent_steps; ++steps) {
        if (command.aborted()) return Status::task_aborted;
        auto extent = store.extent(builder.offset());
        if (!extent)
            return scsi::outcome_of_errno(extent.error().code, scsi::Access::read,
                                          builder.offset() / block_size(command));
        builder.add(extent->length, extent->mapped);
    }
    return command.reply(lba_status_data(builder.runs()), room);
}

}  // namespace tgt::sbc
