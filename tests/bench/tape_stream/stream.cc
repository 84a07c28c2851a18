// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/tape_stream/stream.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>

extern "C" {
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
}

#include "tests/bench/cpu_clock.h"
#include "tests/bench/stream.h"
#include "tests/bench/workload.h"
#include "wire/endian.h"

namespace tgt::bench {

namespace {

constexpr uint32_t pattern_block = 512;
constexpr int filemark_detected = 0x0001;  // additional sense code and qualifier

// SSC-5 6.6 and 7.2 of READ(6) and WRITE(6): FIXED and SILI are zero, so the length is in bytes.
std::array<uint8_t, 6> transfer_cdb(bool write, uint32_t length) {
    std::array<uint8_t, 6> cdb{};
    cdb[0] = write ? 0x0a : 0x08;
    wire::store_be<3>(&cdb[2], length);
    return cdb;
}

bool is_good(const TaskPointer& task) {
    return task != nullptr && task->status == SCSI_STATUS_GOOD;
}

// What a command that is not GOOD says, in words for a person.
std::string refusal(const scsi_task* task) {
    if (task == nullptr) return "the connection to the target is lost";
    return fmt::format("status {:#x}, sense key {:#x}, ASC and ASCQ {:#06x}", task->status,
                       static_cast<int>(task->sense.key), task->sense.ascq);
}

// What MODE SENSE(6) says (SPC-5 7.5.5, SSC-5 8.3): blocks are of variable length when the block
// length is 0, and the page after the block descriptor tells whether data is compressed.
class ModeData {
  public:
    static constexpr uint8_t page = 0x0f;
    static constexpr uint8_t room = 252;

    // `size` bytes have come; false: the page is not there.
    bool complete(size_t size) const {
        return size >= header + bytes_[3] + 3 && size <= room && (at_page(0) & 0x3f) == page;
    }
    bool plain() const { return block_length() == 0 && (at_page(2) & compressing) == 0; }
    // Becomes what MODE SELECT(6) takes; its bytes.
    std::span<uint8_t> make_plain() {
        bytes_[0] = 0;  // mode data length is reserved
        if (has_descriptor()) std::fill_n(&bytes_[header + 5], 3, uint8_t{0});
        at_page(0) = page;
        at_page(2) &= static_cast<uint8_t>(~compressing);
        return std::span(bytes_).first(std::min<size_t>(room, header + bytes_[3] + 2 + at_page(1)));
    }
    std::span<uint8_t> bytes() { return bytes_; }

  private:
    static constexpr size_t header = 4;
    static constexpr uint8_t compressing = 0x80;

    bool has_descriptor() const { return bytes_[3] >= 8; }
    uint32_t block_length() const {
        return has_descriptor() ? wire::load_be<3>(&bytes_[header + 5]) : 0;
    }
    uint8_t& at_page(size_t offset) { return bytes_[header + bytes_[3] + offset]; }
    uint8_t at_page(size_t offset) const { return bytes_[header + bytes_[3] + offset]; }

