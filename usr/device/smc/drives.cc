// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/drives.h"

#include "base/log.h"
#include "device/smc/sense_codes.h"

namespace tgt::smc {

namespace {

using Answer = scsi::MediumPort::Answer;
using Result = scsi::MediumPort::Result;

constexpr auto module = log::Module::scsi;
// A drive that rewinds or erases comes to it later; hosts give a MOVE MEDIUM minutes.
constexpr auto patience = std::chrono::seconds(30);

std::optional<scsi::Sense> sense_of(const Answer& answer, const std::string& path) {
    switch (answer.result) {
        case Result::done:
            return std::nullopt;
        case Result::prevented:
            return scsi::sense::medium_removal_prevented();
        case Result::occupied:
            return code::destination_full();
        case Result::empty:
            return code::source_empty();
        case Result::unsuitable:
            return code::incompatible_medium();
        case Result::too_late:
            return scsi::sense::not_ready(0x07);  // operation in progress
        case Result::failed:
            break;
    }
    log::error(module, "{}: {}", path.empty() ? answer.path : path, answer.reason);
    return code::load_or_eject_failed();
}

// tgt's users take drives offline until a changer loads them.
void bring_online(scsi::LogicalUnit& drive) {
    auto build = [](const scsi::LunState& now) {
        scsi::LunChange change;
        if (now.online) return change;
        change.next = std::make_shared<scsi::LunState>(now);
        change.next->online = true;
        return change;
    };
    drive.change(build, drive.runtime().control(), [](const scsi::Outcome&) {});
}

}  // namespace

std::optional<scsi::Sense> load_drive(scsi::LogicalUnit& drive, const std::string& path) {
    scsi::MediumPort* port = drive.model() ? drive.model()->medium_port() : nullptr;
    const store::Engine* engine = store::find_engine(drive.type().default_store);
    if (!port || !engine) return code::no_drive();
    if (has_medium(drive)) return code::destination_full();
    store::OpenRequest request;
    request.path = path;
    request.block_size = drive.type().default_block_size;
    auto medium = engine->open(request);
    if (!medium) {
        log::error(module, "the cartridge {} cannot be loaded: {}", path, medium.error().text);
        return code::load_or_eject_failed();
    }
    const auto refused = sense_of(port->load(std::move(*medium), path, patience), path);
    if (!refused) bring_online(drive);
    return refused;
}

std::optional<scsi::Sense> unload_drive(scsi::LogicalUnit& drive) {
    scsi::MediumPort* port = drive.model() ? drive.model()->medium_port() : nullptr;
    if (!port) return code::no_drive();
    // The cartridge is closed when the answer goes: its file can be opened again then.
    const Answer answer = port->unload(patience);
    if (answer.result == Result::empty) return std::nullopt;
    return sense_of(answer, answer.path);
}

bool has_medium(const scsi::LogicalUnit& drive) {
    const auto status = drive.medium_status();
    return status && status->present;
}

std::string medium_path(const scsi::LogicalUnit& drive) {
    const auto status = drive.medium_status();
    return status ? status->path : std::string();
}

}  // namespace tgt::smc
