// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/sbc/medium.h"

#include <cerrno>

#include "scsi/logical_unit.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

using Dpo = wire::Bits<4>;
using Fua = wire::Bits<3>;
using FuaNv = wire::Bits<1>;
using scsi::Access;
using store::OpKind;

// The bit, where the row of the command knows it.
template <class Bit>
bool asks(const Command& command) {
    bool known = command.row->cdb_length > 6 && Bit::get(command.row->usage[1]);
    return known && Bit::get(command.cdb[1]);
}

// Commands with FUA have DPO beside it; in others the same bits are UNMAP or BYTCHK.
bool has_fua(const Command& command) {
    const uint8_t usage = command.row->usage[1];
    return command.row->cdb_length > 6 && Dpo::get(usage) && Fua::get(usage);
}

}  // namespace

bool wants_forget(const Command& command) {
    return asks<Dpo>(command);
}

bool wants_dsync(const Command& command) {
    if (!command.state().write_cache_enabled()) return true;
    return has_fua(command) && (asks<Fua>(command) || asks<FuaNv>(command));
}

std::optional<Outcome> flush_failure(const Command& command) {
    if (!command.state().flush_failed) return std::nullopt;
    return scsi::outcome_of_errno(EIO, Access::flush, 0);
}

Outcome Medium::perform(store::Op& op, Access access) const {
    command_.shard->unit.note_begins(op);
    const int error = store_.perform(op);
    op.error = error;
    command_.shard->unit.note_ended(op);
    return scsi::outcome_of_errno(error, access, op.offset / block_size(command_));
}

Outcome Medium::read(uint64_t offset, std::span<uint8_t> to) const {
    iovec iov{to.data(), to.size()};
    store::Op op;
    op.kind = OpKind::read;
    op.offset = offset;
    op.length = to.size();
    op.iov = &iov;
    op.iov_count = 1;
    return perform(op, Access::read);
}

Outcome Medium::write(uint64_t offset, std::span<const uint8_t> from) const {
    if (dsync_)
        if (auto failed = flush_failure(command_)) return *failed;
    iovec iov{const_cast<uint8_t*>(from.data()), from.size()};
    store::Op op;
    op.kind = OpKind::write;
    op.dsync = dsync_;
    op.offset = offset;
    op.length = from.size();
    op.iov = &iov;
    op.iov_count = 1;
    return perform(op, Access::write);
}

Outcome Medium::change_range(OpKind kind, uint64_t offset, uint64_t length) const {
    return in_pieces(command_, length, range_piece_bytes, [&](uint64_t done, uint64_t bytes) {
        store::Op op;
        op.kind = kind;
        op.offset = offset + done;
        op.length = bytes;
        return perform(op, Access::write);
    });
}

void Medium::forget(uint64_t offset, uint64_t length) const {
    store::Op op;
    op.kind = OpKind::forget;
    op.offset = offset;
    op.length = length;
    store_.perform(op);
}

Outcome Medium::flush() const {
    if (auto failed = flush_failure(command_)) return *failed;
    store::Op op;
    op.kind = OpKind::flush;
    op.length = store_.info().size;
    return perform(op, Access::flush);
}

Outcome Medium::flush_unless_cached() const {
    if (command_.state().write_cache_enabled()) return {};
    return flush();
}

Outcome compare(std::span<const uint8_t> a, std::span<const uint8_t> b, uint64_t offset) {
    auto difference = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (difference.first == a.end()) return {};
    return scsi::sense::miscompare(offset + uint64_t(difference.first - a.begin()));
}

}  // namespace tgt::sbc
