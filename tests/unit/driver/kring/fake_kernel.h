// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "include/uapi/linux/tgt_ring.h"
#include "ipc/ring/end.h"

namespace tgt::test {

// What came of a descriptor.
struct Done {
    uint64_t id = 0;
    uint8_t flags = 0, status = 0, response = 0;
    std::vector<uint8_t> data, sense;
    uint32_t in_total = 0, out_total = 0;
    size_t segments = 0;

    bool aborted() const { return (flags & TGT_REPLY_F_ABORTED) != 0; }
    // Key, ASC and ASCQ as one number.
    uint32_t sense_code() const {
        if (sense.size() < 14) return 0;
        return uint32_t(sense[2] & 15) << 16 | uint32_t(sense[12]) << 8 | sense[13];
    }
};

// The kernel's side of one attachment, strict: what breaks the rules is kept in `faults`. Any
// thread; the memory lives as long as this.
class FakeAttachment {
  public:
    FakeAttachment(uint32_t host, uint32_t queue, uint32_t tags, size_t data_bytes);

    struct Command {
        uint32_t nexus = 1;
        std::vector<uint8_t> cdb;
        uint32_t in_length = 0;
        std::vector<uint8_t> out = {};
        uint64_t lun = 1;
        uint8_t flags = 0;
        uint8_t attribute = TGT_ATTR_SIMPLE;
        uint64_t id = 0;  // 0: the next one
    };
    // The id.
    uint64_t submit(const Command& command);
    uint64_t arrive(uint32_t nexus, const std::string& name, const uint8_t* transport_id = nullptr);
    uint64_t leave(uint32_t nexus);
    uint64_t task(uint32_t nexus, uint8_t function, uint64_t lun, uint64_t ref_id = 0);
    void break_off();  // POLLHUP, as when the host goes

    // GET_DATA is answered, and SENT said, at once; else by release_held().
    bool hold_data = false, hold_sent = false;
    int data_error = 0;
    void release_held();

    bool is_done(uint64_t id);
    Done done(uint64_t id);  // fails the test if it is not
    Done wait_for(uint64_t id);
    std::vector<uint64_t> order();  // of answers
    std::vector<std::string> faults();
    size_t fetched(uint64_t id);  // GET_DATA of it
    uint32_t seen();              // events that the daemon took
    uint64_t kicks = 0;
    uint64_t wakeups = 0;
    int kick_error = 0;
    bool closed = false;  // by the daemon

    // --- for tests that write nonsense
    tgt_ring_header& header() { return *reinterpret_cast<tgt_ring_header*>(kernel_.data()); }
    tgt_ring_desc& desc(uint32_t tag);
    void event(uint32_t tag, uint16_t type, int32_t result = 0);

    // --- the daemon's side
    ipc::RingRegions regions();
    int descriptor() const { return daemon_.get(); }
    int kick();

  private:
    struct Open {
        tgt_ring_desc desc{};
        std::vector<uint8_t> out;
        bool replied = false;  // a reply is on its way
        bool sending = false;
        size_t fetches = 0;
    };
    uint64_t announce(tgt_ring_desc desc, std::vector<uint8_t> out = {});
    void put_event(uint32_t tag, uint16_t type, int32_t result);
    void take_reply(uint32_t tag);
    bool check(const tgt_ring_reply& reply, uint32_t tag);
    void get_data(uint32_t tag, const tgt_ring_reply& reply);
    void end(uint32_t tag, const tgt_ring_reply& reply);
    void fault(std::string text) { faults_.push_back(std::move(text)); }
    tgt_ring_user& user() { return *reinterpret_cast<tgt_ring_user*>(user_.data()); }

    std::mutex mutex_;
    std::condition_variable changed_;
    const uint32_t tags_, entries_;
    std::vector<uint8_t> kernel_, user_;
    std::unique_ptr<uint8_t, void (*)(void*)> data_;
    const size_t data_bytes_;
    UniqueFd kernel_fd_, daemon_;
    uint32_t head_ = 0, reply_tail_ = 0;
    uint64_t next_id_ = 100;
    std::deque<uint32_t> free_;
    std::map<uint32_t, Open> open_;
    std::map<uint64_t, Done> done_;
    std::map<uint64_t, size_t> fetched_;
    std::vector<uint64_t> order_;
    std::vector<std::string> faults_;
    std::vector<std::function<void()>> held_;
};

// Hands out attachments, and keeps them.
class FakeKernel final : public ipc::RingOpener {
  public:
    Result<std::unique_ptr<ipc::RingEnd>> open(const ipc::RingPlace& place) override;

    uint32_t tags = 32;
    size_t data_bytes = size_t(16) << 20;
    int refuse = 0;  // an errno value
    std::function<void(FakeAttachment&)> prepare;
    // All that were made, in order.
    std::vector<std::shared_ptr<FakeAttachment>> all();
    FakeAttachment& last() { return *all().back(); }
    size_t tries = 0;

  private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<FakeAttachment>> all_;
};

}  // namespace tgt::test
