// SPDX-License-Identifier: GPL-2.0-or-later
// An attachment's events, and its commands from the descriptor to the reply.
#include "driver/kring/attachment.h"

#include <fmt/core.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "io/ring.h"
#include "scsi/device_type.h"
#include "wire/scsi_lun.h"

namespace tgt::kring {

namespace {

// SPC-5 annex F.
constexpr uint8_t commands_cleared_asc = 0x2f, by_device_server_ascq = 0x02;
constexpr uint8_t data_phase_error_asc = 0x4b, data_phase_error_ascq = 0x00;

scsi::TaskAttribute attribute_of(uint8_t ring) {
    switch (ring) {
        case TGT_ATTR_ORDERED:
            return scsi::TaskAttribute::ordered;
        case TGT_ATTR_HEAD_OF_QUEUE:
            return scsi::TaskAttribute::head_of_queue;
        case TGT_ATTR_ACA:
            return scsi::TaskAttribute::aca;
        default:
            return scsi::TaskAttribute::simple;
    }
}

uint32_t clamp(uint64_t bytes) {
    return uint32_t(std::min<uint64_t>(bytes, UINT32_MAX));
}

}  // namespace

Attachment::Attachment(io::Worker& worker, std::unique_ptr<ipc::CommandRing> ring, Service service,
                       Lost lost)
    : worker_(worker),
      ring_(std::move(ring)),
      pool_(ring_->data()),
      service_(std::move(service)),
      lost_(std::move(lost)),
      by_tag_(ring_->tags()),
      patience_([this] { lose_patience(); }) {
    turn_end_.self = this;
    turn_end_.run = [](Task& task) { static_cast<TurnEnd&>(task).self->turn_ended(); };
}

Attachment::~Attachment() {
    if (held_) worker_.ring()->let_go(*held_);
}

// Edge triggered: what there is to see is seen in memory; the descriptor only ends the sleep.
bool Attachment::start() {
    FdWatcher& watcher = *this;
    if (!worker_.poller().add(ring_->descriptor(), EPOLLIN | EPOLLET, watcher)) return false;
    worker_.add(static_cast<EventSource&>(*this));
    hold_while_writing();
    return true;
}

// Nobody else attaches the queue, and is told to repeat its writes, while one of ours may land.
void Attachment::hold_while_writing() {
    io::Ring* ring = worker_.ring();
    if (!ring) return;
    held_ = ring->hold(ring_->descriptor());
    if (!held_)
        log::warn(log::Module::core,
                  "io_uring does not keep a command ring open: after kill -9 a write that a slow "
                  "device still has may land on newer data");
}

// --- events --------------------------------------------------------------------------------------

bool Attachment::has_events() const {
    return ring_->has_events();
}

bool Attachment::may_sleep() {
    return ring_->arm();
}

void Attachment::on_ready(uint32_t events) {
    if (events & (EPOLLHUP | EPOLLERR)) lose("the kernel has ended it");
}

void Attachment::take_events() {
    ring_->disarm();
    events_.clear();
    auto result = ring_->take_events(events_);
    for (size_t i = 0; i < events_.size() && !over_; ++i) {
        auto handled = handle(events_[i]);
        if (!handled) result = std::move(handled);
        if (!result) break;
    }
    if (result || over_) return;
    log::warn(log::Module::core, "a command ring makes no sense: {}", result.error().text);
    lose(std::move(result.error().text));
}

Result<void> Attachment::handle(const tgt_ring_event& event) {
    Request* request = by_tag_[event.tag];
    if (event.type == TGT_EVENT_NEW) {
        if (request) return fail(EPROTO, fmt::format("tag {} is new while in use", event.tag));
        auto desc = ring_->descriptor_of(event.tag);
        return desc ? begin(*desc) : tl::unexpected(desc.error());
    }
    if (event.type == TGT_EVENT_DATA) {
        if (!request || !request->fetching)
            return fail(EPROTO, fmt::format("data came for tag {} unasked", event.tag));
        data_came(*request, event.result);
        return {};
    }
    if (!request || !request->sending)
        return fail(EPROTO, fmt::format("nothing was sent for tag {}", event.tag));
    release(*request);
    return {};
}

Result<void> Attachment::begin(const tgt_ring_desc& desc) {
    if (desc.type == TGT_DESC_NEXUS_ARRIVED) return nexus_arrived(desc);
    const auto found = initiators_.find(desc.nexus);
    if (found == initiators_.end() || found->second.leaving)
        return fail(EPROTO, fmt::format("there is no nexus {}", desc.nexus));
    Initiator& initiator = found->second;
    if (desc.type == TGT_DESC_NEXUS_LEFT) return nexus_left(desc, initiator);
    if (desc.type == TGT_DESC_TASK) return begin_task(desc, initiator);
    return begin_command(desc, initiator);
}

// --- commands in ---------------------------------------------------------------------------------

Result<void> Attachment::begin_command(const tgt_ring_desc& desc, Initiator& initiator) {
    Request& request = *requests_.take();
    by_tag_[desc.tag] = &request;
    initiator.requests.push_back(request);
    request.attachment = this;
    request.initiator = &initiator;
    request.ring_tag = desc.tag;
    request.id = request.tag = desc.id;
    request.serial = next_serial_++;
    std::copy(std::begin(desc.lun), std::end(desc.lun), request.lun_bytes.begin());
    request.lun = wire::decode_lun(std::span<const uint8_t, 8>(desc.lun));
    request.attribute = attribute_of(desc.attribute);
    std::copy_n(desc.cdb, desc.cdb_length, request.cdb.begin());
    request.cdb_length = desc.cdb_length;
    request.expected_in = desc.in_length;
    request.expected_out = desc.out_length;
    request.memory = &request;
    request.nexus = initiator.nexus.get();
    if (!request.nexus) {
        end_unstarted(request, scsi::sense::lun_not_supported());
    } else if ((desc.flags & TGT_DESC_F_SEEN) && !may_be_repeated(request)) {
        end_unstarted(request,
                      scsi::sense::aborted_command(commands_cleared_asc, by_device_server_ascq));
    } else if (!waiting_.empty() || !admit(request)) {
        waiting_.push_back(request);
        if (!patience_.armed()) worker_.timers().arm_in(patience_, patience);
    }
    return {};
}

// Another daemon may have carried it out, or some of it.
bool Attachment::may_be_repeated(const Request& request) const {
    const scsi::ItlNexus* itl = request.lun ? request.nexus->find(*request.lun) : nullptr;
    if (!itl) return true;  // it does nothing
    const scsi::DeviceType& type = itl->shard.unit.type();
    if (type.passes_through()) return false;
    bool opcode_known = false;
    const scsi::OpRow* row = type.ops().find(request.cdb.data(), opcode_known);
    return !row || (row->flags & scsi::op_repeatable) != 0;
}

// A command begins with all the memory that it may need, or not at all: none holds some and waits
// for more. What is larger than the whole area is left to fail with BUSY.
bool Attachment::admit(Request& request) {
    const uint64_t bytes = std::min<uint64_t>(std::max(request.expected_in, request.expected_out),
                                              io::Buffer::max_bytes);
    if (bytes > 0 && bytes <= pool_.limit()) {
        request.reserved = pool_.take(bytes);
        if (request.reserved.empty()) return false;
    }
    IntrusiveList<Request, MemoryWait>::remove(request);
    scsi::submit(request);
    return true;
}

// In the order of coming, so that large commands get their turn.
void Attachment::feed() {
    bool fed = false;
    while (!waiting_.empty() && admit(waiting_.front())) fed = true;
    if (waiting_.empty())
        patience_.disarm();
    else if (fed)
        worker_.timers().arm_in(patience_, patience);
}

// Memory is with a store that hangs (SAM-5 5.3.1).
void Attachment::lose_patience() {
    while (!waiting_.empty()) end_unstarted(waiting_.front(), scsi::Status::task_set_full);
}

void Attachment::end_unstarted(Request& request, const scsi::Outcome& outcome) {
    request.outcome = outcome;
    answer(request);
}

void Attachment::fetch(Request& request) {
    tgt_ring_reply& reply = ring_->reply_for(request.ring_tag);
    reply.id = request.id;
    reply.op = TGT_REPLY_GET_DATA;
    reply.length = uint32_t(request.out.size());
    for (const iovec& piece : request.out.segments())
        reply.segments[reply.segment_count++] = ring_->segment_of(piece.iov_base, piece.iov_len);
    request.fetching = true;
    ring_->put(request.ring_tag);
    at_turn_end();
}

void Attachment::data_came(Request& request, int result) {
    request.fetching = false;
    if (request.ended) {
        answer(request);
        flush_tasks();
    } else if (result == 0) {
        scsi::data_out_complete(request);
    } else {
        scsi::complete(request,
                       scsi::sense::aborted_command(data_phase_error_asc, data_phase_error_ascq));
    }
}

// --- results out ---------------------------------------------------------------------------------

void Attachment::finished(Request& request) {
    if (request.abandoned || over_) return release(request);
    request.ended = true;
    if (!request.fetching) answer(request);  // the kernel still writes to `out`
}

// The initiator port of a command that ended silently may still be there, as its target is not:
// then it is not left without an answer (SAM-5 5.3.3: it does not know of the abort).
void Attachment::answer(Request& request) {
    const bool port_remains = request.initiator->retiring > 0 && !request.initiator->leaving;
    if (request.silent && port_remains) {
        request.outcome = scsi::sense::aborted_command(commands_cleared_asc, by_device_server_ascq);
        request.silent = false;
    }
    send(request, request.silent ? TGT_REPLY_F_ABORTED : 0);
}

void Attachment::send(Request& request, uint8_t flags) {
    tgt_ring_reply& reply = ring_->reply_for(request.ring_tag);
    reply.id = request.id;
    reply.op = TGT_REPLY_DONE;
    reply.flags = flags;
    if (!(flags & TGT_REPLY_F_ABORTED)) {
        reply.status = uint8_t(request.outcome.status);
        reply.sense_length = uint16_t(request.sense_data(reply.sense));
        reply.in_total = clamp(request.in_total);
        reply.out_total = clamp(request.out_total);
        reply.length = uint32_t(request.in.size());
        for (const iovec& piece : request.in.segments())
            reply.segments[reply.segment_count++] =
                ring_->segment_of(piece.iov_base, piece.iov_len);
    }
    request.sending = reply.segment_count > 0;
    ring_->put(request.ring_tag);
    at_turn_end();
    Initiator& initiator = *std::exchange(request.initiator, nullptr);
    IntrusiveList<Request, OpenRequests>::remove(request);
    IntrusiveList<Request, MemoryWait>::remove(request);
    if (!request.sending) {
        release(request);
    } else {
        request.out.release();
        request.reserved.release();
    }
    if (initiator.leaving) forget_if_left(initiator);
}

void Attachment::put_done(uint32_t tag, uint64_t id, uint8_t response) {
    tgt_ring_reply& reply = ring_->reply_for(tag);
    reply.id = id;
    reply.op = TGT_REPLY_DONE;
    reply.response = response;
    ring_->put(tag);
    at_turn_end();
}

// The store still has what was aborted: the kernel need not wait for it.
void Attachment::abandon_aborted(Initiator& initiator) {
    std::vector<Request*> left;
    initiator.requests.for_each([&](Request& request) {
        if (request.aborted() && request.silent && !request.fetching) left.push_back(&request);
    });
    for (Request* request : left) give_up(*request);
}

void Attachment::give_up(Request& request) {
    tgt_ring_reply& reply = ring_->reply_for(request.ring_tag);
    const bool port_remains = request.initiator->retiring > 0 && !request.initiator->leaving;
    reply.id = request.id;
    reply.op = TGT_REPLY_DONE;
    reply.flags = port_remains ? 0 : TGT_REPLY_F_ABORTED;
    reply.status = port_remains ? uint8_t(scsi::Status::busy) : 0;
    ring_->put(request.ring_tag);
    at_turn_end();
    by_tag_[request.ring_tag] = nullptr;
    request.initiator = nullptr;
    request.abandoned = true;
    IntrusiveList<Request, OpenRequests>::remove(request);
}

void Attachment::release(Request& request) {
    if (!request.abandoned) by_tag_[request.ring_tag] = nullptr;
    IntrusiveList<Request, OpenRequests>::remove(request);
    IntrusiveList<Request, MemoryWait>::remove(request);
    requests_.give(&request);
    if (!waiting_.empty()) at_turn_end();
    check_idle();
}

// --- turns ---------------------------------------------------------------------------------------

void Attachment::at_turn_end() {
    if (over_ || turn_end_.waits) return;
    turn_end_.waits = true;
    worker_.at_turn_end(turn_end_);
}

void Attachment::turn_ended() {
    if (!over_) feed();  // what it puts goes with the same kick
    turn_end_.waits = false;
    if (over_) return check_idle();
    const int error = ring_->unkicked() ? ring_->kick() : 0;
    if (error != 0) lose(fmt::format("it takes no replies: {}", std::strerror(error)));
}

}  // namespace tgt::kring
