// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <memory>

#include "base/unique_fd.h"
#include "driver/iscsi/pdu_receiver.h"
#include "driver/iscsi/pdu_sender.h"
#include "driver/iscsi/transport.h"
#include "driver/iscsi/worker_context.h"
#include "io/poller.h"
#include "io/timers.h"

namespace tgt::iscsi {

// iSCSI over TCP: PDU framing, Data-In and R2T PDUs, the socket. Receives many PDUs with one call,
// sends once per loop turn. What waits to be sent is bounded: while it is too much nothing more is
// received, and a peer that takes none of it for send_timeout is disconnected. Owned by its
// Connection.
class TcpTransport final : public Transport, private io::FdWatcher {
  public:
    TcpTransport(WorkerContext& context, Connection& connection, UniqueFd socket,
                 std::string peer_address);
    ~TcpTransport() override;

    void send(const wire::Bhs& pdu, std::span<const uint8_t> data) override;
    void send_result(Task& task, const wire::Bhs* status_pdu,
                     std::span<const uint8_t> sense) override;
    void request_data(Task& task) override;
    void look() override;
    void forget(Task& task) override;
    void adopt(const NegotiatedParameters& parameters) override;
    void close_after_sending() override;
    void close() override;
    std::string peer_address() const override { return peer_address_; }
    bool rdma() const override { return false; }
    uint64_t received_bytes() const override { return received_; }
    uint64_t sent_bytes() const override { return sent_; }

  private:
    struct Flush : tgt::Task {
        TcpTransport* self = nullptr;
    };

    void on_ready(uint32_t events) override;
    void receive();
    bool handle_events();
    bool output_full() const;
    io::Duration send_bound() const;
    void guard_output();
    void look_at_output();
    void place(const struct Placement& placement);
    void schedule_flush();
    void flush();
    void watch();
    uint32_t send_data_in(Task& task, bool with_status);
    static void result_left(void* context, uint64_t argument, bool delivered);

    WorkerContext& context_;
    Connection& connection_;
    UniqueFd socket_;
    const std::string peer_address_;
    PduReceiver rx_;
    PduSender tx_;
    NegotiatedParameters parameters_;
    Flush flush_;
    Flush gone_;  // tells the connection that it is closed
    bool flush_scheduled_ = false;
    bool closed_ = false;
    bool close_when_empty_ = false;
    bool events_left_ = false;  // PDUs are in rx_ that wait for room in the output
    uint32_t watched_ = 0;      // epoll events asked for
    io::Timer linger_;          // bounds close_after_sending()
    io::Timer resume_;          // goes on with what events_left_ says, in the next turn
    io::Timer stall_;           // armed while output waits for the peer
    io::TimePoint last_sent_;   // when some of it was seen to leave
    uint64_t seen_sent_ = 0;    // what sent_ and kernel_queue() were then
    int seen_queue_ = 0;
    uint64_t received_ = 0;
    uint64_t sent_ = 0;
};

}  // namespace tgt::iscsi
