// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/libiscsi_load/session.h"

#include <fmt/format.h>

extern "C" {
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
}

#include "tests/bench/cpu_clock.h"

namespace tgt::bench {

LibiscsiSession::LibiscsiSession(const Options& options, unsigned index)
    : options_(options), index_(index), initiator_(options, index), slots_(options.depth) {
    for (Slot& slot : slots_) {
        slot.session = this;
        slot.data.resize(options.block);
        fill_pattern(slot.data, 0, 512, options.seed);
        free_.push_back(&slot);
    }
}

LibiscsiSession::~LibiscsiSession() {
    if (idle()) initiator_.log_out();
    // It cancels what is in flight: those ends still find the slots, but count nowhere.
    tally_ = nullptr;
    initiator_.close();
}

Result<std::unique_ptr<LibiscsiSession>> LibiscsiSession::open(const Options& options,
                                                               unsigned index) {
    std::unique_ptr<LibiscsiSession> session(new LibiscsiSession(options, index));
    const auto ready =
        session->initiator_.log_in().and_then([&] { return session->measure_medium(); });
    if (!ready) return tl::unexpected(ready.error());
    return session;
}

Result<void> LibiscsiSession::measure_medium() {
    const TaskPointer task(iscsi_readcapacity16_sync(initiator_.context(), initiator_.lun()));
    const void* found = task != nullptr && task->status == SCSI_STATUS_GOOD
                            ? scsi_datain_unmarshall(task.get())
                            : nullptr;
    if (found == nullptr) return fail(ENODEV, "the logical unit does not say how large it is");
    const auto& capacity = *static_cast<const scsi_readcapacity16*>(found);
    geometry_ = {capacity.returned_lba + 1, capacity.block_length};
    return {};
}

void LibiscsiSession::fill_up(Workload& workload, Tally& tally) {
    tally_ = &tally;
    const uint64_t now = now_ns();
    while (!free_.empty() && workload.more()) {
        Slot& slot = *free_.back();
        free_.pop_back();
        slot.io = workload.next();
        slot.started = now;
        start(slot);
    }
}

void LibiscsiSession::start(Slot& slot) {
    if (slot.io.write && (options_.fill || options_.verify))
        fill_pattern(slot.data, slot.io.lba, geometry_.block_size, options_.seed);
    const auto begun =
        initiator_.begin(transfer_cdb(slot.io), slot.io.write, slot.data, ended, &slot);
    if (begun) return;
    tally_->error(begun.error().text);
    free_.push_back(&slot);
}

void LibiscsiSession::ended(iscsi_context*, int status, void* command, void* private_data) {
    const TaskPointer task(static_cast<scsi_task*>(command));
    Slot& slot = *static_cast<Slot*>(private_data);
    slot.session->finish(slot, status, *task);
}

void LibiscsiSession::finish(Slot& slot, int status, const scsi_task& task) {
    free_.push_back(&slot);
    if (tally_ == nullptr) return;
    tally_->done(now_ns() - slot.started, options_.block, index_);
    const char* const kind = slot.io.write ? "write" : "read";
    if (status != SCSI_STATUS_GOOD)
        tally_->error(fmt::format("{} at LBA {}: status {:#x}: {}", kind, slot.io.lba, status,
                                  initiator_.last_error()));
    else if (task.residual_status != SCSI_RESIDUAL_NO_RESIDUAL)
        tally_->error(
            fmt::format("{} at LBA {}: residual count {}", kind, slot.io.lba, task.residual));
    else if (options_.verify && !slot.io.write &&
             !matches_pattern(slot.data, slot.io.lba, 0, geometry_.block_size, options_.seed))
        tally_->error(fmt::format("wrong data at LBA {}", slot.io.lba));
}

}  // namespace tgt::bench
