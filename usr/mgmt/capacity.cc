// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/capacity.h"

#include "base/log.h"
#include "mgmt/numbers.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;

using UnitPtr = std::shared_ptr<scsi::LogicalUnit>;

bool is_disk(const scsi::LogicalUnit& unit) {
    return unit.type().peripheral_type == direct_access;
}

uint64_t shown_bytes(const scsi::LunState& state) {
    return state.geometry.blocks * state.geometry.block_size;
}

void show_blocks(io::Runtime& runtime, const UnitPtr& unit, uint64_t blocks,
                 std::function<void()> done) {
    auto build = [blocks](const scsi::LunState& now) {
        scsi::LunChange change;
        if (blocks == now.geometry.blocks) return change;
        change.next = std::make_shared<scsi::LunState>(now);
        change.next->geometry.blocks = blocks;
        change.attentions.push_back({scsi::ua::capacity_changed, {}, {}});
        return change;
    };
    unit->change(build, runtime.control(),
                 [done = std::move(done)](const scsi::Outcome&) { done(); });
}

Status check_limit(const std::string& path, uint64_t limit, uint64_t size, uint64_t block_size) {
    if (limit == 0 || limit % block_size != 0)
        return refuse(ErrorCode::invalid_request,
                      "capacity={} is refused: it must be a multiple of the block size {}", limit,
                      block_size);
    if (limit > size)
        return refuse(ErrorCode::invalid_request, "capacity={} is refused: {} has {} bytes only",
                      limit, path, size);
    return {};
}

Status check_auto(const Medium& medium, uint64_t size, uint64_t shown) {
    if (size >= shown) return {};
    return refuse(ErrorCode::invalid_request,
                  "capacity=auto is refused: {} has {} bytes, fewer than the {} that are in use; "
                  "give the number to let go of the rest",
                  medium.open.path, size, shown);
}

}  // namespace

Outcome<std::optional<uint64_t>> parse_capacity(std::string_view text) {
    constexpr std::string_view units = "kmgt";
    if (text == "auto") return std::optional<uint64_t>();
    unsigned shift = 0;
    std::string_view digits = text;
    if (!digits.empty()) {
        const char last = char(digits.back() | 0x20);  // lower case
        if (const size_t unit = units.find(last); unit != std::string_view::npos) {
            shift = 10 * unsigned(unit + 1);
            digits.remove_suffix(1);
        }
    }
    const auto number = parse_number(digits, UINT64_MAX >> shift);
    if (!number)
        return refuse(
            ErrorCode::invalid_request,
            "capacity={} is refused: the value must be auto, or bytes such as 1073741824, "
            "512m, 10g",
            text);
    return std::optional<uint64_t>(*number << shift);
}

void follow_size(io::Runtime& runtime, const MediumPtr& medium, uint64_t size) {
    const UnitPtr unit = medium->unit.lock();
    const uint64_t before = std::exchange(medium->size, size);
    if (!unit || !is_disk(*unit) || before == size) return;
    const scsi::LunState& state = *unit->state();
    const uint64_t shown = shown_bytes(state);
    if (size < shown) {
        log::error(module,
                   "{} has shrunk to {} bytes; {} still shows {}, and what lies behind the end "
                   "fails. Bring the size back, or give up the rest with "
                   "--mode logicalunit --op update --params capacity={}",
                   medium->open.path, size, medium->place, shown,
                   size - size % state.geometry.block_size);
        return;
    }
    const uint64_t blocks = size / state.geometry.block_size;
    if (medium->limit || blocks == state.geometry.blocks) return;
    log::info(module, "{} has grown: {} shows {} bytes now, {} before", medium->open.path,
              medium->place, blocks * state.geometry.block_size, shown);
    show_blocks(runtime, unit, blocks, [] {});
}

void show_size(io::Runtime& runtime, const MediumPtr& medium, uint64_t size,
               std::function<void()> done) {
    const UnitPtr unit = medium->unit.lock();
    medium->size = size;
    if (!unit || !is_disk(*unit)) return done();
    medium->limit.reset();
    show_blocks(runtime, unit, size / unit->state()->geometry.block_size, std::move(done));
}

void set_capacity(io::Runtime& runtime, const MediumPtr& medium, uint64_t size,
                  std::optional<uint64_t> limit, StatusCallback done) {
    const UnitPtr unit = medium->unit.lock();
    if (!unit) return done(refuse(ErrorCode::no_lun, "the logical unit has gone"));
    const scsi::LunState& state = *unit->state();
    medium->size = size;
    const auto status =
        limit ? check_limit(medium->open.path, *limit, size, state.geometry.block_size)
              : check_auto(*medium, size, shown_bytes(state));
    if (!status) return done(status);
    medium->limit = limit;
    show_blocks(runtime, unit, limit.value_or(size) / state.geometry.block_size,
                [done = std::move(done)] { done({}); });
}

Status restore_capacity(scsi::LunState& state, std::string_view value, uint64_t size,
                        std::optional<uint64_t>& limit) {
    const auto parsed = parse_capacity(value);
    if (!parsed) return tl::unexpected(parsed.error());
    limit = *parsed;
    if (limit)
        if (auto status = check_limit("the medium", *limit, size, state.geometry.block_size);
            !status)
            return status;
    state.geometry.blocks = limit.value_or(size) / state.geometry.block_size;
    return {};
}

}  // namespace tgt::mgmt
