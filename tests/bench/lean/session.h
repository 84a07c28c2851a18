// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tests/bench/lean/login.h"
#include "tests/bench/measure.h"
#include "tests/bench/pdu_reader.h"
#include "tests/bench/stream.h"
#include "tests/bench/workload.h"
#include "wire/iscsi.h"
#include "wire/scsi_lun.h"

namespace tgt::bench {

// One iSCSI session with one connection. Owns its socket and the commands in flight. Logged in on
// the main thread, then used by the thread of its engine; logs out when it dies.
class Session {
  public:
    static Result<std::unique_ptr<Session>> open(const Options& options, unsigned index);
    ~Session();

    // Unit attentions settled, medium ready; the size of the logical unit.
    Result<Geometry> prepare();
    // Writes the pattern into the whole range.
    Result<void> fill(const Geometry& geometry);

    // Queues I/Os from `workload` until the depth or the command window is full.
    void fill_up(Workload& workload, uint64_t now);
    Result<void> flush() { return output_.flush(fd_.get()); }
    // Handles what has come; waits a moment for it when `wait`.
    Result<void> receive(Input& input, bool wait, Tally& tally);

    void set_geometry(const Geometry& geometry) { block_size_ = geometry.block_size; }
    int fd() const { return fd_.get(); }
    bool idle() const { return free_.size() == slots_.size(); }
    bool sending() const { return !output_.empty(); }

  private:
    struct Slot {
        Io io;
        uint64_t started = 0;
        uint32_t length = 0;
        uint32_t received = 0;
        const uint8_t* data = nullptr;  // of a write
        bool busy = false;
        bool control = false;  // not part of the load: its answer goes to reply_
    };
    struct Reply {
        bool done = false;
        uint8_t status = 0;
        std::vector<uint8_t> data;
    };

    Session(const Options& options, unsigned index, UniqueFd fd, const Agreed& agreed);

    bool window_open() const;
    uint32_t take_slot();
    void start(uint32_t tag, std::span<const uint8_t> cdb, bool write);
    void send_unsolicited(uint32_t tag, uint32_t from, uint32_t to);
    void send_data(uint32_t tag, uint32_t ttt, uint32_t from, uint32_t to);
    void append(std::span<const uint8_t> header, std::span<const uint8_t> data);
    const uint8_t* prepare_data(const Slot& slot, uint32_t tag);

    Slot* slot_of(uint32_t tag);
    Result<void> handle_header(Tally& tally);
    Result<void> handle_data(std::span<const uint8_t> data, Tally& tally);
    Result<void> handle_end(Tally& tally);
    Result<void> handle_r2t();
    void handle_nop_in();
    void finish(uint32_t tag, uint8_t status, Tally& tally);
    Result<void> check(const Slot& slot, uint8_t status) const;

    Result<Reply> execute(std::span<const uint8_t> cdb, uint32_t length);
    Result<void> run_until(const bool& done);
    void log_out();

    const Options& options_;
    const unsigned index_;
    const bool patterns_;  // each write has that of its place
    UniqueFd fd_;
    Agreed agreed_;
    uint32_t block_size_ = 512;
    wire::LunBytes lun_;
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    std::vector<uint8_t> write_data_;  // one block for all slots, or one each with a pattern
    Output output_;
    PduReader reader_;
    uint32_t data_at_ = 0;  // where in its command the Data-In being received stands
    std::vector<uint8_t> segment_;
    Reply reply_;
    bool logged_out_ = false;
    uint64_t now_ = 0;  // when the bytes being handled were received
};

}  // namespace tgt::bench
