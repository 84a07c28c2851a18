// SPDX-License-Identifier: GPL-2.0-or-later
// SCSI commands as data: one row per command, composed per device type at compile time. The same
// rows dispatch, check, answer REPORT SUPPORTED OPERATION CODES, and name commands in logs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "scsi/block_range.h"
#include "scsi/outcome.h"
#include "scsi/reservations.h"

namespace tgt::scsi {

class Command;

enum class Direction : uint8_t { none, in, out, both };

// How a command runs (the default; a handler may offload).
enum class Kind : uint8_t {
    inline_,   // answers at once, on the worker
    io,        // one asynchronous store operation
    control,   // a LUN-wide change through the control thread
    blocking,  // straight-line code on the blocking pool
};

enum class Step : uint8_t { done, pending };
// Inline and blocking commands: run to the end. A blocking one runs on a pool thread and may touch
// only its Command, the Store and the immutable state the Command holds.
using Run = Outcome (*)(Command&);
// Blocking commands of serial devices: on the worker, when nothing is on the strand. Short, and
// waits for no device; without an outcome nothing has changed but what is in the command's buffers,
// and `run` does it on the strand.
using RunNow = std::optional<Outcome> (*)(Command&);
// Io and control commands: start; Step::done when command.outcome is already set.
using Start = Step (*)(Command&);
// Which blocks a command reads or changes; asked when its data is complete.
using Reach = BlockRange (*)(const Command&);

// Where LBA and length stand in the CDB, and what the length counts.
enum class Range : uint8_t {
    none,
    cdb6,        // LBA 21 bits at 1, blocks at 4, 0 means 256
    cdb10,       // LBA 4 bytes at 2, blocks 2 bytes at 7
    cdb12,       // LBA 4 bytes at 2, blocks 4 bytes at 6
    cdb16,       // LBA 8 bytes at 2, blocks 4 bytes at 10
    cdb16_byte,  // LBA 8 bytes at 2, blocks 1 byte at 13 (COMPARE AND WRITE)
    cdb16_lba,   // LBA 8 bytes at 2, no block count (GET LBA STATUS)
};

// How many bytes a command moves.
enum class Amount : uint8_t {
    none,
    blocks,        // the block count of the range
    one_block,     // WRITE SAME
    two_times,     // COMPARE AND WRITE: twice the block count
    verify_bytes,  // VERIFY: by BYTCHK (byte 1 bits 2-1): 00b nothing, 01b the blocks, 11b one
                   // block
    tape_6,        // READ(6), WRITE(6) of tapes: 3 bytes at 2, of blocks when FIXED (byte 1 bit 0)
    // VERIFY(6) of tapes: the same with BYTCMP (byte 1 bit 1), else nothing.
    tape_verify_6,
    expected,  // what the initiator is ready to take or to send
    field,     // allocation length or parameter list length, at `length_at`, `length_bytes` wide
};

enum OpFlags : uint16_t {
    op_with_unit_attention = 1 << 0,  // runs in spite of a pending UA and leaves it (SPC-5 5.14)
    op_not_ready = 1 << 1,            // runs when the LUN is offline or has no medium
    op_writes = 1 << 2,               // refused when write protected: 7/27h/00h
    op_head_of_queue = 1 << 3,        // may be treated as HEAD OF QUEUE (SAM-5 8.2)
    op_repeatable = 1 << 4,           // may be run again after a restart of the daemon
    op_thin_only = 1 << 5,            // only on a thin provisioned LUN; else 5/20h/00h
    op_any_lun = 1 << 6,              // also to a LUN that does not exist
    op_zero_is_rest =
        1 << 7,             // block count 0 means "to the end" (WRITE SAME, SYNCHRONIZE CACHE...)
    op_exclusive = 1 << 8,  // nothing else touches its blocks while it runs; blocking commands
    op_short_job = 1 << 9,  // a blocking command that need not wait behind long ones
    op_io_lane = 1 << 10,   // a blocking command that is ordinary I/O
};

struct OpRow {
    std::string_view name;
    uint8_t opcode = 0;
    int8_t service_action = -1;  // byte 1 bits 4-0, or -1
    uint8_t cdb_length = 0;
    std::array<uint8_t, 16>
        usage{};  // CDB usage data (SPC-5 6.35.3): byte 0 the opcode, else ones where bits are read
    Direction direction = Direction::none;
    ReservationClass reservation = ReservationClass::status;
    uint16_t flags = 0;
    Range range = Range::none;
    Amount amount = Amount::none;
    uint8_t length_at = 0;
    uint8_t length_bytes = 0;
    uint16_t timeout = 10;  // nominal, seconds
    Kind kind = Kind::inline_;
    Run run = nullptr;      // inline_, blocking
    Start start = nullptr;  // io, control
    Reach reach = nullptr;  // null: it neither reads nor changes blocks
    RunNow run_now = nullptr;
};

// Whether a handler is missing. With -fsanitize=undefined g++ does not take the comparison of a
// function with null for a constant: that it is none says that the function is
// there.
template <class Function>
constexpr bool absent(Function function) {
    if (!std::is_constant_evaluated()) return function == nullptr;
    return __builtin_constant_p(function == nullptr) && function == nullptr;
}

// Compile-time check of a table, for static_assert: usage byte 0 is the opcode, CDB length fits the
// opcode group, service action bits match usage byte 1, no duplicates, a handler of the right kind,
// and a reach for everything that changes blocks.
constexpr bool valid_row(const OpRow& row) {
    if (row.usage[0] != row.opcode) return false;
    unsigned group = row.opcode >> 5;
    constexpr uint8_t group_length[] = {6, 10, 10, 0, 16, 12, 0, 0};
    if (group_length[group] != 0 && row.cdb_length != group_length[group]) return false;
    if (row.service_action >= 0 && (row.usage[1] & 0x1f) != row.service_action) return false;
    for (size_t i = row.cdb_length; i < row.usage.size(); ++i)
        if (row.usage[i] != 0) return false;
    if ((row.amount == Amount::field) != (row.length_bytes != 0)) return false;
    bool at_store = row.kind == Kind::io || row.kind == Kind::blocking;
    if (at_store && (row.flags & op_writes) && absent(row.reach)) return false;
    if ((row.flags & op_exclusive) && row.kind != Kind::blocking) return false;
    if (!absent(row.run_now) && row.kind != Kind::blocking) return false;
    bool runs = row.kind == Kind::inline_ || row.kind == Kind::blocking;
    return runs ? !absent(row.run) && absent(row.start) : !absent(row.start) && absent(row.run);
}
template <size_t N>
constexpr bool valid_table(const std::array<OpRow, N>& rows) {
    for (size_t i = 0; i < N; ++i) {
        if (!valid_row(rows[i])) return false;
        for (size_t j = 0; j < i; ++j) {
            if (rows[j].opcode != rows[i].opcode) continue;
            if (rows[j].service_action < 0 || rows[i].service_action < 0 ||
                rows[j].service_action == rows[i].service_action)
                return false;
        }
    }
    return true;
}
template <size_t A, size_t B>
constexpr std::array<OpRow, A + B> join(const std::array<OpRow, A>& a,
                                        const std::array<OpRow, B>& b) {
    std::array<OpRow, A + B> all{};
    for (size_t i = 0; i < A; ++i) all[i] = a[i];
    for (size_t i = 0; i < B; ++i) all[A + i] = b[i];
    return all;
}

// Constant-time look-up over a table, built once per device type.
class OpIndex {
  public:
    explicit OpIndex(std::span<const OpRow> rows);
    // The row for this CDB (at least 16 readable bytes), or null. `opcode_known` tells an unknown
    // opcode (5/20h/00h) from an unknown service action (5/24h/00h at byte 1).
    const OpRow* find(const uint8_t* cdb, bool& opcode_known) const;
    std::span<const OpRow> rows() const { return rows_; }

  private:
    std::span<const OpRow> rows_;
    std::array<int16_t, 256> first_;  // row of an opcode without service actions, or -1
    std::array<bool, 256> has_actions_;
};

// The decoded range and amount of a CDB.
struct Extents {
    uint64_t lba = 0;
    uint64_t blocks = 0;
    uint64_t bytes = 0;  // what the command moves, in its direction
};
// Reads LBA, block count and byte count as the row says.
Extents decode(const OpRow& row, const uint8_t* cdb, uint32_t block_size);
// For OpRow::reach: the range of the CDB.
BlockRange reach_of_range(const Command& command);
// The first reserved bit that is set, as a sense with its field pointer; nothing when the CDB is
// clean.
std::optional<Sense> check_reserved_bits(const OpRow& row, const uint8_t* cdb);

}  // namespace tgt::scsi
