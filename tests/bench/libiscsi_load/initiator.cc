// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/libiscsi_load/initiator.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

extern "C" {
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
}

namespace tgt::bench {

namespace {

constexpr int attempts = 100;  // more unit attentions than any target queues
constexpr std::chrono::milliseconds nap{50};

TaskPointer make_task(std::span<const uint8_t> cdb, bool write, std::span<uint8_t> data) {
    std::array<uint8_t, 16> copy{};
    std::copy(cdb.begin(), cdb.end(), copy.begin());
    const auto size = static_cast<int>(data.size());
    const int direction = size == 0 ? SCSI_XFER_NONE : write ? SCSI_XFER_WRITE : SCSI_XFER_READ;
    TaskPointer task(scsi_create_task(static_cast<int>(cdb.size()), copy.data(), direction, size));
    if (size != 0 && !write) scsi_task_add_data_in_buffer(task.get(), size, data.data());
    return task;
}

}  // namespace

void FreeTask::operator()(scsi_task* task) const {
    scsi_free_scsi_task(task);
}

void Initiator::Destroy::operator()(iscsi_context* context) const {
    iscsi_destroy_context(context);
}

Initiator::Initiator(const Options& options, unsigned index)
    : options_(options), context_(iscsi_create_context("iqn.2001-04.org.example:bench")) {
    iscsi_set_isid_random(context_.get(), static_cast<uint32_t>(::getpid()) & 0xffffff,
                          index & 0xffff);
}

std::string Initiator::last_error() const {
    return iscsi_get_error(context_.get());
}

Result<void> Initiator::log_in() {
    if (auto named = names_target(options_); !named) return named;
    if (options_.digests) return fail(ENOTSUP, "libiscsi has no data digest");
    iscsi_context* context = context_.get();
    iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(context, ISCSI_HEADER_DIGEST_NONE);
    iscsi_set_targetname(context, options_.target.c_str());
    iscsi_set_noautoreconnect(context, 1);
    const bool ipv6 = options_.host.find(':') != std::string::npos;
    const std::string portal = fmt::format("{0}{2}{1}:{3}", ipv6 ? "[" : "", ipv6 ? "]" : "",
                                           options_.host, options_.port);
    if (iscsi_full_connect_sync(context, portal.c_str(), lun()) != 0)
        return fail(EIO, last_error());
    logged_in_ = true;
    return settle();
}

void Initiator::log_out() {
    if (std::exchange(logged_in_, false)) iscsi_logout_sync(context_.get());
}

// Unit attentions come one after the other; a drive that still loads its medium takes its time.
Result<void> Initiator::settle() {
    for (int i = 0; i < attempts; ++i) {
        const TaskPointer task(iscsi_testunitready_sync(context_.get(), lun()));
        if (task != nullptr && task->status == SCSI_STATUS_GOOD) return {};
        if (task != nullptr && task->sense.key == SCSI_SENSE_NOT_READY)
            std::this_thread::sleep_for(nap);
    }
    return fail(ENODEV, "the logical unit does not become ready");
}

int Initiator::fd() const {
    return iscsi_get_fd(context_.get());
}

short Initiator::wanted_events() const {
    return static_cast<short>(iscsi_which_events(context_.get()));
}

Result<void> Initiator::service(short events) {
    if (events == 0 || iscsi_service(context_.get(), events) >= 0) return {};
    return fail(ECONNRESET, "the connection to the target is lost: " + last_error());
}

Result<void> Initiator::begin(std::span<const uint8_t> cdb, bool write, std::span<uint8_t> data,
                              Ended* ended, void* private_data) {
    TaskPointer task = make_task(cdb, write, data);
    iscsi_data out{data.size(), data.data()};
    if (iscsi_scsi_command_async(context_.get(), lun(), task.get(), ended, write ? &out : nullptr,
                                 private_data) != 0)
        return fail(EIO, last_error());
    task.release();  // ended() gets it
    return {};
}

TaskPointer Initiator::run(std::span<const uint8_t> cdb, bool write, std::span<uint8_t> data) {
    iscsi_data out{data.size(), data.data()};
    return TaskPointer(iscsi_scsi_command_sync(context_.get(), lun(),
                                               make_task(cdb, write, data).release(),
                                               write && !data.empty() ? &out : nullptr));
}

}  // namespace tgt::bench
