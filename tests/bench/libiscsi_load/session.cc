// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/libiscsi_load/session.h"

#include <fmt/format.h>
#include <unistd.h>

extern "C" {
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
}

#include "tests/bench/cpu_clock.h"

namespace tgt::bench {

namespace {

constexpr int attempts = 32;  // more unit attentions than any target queues

using TaskPointer = std::unique_ptr<scsi_task, decltype(&scsi_free_scsi_task)>;

}  // namespace

void LibiscsiSession::Destroy::operator()(iscsi_context* context) const {
    iscsi_destroy_context(context);
}

LibiscsiSession::LibiscsiSession(const Options& options, unsigned index)
    : options_(options),
      index_(index),
      context_(iscsi_create_context("iqn.2001-04.org.example:bench")),
      slots_(options.depth) {
    iscsi_set_isid_random(context_.get(), static_cast<uint32_t>(::getpid()) & 0xffffff,
                          index & 0xffff);
    for (Slot& slot : slots_) {
        slot.session = this;
        slot.data.resize(options.block);
        fill_pattern(slot.data, 0, 512, options.seed);
        free_.push_back(&slot);
    }
}

LibiscsiSession::~LibiscsiSession() {
    if (logged_in_ && idle()) iscsi_logout_sync(context_.get());
    // It cancels what is in flight: those ends still find the slots, but count nowhere.
    tally_ = nullptr;
    context_.reset();
}

std::string LibiscsiSession::last_error() const {
    return iscsi_get_error(context_.get());
}

Result<std::unique_ptr<LibiscsiSession>> LibiscsiSession::open(const Options& options,
                                                               unsigned index) {
    if (auto named = names_target(options); !named) return tl::unexpected(named.error());
    if (options.digests) return fail(ENOTSUP, "libiscsi has no data digest");
    std::unique_ptr<LibiscsiSession> session(new LibiscsiSession(options, index));
    const auto ready = session->log_in().and_then([&] { return session->settle(); }).and_then([&] {
        return session->measure_medium();
    });
    if (!ready) return tl::unexpected(ready.error());
    return session;
}

Result<void> LibiscsiSession::log_in() {
    iscsi_context* context = context_.get();
    iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(context, ISCSI_HEADER_DIGEST_NONE);
    iscsi_set_targetname(context, options_.target.c_str());
    iscsi_set_noautoreconnect(context, 1);
    const bool ipv6 = options_.host.find(':') != std::string::npos;
    const std::string portal = fmt::format("{0}{2}{1}:{3}", ipv6 ? "[" : "", ipv6 ? "]" : "",
                                           options_.host, options_.port);
    if (iscsi_full_connect_sync(context, portal.c_str(), static_cast<int>(options_.lun)) != 0)
        return fail(EIO, last_error());
    logged_in_ = true;
    return {};
}

Result<void> LibiscsiSession::settle() {
    for (int i = 0; i < attempts; ++i) {
        const TaskPointer task(
            iscsi_testunitready_sync(context_.get(), static_cast<int>(options_.lun)),
            scsi_free_scsi_task);
        if (task != nullptr && task->status == SCSI_STATUS_GOOD) return {};
    }
    return fail(ENODEV, "the logical unit does not become ready");
}

Result<void> LibiscsiSession::measure_medium() {
    const TaskPointer task(
        iscsi_readcapacity16_sync(context_.get(), static_cast<int>(options_.lun)),
        scsi_free_scsi_task);
    const void* found = task != nullptr && task->status == SCSI_STATUS_GOOD
                            ? scsi_datain_unmarshall(task.get())
                            : nullptr;
    if (found == nullptr) return fail(ENODEV, "the logical unit does not say how large it is");
    const auto& capacity = *static_cast<const scsi_readcapacity16*>(found);
    geometry_ = {capacity.returned_lba + 1, capacity.block_length};
    return {};
}

int LibiscsiSession::fd() const {
    return iscsi_get_fd(context_.get());
}

short LibiscsiSession::wanted_events() const {
    return static_cast<short>(iscsi_which_events(context_.get()));
}

Result<void> LibiscsiSession::service(short events) {
    if (events == 0 || iscsi_service(context_.get(), events) >= 0) return {};
    return fail(ECONNRESET, "the connection to the target is lost: " + last_error());
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
    auto cdb = transfer_cdb(slot.io);
    const auto size = static_cast<int>(options_.block);
    scsi_task* task = scsi_create_task(static_cast<int>(cdb.size()), cdb.data(),
                                       slot.io.write ? SCSI_XFER_WRITE : SCSI_XFER_READ, size);
    iscsi_data out{options_.block, slot.data.data()};
    if (slot.io.write) {
        if (options_.fill || options_.verify)
            fill_pattern(slot.data, slot.io.lba, geometry_.block_size, options_.seed);
    } else {
        scsi_task_add_data_in_buffer(task, size, slot.data.data());
    }
    if (iscsi_scsi_command_async(context_.get(), static_cast<int>(options_.lun), task, ended,
                                 slot.io.write ? &out : nullptr, &slot) == 0)
        return;
    tally_->error(last_error());
    scsi_free_scsi_task(task);
    free_.push_back(&slot);
}

void LibiscsiSession::ended(iscsi_context*, int status, void* command, void* private_data) {
    const TaskPointer task(static_cast<scsi_task*>(command), scsi_free_scsi_task);
    Slot& slot = *static_cast<Slot*>(private_data);
    slot.session->finish(slot, status, *task);
}

void LibiscsiSession::finish(Slot& slot, int status, const scsi_task& task) {
    free_.push_back(&slot);
    if (tally_ == nullptr) return;
    tally_->done(now_ns() - slot.started, options_.block, index_);
    const char* const kind = slot.io.write ? "write" : "read";
    if (status != SCSI_STATUS_GOOD)
        tally_->error(
            fmt::format("{} at LBA {}: status {:#x}: {}", kind, slot.io.lba, status, last_error()));
    else if (task.residual_status != SCSI_RESIDUAL_NO_RESIDUAL)
        tally_->error(
            fmt::format("{} at LBA {}: residual count {}", kind, slot.io.lba, task.residual));
    else if (options_.verify && !slot.io.write &&
             !matches_pattern(slot.data, slot.io.lba, 0, geometry_.block_size, options_.seed))
        tally_->error(fmt::format("wrong data at LBA {}", slot.io.lba));
}

}  // namespace tgt::bench
