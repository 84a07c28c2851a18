// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/command.h"

#include <algorithm>

#include "scsi/abort.h"
#include "scsi/engine.h"
#include "scsi/logical_unit.h"

namespace tgt::scsi {

store::Store& Command::store() const {
    return *shard->store;
}

Outcome Command::reply(std::span<const uint8_t> data, uint64_t allocation_length) {
    in_total = std::min<uint64_t>(data.size(), allocation_length);
    if (offloaded_) {  // on a pool thread: buffers belong to the worker
        staged_.assign(data.begin(), data.begin() + ptrdiff_t(in_total));
        return Status::good;
    }
    uint64_t wanted = std::min(in_total, expected_in);
    if (wanted == 0) return Status::good;
    in = take_buffer(wanted);
    if (in.empty()) return Status::busy;
    in.copy_in(0, data.first(wanted));
    return Status::good;
}

io::Buffer Command::take_buffer(uint64_t bytes) {
    return memory ? memory->take(bytes) : shard->worker.buffers().take(bytes);
}

std::vector<uint8_t> Command::parameter_list() const {
    std::vector<uint8_t> list(out.size());
    out.copy_out(0, list);
    return list;
}

size_t Command::sense_data(std::span<uint8_t> out) const {
    if (!device_sense.empty()) {
        const size_t length = std::min(device_sense.size(), max_device_sense_bytes);
        std::copy_n(device_sense.begin(), length, out.begin());
        return length;
    }
    return outcome.sense ? encode_sense(*outcome.sense, descriptor_sense, out) : 0;
}

Step Command::submit_io(Then then) {
    return Engine::submit_io(*this, then);
}

void Command::recycle() {
    nexus = nullptr;
    lun.reset();
    tag = 0;
    attribute = TaskAttribute::simple;
    std::fill_n(cdb.begin(), std::max<size_t>(cdb_length, 16), uint8_t(0));
    cdb_length = 0;
    expected_in = expected_out = 0;
    in.release();
    out.release();
    in_total = out_total = 0;
    memory = nullptr;
    row = nullptr;
    itl = nullptr;
    shard = nullptr;
    extents = {};
    outcome = {};
    silent = false;
    descriptor_sense = false;
    forget_device_answer();
    op.kind = store::OpKind::read;
    op.dsync = false;
    phase_ = Phase::idle;
    data_complete_ = false;
    takes_turns_ = false;
    waits_ = false;
    orphaned_ = false;
    reach_ = {};
    fence_.reset();
    held_until_ = {};
    aborted_.store(false, std::memory_order_relaxed);
    then_ = nullptr;
    offloaded_ = nullptr;
    board_seen_ = 0;
    overtaken_ = false;
    staged_.clear();
    abort_waits_.clear();
    state_ = nullptr;
    held_state_.reset();
}

}  // namespace tgt::scsi
