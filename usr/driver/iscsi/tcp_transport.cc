// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/tcp_transport.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "driver/iscsi/connection.h"

namespace tgt::iscsi {

namespace {

constexpr size_t receives_per_turn = 16;  // then others get their turn
// What may be queued before no further PDU is looked at. Copies and headers are memory beside the
// buffer pool.
constexpr size_t output_limit = size_t(32) << 20;
constexpr size_t pdu_limit = 16384;
constexpr size_t copy_limit = size_t(256) << 10;
constexpr int looks_per_bound = 4;  // of send_timeout
constexpr auto linger_bound = std::chrono::seconds(2);

// Bytes that the kernel has and the peer has not.
int kernel_queue(int socket) {
    int bytes = 0;
    return ::ioctl(socket, TIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

}  // namespace

TcpTransport::TcpTransport(WorkerContext& context, Connection& connection, UniqueFd socket,
                           std::string peer_address)
    : context_(context),
      connection_(connection),
      socket_(std::move(socket)),
      peer_address_(std::move(peer_address)),
      linger_([this] { connection_.close("the peer does not take the last response"); }),
      resume_([this] { receive(); }),
      stall_([this] { look_at_output(); }) {
    flush_.self = this;
    flush_.run = [](tgt::Task& task) {
        TcpTransport& self = *static_cast<Flush&>(task).self;
        self.flush_scheduled_ = false;
        self.flush();
    };
    gone_.self = this;
    gone_.run = [](tgt::Task& task) { static_cast<Flush&>(task).self->connection_.closed(); };
    watched_ = EPOLLIN;
    context_.worker.poller().add(socket_.get(), watched_, *this);
}

TcpTransport::~TcpTransport() {
    if (socket_) context_.worker.poller().remove(socket_.get(), *this);
}

// --- in --------------------------------------------------------------------------------------

void TcpTransport::on_ready(uint32_t events) {
    if (closed_) return;
    if (events & EPOLLOUT) schedule_flush();
    if (events & EPOLLIN)
        receive();
    else if (events & (EPOLLERR | EPOLLHUP))
        connection_.close("the peer is gone");
}

bool TcpTransport::output_full() const {
    return tx_.bytes() > output_limit || tx_.pdus() > pdu_limit || tx_.copied() > copy_limit;
}

void TcpTransport::receive() {
    if (closed_ || !handle_events()) return;
    for (size_t i = 0; i < receives_per_turn && !closed_; ++i) {
        if (close_when_empty_ || output_full()) break;
        std::array<iovec, 32> iov;
        msghdr message{};
        message.msg_iov = iov.data();
        message.msg_iovlen = rx_.want(iov);
        size_t wanted = 0;
        for (size_t k = 0; k < message.msg_iovlen; ++k) wanted += iov[k].iov_len;
        ssize_t n = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0) {
            connection_.close(n == 0 ? "closed by the peer" : std::strerror(errno));
            return;
        }
        received_ += uint64_t(n);
        rx_.advance(size_t(n));
        if (!handle_events()) return;
        if (size_t(n) < wanted) break;
    }
    if (!closed_) watch();
}

// False when the transport was closed.
bool TcpTransport::handle_events() {
    events_left_ = false;
    for (bool in_pdu = false;;) {
        if (!in_pdu && output_full()) {
            events_left_ = true;
            return true;
        }
        switch (rx_.next()) {
            case PduEvent::none:
                return true;
            case PduEvent::header:
                place(connection_.header(rx_.bhs(), rx_.ahs(), rx_.data_length()));
                in_pdu = true;
                break;
            case PduEvent::pdu:
                connection_.pdu(rx_.bhs(), rx_.ahs(), rx_.data(), rx_.data_digest_ok());
                in_pdu = false;
                break;
            case PduEvent::error:
                connection_.protocol_error(pdu_error_name(rx_.error()));
                return false;
        }
        if (closed_ || close_when_empty_) return false;
    }
}

void TcpTransport::place(const Placement& placement) {
    if (closed_) return;
    switch (placement.kind) {
        case Placement::Kind::scratch:
            break;
        case Placement::Kind::discard:
            rx_.discard_data();
            break;
        case Placement::Kind::target:
            rx_.set_data_target(placement.target);
            break;
    }
}

void TcpTransport::look() {
    receive();
}

void TcpTransport::forget(Task&) {
    // Connection calls this for the task whose data is being received only.
    if (rx_.receiving_data()) rx_.abandon_data();
}

// --- out --------------------------------------------------------------------------------------

void TcpTransport::send(const wire::Bhs& pdu, std::span<const uint8_t> data) {
    if (closed_) return;
    tx_.queue_copy(pdu, data);
    schedule_flush();
}

void TcpTransport::request_data(Task& task) {
    if (closed_) return;
    while (auto r2t = task.data_out.next_r2t(connection_.new_transfer_tag())) {
        wire::R2tPdu pdu;
        std::copy(task.lun_bytes.begin(), task.lun_bytes.end(), std::begin(pdu.lun));
        pdu.initiator_task_tag = task.initiator_task_tag;
        pdu.target_transfer_tag = r2t->transfer_tag;
        pdu.stat_sn = connection_.stat_sn();
        pdu.exp_cmd_sn = connection_.exp_cmd_sn();
        pdu.max_cmd_sn = connection_.max_cmd_sn();
        pdu.r2t_sn = r2t->sn;
        pdu.buffer_offset = r2t->offset;
        pdu.desired_data_transfer_length = r2t->length;
        tx_.queue(pdu);
    }
    schedule_flush();
}

void TcpTransport::send_result(Task& task, const wire::Bhs* status_pdu,
                               std::span<const uint8_t> sense) {
    if (closed_) return connection_.task_sent(task);
    uint32_t exp_data_sn = task.in.empty() ? 0 : send_data_in(task, status_pdu == nullptr);
    if (status_pdu) {
        auto pdu = wire::from_bytes<wire::ScsiResponsePdu>(wire::bytes_of(*status_pdu).data());
        pdu.stat_sn = connection_.next_stat_sn();
        pdu.exp_cmd_sn = connection_.exp_cmd_sn();
        pdu.max_cmd_sn = connection_.max_cmd_sn();
        pdu.exp_data_sn = exp_data_sn;
        tx_.queue_copy(pdu, sense, {&result_left, this, reinterpret_cast<uintptr_t>(&task)});
    }
    schedule_flush();
}

// 11.7: PDUs of at most what the initiator declared; F ends a sequence of at most MaxBurstLength.
// Returns the next DataSN, which a bidirectional command counts together with its R2Ts (11.7.5).
uint32_t TcpTransport::send_data_in(Task& task, bool with_status) {
    size_t total = task.in.size();
    size_t burst_limit = parameters_.values.get(ParamId::max_burst_length);
    size_t burst_left = burst_limit;
    uint32_t data_sn = task.bidirectional ? task.data_out.r2ts_sent() : 0;
    for (size_t offset = 0; offset < total;) {
        size_t length = std::min({total - offset, size_t(parameters_.send_limit), burst_left});
        bool last = offset + length == total;
        burst_left -= length;
        wire::DataInPdu pdu;
        wire::FinalFlag::set(pdu.flags, last || burst_left == 0);
        if (burst_left == 0) burst_left = burst_limit;
        pdu.initiator_task_tag = task.initiator_task_tag;
        pdu.target_transfer_tag = wire::reserved_tag;
        pdu.exp_cmd_sn = connection_.exp_cmd_sn();
        pdu.max_cmd_sn = connection_.max_cmd_sn();
        pdu.data_sn = data_sn++;
        pdu.buffer_offset = uint32_t(offset);
        SentHook hook;
        if (last && with_status) {
            connection_.set_good_status(task, pdu);
            hook = {&result_left, this, reinterpret_cast<uintptr_t>(&task)};
        }
        std::array<iovec, io::Buffer::max_segments> slices;
        size_t count = task.in.slice(offset, length, slices.data());
        tx_.queue(pdu, {slices.data(), count}, hook);
        ++connection_.counts.datain_pdus;
        offset += length;
    }
    return data_sn;
}

void TcpTransport::result_left(void* context, uint64_t argument, bool) {
    auto* self = static_cast<TcpTransport*>(context);
    self->connection_.task_sent(*reinterpret_cast<Task*>(uintptr_t(argument)));
}

void TcpTransport::schedule_flush() {
    if (flush_scheduled_ || closed_) return;
    flush_scheduled_ = true;
    context_.worker.at_turn_end(flush_);
}

void TcpTransport::flush() {
    while (!closed_ && !tx_.empty()) {
        std::array<iovec, 256> iov;
        msghdr message{};
        message.msg_iov = iov.data();
        message.msg_iovlen = tx_.want(iov);
        ssize_t n = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) {
            connection_.close(std::strerror(errno));
            return;
        }
        sent_ += uint64_t(n);
        tx_.advance(size_t(n));
    }
    if (closed_) return;
    if (close_when_empty_ && tx_.empty()) {
        connection_.close("finished");
        return;
    }
    guard_output();
    if (events_left_ && !output_full()) context_.worker.timers().arm_in(resume_, io::Duration(0));
    watch();
}

io::Duration TcpTransport::send_bound() const {
    return std::chrono::seconds(parameters_.values.get(ParamId::send_timeout));
}

// One alarm for all of the output: set when it begins to wait, looked at only when it goes off.
void TcpTransport::guard_output() {
    if (tx_.empty()) return stall_.disarm();
    const io::Duration bound = send_bound();
    if (stall_.armed() || bound == io::Duration(0)) return;
    io::TimerQueue& timers = context_.worker.timers();
    last_sent_ = timers.now();
    seen_sent_ = sent_;
    seen_queue_ = kernel_queue(socket_.get());
    timers.arm_in(stall_, bound / looks_per_bound);
}

// The kernel takes more only when much of its queue is free: that the queue shrinks is progress,
// too.
void TcpTransport::look_at_output() {
    const io::Duration bound = send_bound();
    io::TimerQueue& timers = context_.worker.timers();
    const int queue = kernel_queue(socket_.get());
    if (sent_ != seen_sent_ || queue < seen_queue_) last_sent_ = timers.now();
    seen_sent_ = sent_;
    seen_queue_ = queue;
    const io::TimePoint deadline = last_sent_ + bound;
    if (timers.now() >= deadline) return connection_.close("the peer does not read");
    timers.arm(stall_, std::min(timers.now() + bound / looks_per_bound, deadline));
}

// EPOLLOUT while output waits for the peer, not for the end of the turn; no EPOLLIN while too much
// of it waits.
void TcpTransport::watch() {
    uint32_t events = tx_.empty() || flush_scheduled_ ? 0u : uint32_t(EPOLLOUT);
    if (!close_when_empty_ && !output_full()) events |= EPOLLIN;
    if (events == watched_) return;
    watched_ = events;
    context_.worker.poller().modify(socket_.get(), watched_, *this);
}

void TcpTransport::adopt(const NegotiatedParameters& parameters) {
    parameters_ = parameters;
    ReceiverLimits limits;
    limits.max_data = parameters.receive_limit;
    rx_.set_limits(limits);
    rx_.set_digests(parameters.header_digest(), parameters.data_digest());
    tx_.set_digests(parameters.header_digest(), parameters.data_digest());
}

void TcpTransport::close_after_sending() {
    if (closed_) return;
    close_when_empty_ = true;
    context_.worker.timers().arm_in(linger_, linger_bound);
    schedule_flush();
}

void TcpTransport::close() {
    if (closed_) return;
    closed_ = true;
    linger_.disarm();
    resume_.disarm();
    stall_.disarm();
    context_.worker.poller().remove(socket_.get(), *this);
    socket_.reset();
    tx_.clear();
    // Callers up the stack still use the connection, and flush_ may wait for the end of this turn:
    // it goes behind both.
    context_.worker.at_turn_end(gone_);
}

}  // namespace tgt::iscsi
