// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/driver/kring/fake_kernel.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "wire/scsi_lun.h"

namespace tgt::test {

namespace {

uint32_t load(const uint32_t& word) {
    return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}
void store(uint32_t& word, uint32_t value) {
    __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
}

constexpr uint32_t event_offset = sizeof(tgt_ring_header);
constexpr uint32_t reply_offset = sizeof(tgt_ring_user);

class FakeEnd final : public ipc::RingEnd {
  public:
    explicit FakeEnd(std::shared_ptr<FakeAttachment> attachment) : fake_(std::move(attachment)) {}
    ~FakeEnd() override { fake_->closed = true; }
    int descriptor() const override { return fake_->descriptor(); }
    ipc::RingRegions regions() const override { return fake_->regions(); }
    int kick() override { return fake_->kick(); }

  private:
    const std::shared_ptr<FakeAttachment> fake_;
};

}  // namespace

FakeAttachment::FakeAttachment(uint32_t host, uint32_t queue, uint32_t tags, size_t data_bytes)
    : tags_(tags),
      entries_(std::bit_ceil(2 * tags)),
      kernel_(event_offset + entries_ * sizeof(tgt_ring_event) + tags * sizeof(tgt_ring_desc)),
      user_(reply_offset + entries_ * 4 + tags * sizeof(tgt_ring_reply)),
      data_(static_cast<uint8_t*>(aligned_alloc(4096, data_bytes)), &free),
      data_bytes_(data_bytes) {
    memset(data_.get(), 0xee, data_bytes);
    tgt_ring_header& h = header();
    h.magic = TGT_RING_MAGIC;
    h.version = TGT_RING_VERSION;
    h.host = host;
    h.queue = queue;
    h.tags = tags;
    h.ring_entries = entries_;
    h.event_offset = event_offset;
    h.desc_offset = event_offset + entries_ * uint32_t(sizeof(tgt_ring_event));
    h.desc_size = sizeof(tgt_ring_desc);
    h.reply_offset = reply_offset;
    h.slot_offset = reply_offset + entries_ * 4;
    h.slot_size = sizeof(tgt_ring_reply);
    h.data_bytes = data_bytes;
    h.attachment = 1;
    for (uint32_t i = 0; i < tags; ++i) free_.push_back(i);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) abort();
    kernel_fd_.reset(pair[0]);
    daemon_.reset(pair[1]);
}

ipc::RingRegions FakeAttachment::regions() {
    return {kernel_, user_, {data_.get(), data_bytes_}};
}

tgt_ring_desc& FakeAttachment::desc(uint32_t tag) {
    return *reinterpret_cast<tgt_ring_desc*>(kernel_.data() + header().desc_offset +
                                             tag * sizeof(tgt_ring_desc));
}

void FakeAttachment::event(uint32_t tag, uint16_t type, int32_t result) {
    std::lock_guard lock(mutex_);
    put_event(tag, type, result);
}