    std::array<uint8_t, room> bytes_{};
};

}  // namespace

TapeStream::TapeStream(const Options& options)
    : options_(options), initiator_(options, 0), slots_(options.depth) {
    for (Slot& slot : slots_) {
        slot.stream = this;
        slot.data.resize(options.block);
        fill_pattern(slot.data, 0, pattern_block, options.seed);
        free_.push_back(&slot);
    }
}

TapeStream::~TapeStream() {
    if (free_.size() == slots_.size()) initiator_.log_out();
    tally_ = nullptr;  // what is cancelled counts nowhere
    initiator_.close();
}

Result<void> TapeStream::open() {
    return initiator_.log_in().and_then([&] { return configure(); });
}

Result<void> TapeStream::configure() {
    ModeData mode;
    const std::array<uint8_t, 6> sense{0x1a, 0, ModeData::page, 0, ModeData::room, 0};
    const TaskPointer answer = initiator_.run(sense, false, mode.bytes());
    if (!is_good(answer) || !mode.complete(ModeData::room - answer->residual) || mode.plain())
        return {};
    const std::span<uint8_t> wanted = mode.make_plain();
    const std::array<uint8_t, 6> select{0x15, 0x10, 0, 0, static_cast<uint8_t>(wanted.size()), 0};
    return command("MODE SELECT", select, true, wanted);
}

Result<void> TapeStream::command(std::string_view what, std::span<const uint8_t> cdb, bool write,
                                 std::span<uint8_t> data) {
    const TaskPointer task = initiator_.run(cdb, write, data);
    if (is_good(task)) return {};
    return fail(EIO, fmt::format("{}: {}", what, refusal(task.get())));
}

Result<void> TapeStream::rewind() {
    next_ = 0;
    return command("REWIND", std::array<uint8_t, 6>{0x01});
}

Result<void> TapeStream::write_filemark() {
    return command("WRITE FILEMARKS", std::array<uint8_t, 6>{0x10, 0, 0, 0, 1, 0});
}

Result<void> TapeStream::expect_filemark() {
    std::vector<uint8_t> data(options_.block);
    const TaskPointer task = initiator_.run(transfer_cdb(false, options_.block), false, data);
    if (task != nullptr && task->status == SCSI_STATUS_CHECK_CONDITION &&
        task->sense.ascq == filemark_detected)
        return {};
    return fail(EIO, "there is no filemark where one was written: " + refusal(task.get()));
}

Result<void> TapeStream::fill_up(uint64_t blocks) {
    const uint64_t now = now_ns();
    while (!free_.empty() && next_ < blocks) {
        Slot& slot = *free_.back();
        slot.number = next_++;
        slot.started = now;
        if (write_ && (options_.fill || options_.verify))
            fill_pattern(slot.data, slot.number * (options_.block / pattern_block), pattern_block,
                         options_.seed);
        const auto cdb = transfer_cdb(write_, options_.block);
        if (auto begun = initiator_.begin(cdb, write_, slot.data, ended, &slot); !begun)
            return begun;
        free_.pop_back();
    }
    return {};
}

Result<void> TapeStream::transfer(bool write, uint64_t blocks, Tally& tally) {
    tally_ = &tally;
    write_ = write;
    blocks += next_;
    while (tally.errors == 0 && (next_ < blocks || free_.size() < slots_.size())) {
        if (auto begun = fill_up(blocks); !begun) return begun;
        pollfd polled{initiator_.fd(), initiator_.wanted_events(), 0};
        if (::poll(&polled, 1, patience_ms) < 0) continue;
        if (auto served = initiator_.service(polled.revents); !served) return served;
    }
    return {};
}

void TapeStream::ended(iscsi_context*, int status, void* command, void* private_data) {
    const TaskPointer task(static_cast<scsi_task*>(command));
    Slot& slot = *static_cast<Slot*>(private_data);
    slot.stream->finish(slot, status, *task);
}

void TapeStream::finish(Slot& slot, int status, const scsi_task& task) {
    free_.push_back(&slot);
    if (tally_ == nullptr) return;
    tally_->done(now_ns() - slot.started, options_.block, 0);
    check(slot, status, task);
}

void TapeStream::check(const Slot& slot, int status, const scsi_task& task) {
    const char* const kind = write_ ? "WRITE" : "READ";
    const uint64_t first = slot.number * (options_.block / pattern_block);
    if (status != SCSI_STATUS_GOOD)
        tally_->error(fmt::format("{} of block {}: {}", kind, slot.number, refusal(&task)));
    else if (task.residual_status != SCSI_RESIDUAL_NO_RESIDUAL)
        tally_->error(
            fmt::format("{} of block {}: residual count {}", kind, slot.number, task.residual));
    else if (options_.verify && !write_ &&
             !matches_pattern(slot.data, first, 0, pattern_block, options_.seed))
        tally_->error(fmt::format("wrong data in block {}", slot.number));
}

}  // namespace tgt::bench