void FakeAttachment::put_event(uint32_t tag, uint16_t type, int32_t result) {
    auto* ring = reinterpret_cast<tgt_ring_event*>(kernel_.data() + event_offset);
    ring[head_ % entries_] = {tag, type, 0, result, 0};
    store(header().event_head, ++head_);
    if (load(user().event_wait) == 0 || !kernel_fd_) return;
    ++wakeups;
    send(kernel_fd_.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

uint64_t FakeAttachment::announce(tgt_ring_desc what, std::vector<uint8_t> out) {
    std::lock_guard lock(mutex_);
    if (free_.empty()) {
        fault("no tag is free");
        return 0;
    }
    what.tag = free_.front();
    free_.pop_front();
    if (what.id == 0) what.id = next_id_++;
    desc(what.tag) = what;
    open_[what.tag].desc = what;
    open_[what.tag].out = std::move(out);
    put_event(what.tag, TGT_EVENT_NEW, 0);
    return what.id;
}

uint64_t FakeAttachment::submit(const Command& command) {
    tgt_ring_desc what{};
    what.type = TGT_DESC_COMMAND;
    what.nexus = command.nexus;
    what.id = command.id;
    what.flags = command.flags;
    what.attribute = command.attribute;
    what.in_length = command.in_length;
    what.out_length = uint32_t(command.out.size());
    what.cdb_length = uint16_t(command.cdb.size());
    std::copy(command.cdb.begin(), command.cdb.end(), what.cdb);
    const auto lun = wire::encode_lun(command.lun);
    std::copy(lun.begin(), lun.end(), what.lun);
    return announce(what, command.out);
}

uint64_t FakeAttachment::arrive(uint32_t nexus, const std::string& name, const uint8_t* id) {
    tgt_ring_desc what{};
    what.type = TGT_DESC_NEXUS_ARRIVED;
    what.nexus = nexus;
    what.name_length = uint16_t(name.size());
    std::copy(name.begin(), name.end(), what.nexus_info.name);
    what.nexus_info.transport_id[0] = 0xff;
    if (id) std::copy_n(id, 24, what.nexus_info.transport_id);
    return announce(what);
}

uint64_t FakeAttachment::leave(uint32_t nexus) {
    tgt_ring_desc what{};
    what.type = TGT_DESC_NEXUS_LEFT;
    what.nexus = nexus;
    return announce(what);
}

uint64_t FakeAttachment::task(uint32_t nexus, uint8_t function, uint64_t lun, uint64_t ref_id) {
    tgt_ring_desc what{};
    what.type = TGT_DESC_TASK;
    what.nexus = nexus;
    what.function = function;
    what.ref_id = ref_id;
    const auto bytes = wire::encode_lun(lun);
    std::copy(bytes.begin(), bytes.end(), what.lun);
    return announce(what);
}

void FakeAttachment::break_off() {
    std::lock_guard lock(mutex_);
    kernel_fd_.reset();
}

int FakeAttachment::kick() {
    std::lock_guard lock(mutex_);
    ++kicks;
    if (kick_error) return kick_error;
    char wakes[64];  // nobody else reads them, and the socket holds so many only
    while (recv(daemon_.get(), wakes, sizeof(wakes), MSG_DONTWAIT) > 0) {
    }
    const uint32_t head = load(user().reply_head);
    if (head - reply_tail_ > entries_) fault("the reply ring overflows");
    const auto* ring = reinterpret_cast<const uint32_t*>(user_.data() + reply_offset);
    while (reply_tail_ != head) take_reply(ring[reply_tail_++ % entries_]);
    store(header().reply_tail, reply_tail_);
    changed_.notify_all();
    return 0;
}

void FakeAttachment::take_reply(uint32_t tag) {
    if (tag >= tags_ || !open_.count(tag)) return fault(fmt::format("reply for tag {}", tag));
    tgt_ring_reply reply;
    memcpy(&reply, user_.data() + header().slot_offset + tag * sizeof(reply), sizeof(reply));
    if (!check(reply, tag)) return;
    reply.op == TGT_REPLY_GET_DATA ? get_data(tag, reply) : end(tag, reply);
}

bool FakeAttachment::check(const tgt_ring_reply& reply, uint32_t tag) {
    const Open& open = open_[tag];
    const size_t before = faults_.size();
    if (reply.id != open.desc.id) fault("a reply of another id");
    if (open.replied || open.sending) fault("a second reply");
    if (reply.segment_count > TGT_RING_MAX_SEGMENTS) fault("too many segments");
    uint64_t sum = 0;
    for (size_t i = 0; i < std::min<size_t>(reply.segment_count, TGT_RING_MAX_SEGMENTS); ++i) {
        const tgt_ring_segment& segment = reply.segments[i];
        sum += segment.length;
        if (segment.length == 0 || segment.offset % TGT_RING_DATA_UNIT != 0 ||
            segment.offset > data_bytes_ || segment.length > data_bytes_ - segment.offset)
            fault("a segment outside of the area");
    }
    if (sum != reply.length) fault("segments of another length");
    if (reply.op == TGT_REPLY_GET_DATA && reply.length > open.out.size()) fault("too much data");
    if (reply.op == TGT_REPLY_DONE && reply.length > open.desc.in_length) fault("too much data");
    if (reply.op != TGT_REPLY_DONE && reply.op != TGT_REPLY_GET_DATA) fault("an unknown reply");
    return faults_.size() == before;
}

void FakeAttachment::get_data(uint32_t tag, const tgt_ring_reply& reply) {
    Open& open = open_[tag];
    open.replied = true;
    ++fetched_[reply.id];
    auto deliver = [this, tag, reply] {
        Open& now = open_[tag];
        size_t at = reply.offset;
        for (size_t i = 0; i < reply.segment_count; at += reply.segments[i++].length)
            memcpy(data_.get() + reply.segments[i].offset, now.out.data() + at,
                   reply.segments[i].length);
        now.replied = false;
        put_event(tag, TGT_EVENT_DATA, data_error);
    };
    if (hold_data)
        held_.push_back(deliver);
    else
        deliver();
}

void FakeAttachment::end(uint32_t tag, const tgt_ring_reply& reply) {
    Done done{reply.id, reply.flags,    reply.status,    reply.response,     {},
              {},       reply.in_total, reply.out_total, reply.segment_count};
    for (size_t i = 0; i < reply.segment_count; ++i) {
        const uint8_t* piece = data_.get() + reply.segments[i].offset;
        done.data.insert(done.data.end(), piece, piece + reply.segments[i].length);
    }
    done.sense.assign(reply.sense, reply.sense + std::min<size_t>(reply.sense_length, 252));
    done_[reply.id] = std::move(done);
    order_.push_back(reply.id);
    auto sent = [this, tag] {
        open_.erase(tag);
        free_.push_back(tag);
        put_event(tag, TGT_EVENT_SENT, 0);
    };
    if (reply.segment_count == 0) {
        open_.erase(tag);
        free_.push_back(tag);
    } else if (open_[tag].sending = true; hold_sent) {
        held_.push_back(sent);
    } else {
        sent();
    }
}

void FakeAttachment::release_held() {
    std::lock_guard lock(mutex_);
    for (auto& one : std::exchange(held_, {})) one();
}

bool FakeAttachment::is_done(uint64_t id) {
    std::lock_guard lock(mutex_);
    return done_.count(id) > 0;
}

Done FakeAttachment::done(uint64_t id) {
    std::lock_guard lock(mutex_);
    const auto found = done_.find(id);
    if (found != done_.end()) return found->second;
    fault(fmt::format("{} is not done", id));
    return {};
}

Done FakeAttachment::wait_for(uint64_t id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.count(id) > 0; });
    return done_[id];
}

std::vector<uint64_t> FakeAttachment::order() {
    std::lock_guard lock(mutex_);
    return order_;
}

std::vector<std::string> FakeAttachment::faults() {
    std::lock_guard lock(mutex_);
    return faults_;
}

size_t FakeAttachment::fetched(uint64_t id) {
    std::lock_guard lock(mutex_);
    return fetched_[id];
}

uint32_t FakeAttachment::seen() {
    return load(user().event_tail);
}

Result<std::unique_ptr<ipc::RingEnd>> FakeKernel::open(const ipc::RingPlace& place) {
    std::lock_guard lock(mutex_);
    ++tries;
    if (refuse) return fail(refuse, "refused by the test");
    auto fake = std::make_shared<FakeAttachment>(place.host, place.queue, tags, data_bytes);
    if (prepare) prepare(*fake);
    all_.push_back(fake);
    return std::make_unique<FakeEnd>(fake);
}

std::vector<std::shared_ptr<FakeAttachment>> FakeKernel::all() {
    std::lock_guard lock(mutex_);
    return all_;
}

}  // namespace tgt::test
