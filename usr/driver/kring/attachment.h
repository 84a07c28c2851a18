// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/slab.h"
#include "driver/kring/request.h"
#include "io/worker.h"
#include "ipc/ring/ring.h"
#include "mgmt/driver.h"
#include "scsi/nexus.h"
#include "scsi/target.h"
#include "scsi/task_management.h"

namespace tgt::kring {

// What a host's nexuses lead to, and how they are told apart.
struct Service {
    uint32_t host = 0;
    uint8_t protocol = 0;  // PROTOCOL IDENTIFIER of TransportIDs that the kernel does not give
    int tid = 0;
    std::shared_ptr<scsi::Target> target;  // null: none
};

// An I_T nexus as the kernel knows it. While no target is bound, without a scsi::Nexus.
struct Initiator {
    uint32_t number = 0;
    std::string name;
    std::string port;  // NexusId::initiator_port
    std::unique_ptr<scsi::Nexus> nexus;
    IntrusiveList<Request, OpenRequests> requests;  // without answer
    // It has left: to be answered when its requests have been.
    struct Leaving {
        uint32_t tag;
        uint64_t id;
    };
    std::optional<Leaving> leaving;
    unsigned retiring = 0;  // scsi::Nexuses of it that have left, whose commands may be running
};

// One attachment of a queue, from TGT_RING_ATTACH until it is over and its last command has ended:
// the ring, the data area, the nexuses and commands that came over it. Worker's thread only.
class Attachment final : public std::enable_shared_from_this<Attachment>,
                         private io::EventSource,
                         private io::FdWatcher {
  public:
    // `lost` is called once, when the kernel has ended it or what it says makes no sense; the rest
    // is the owner's: end().
    using Lost = std::function<void(std::string why)>;
    Attachment(io::Worker& worker, std::unique_ptr<ipc::CommandRing> ring, Service service,
               Lost lost);
    ~Attachment();

    // Events are taken from now on. False: there is no memory for that.
    bool start();
    // Other target, or none: nexuses leave the one before. `done` when their commands have ended,
    // or the bound has passed.
    void serve(Service service, std::function<void()> done);
    // No more events, no more replies: every nexus is retired. `done` as above.
    void end(std::function<void()> done);
    // No command is left: it may be destroyed.
    bool idle() const { return requests_.in_use() == 0; }
    std::function<void()> on_idle;  // called when that has become so after end(), in a later turn

    std::vector<mgmt::SessionInfo> sessions() const;
    const io::BufferPool& pool() const { return pool_; }

    // --- for Request
    void fetch(Request& request);
    void finished(Request& request);

  private:
    static constexpr io::Duration patience = std::chrono::seconds(10);

    void hold_while_writing();

    struct TaskAnswer {
        uint32_t tag;
        uint64_t id;
        uint32_t nexus;
        uint64_t serial;
        uint8_t response;
    };
    struct TurnEnd : Task {
        Attachment* self = nullptr;
        bool waits = false;
    };

    void take_events() override;
    bool has_events() const override;
    bool may_sleep() override;
    void on_ready(uint32_t events) override;

    // The error: the kernel does not keep to the rules.
    Result<void> handle(const tgt_ring_event& event);
    Result<void> begin(const tgt_ring_desc& desc);
    Result<void> begin_command(const tgt_ring_desc& desc, Initiator& initiator);
    Result<void> begin_task(const tgt_ring_desc& desc, Initiator& initiator);
    Result<void> nexus_arrived(const tgt_ring_desc& desc);
    Result<void> nexus_left(const tgt_ring_desc& desc, Initiator& initiator);
    void data_came(Request& request, int result);

    // Commands
    bool admit(Request& request);
    void run(Request& request);
    void end_unstarted(Request& request, const scsi::Outcome& outcome);
    bool may_be_repeated(const Request& request) const;
    void feed();
    void lose_patience();
    bool abort_waiting(const Initiator& initiator, const scsi::TaskRequest& task);
    void give_up(Request& request);
    // Replies
    void answer(Request& request);
    void send(Request& request, uint8_t flags);
    void abandon_aborted(Initiator& initiator);
    void put_done(uint32_t tag, uint64_t id, uint8_t response = TGT_RESPONSE_COMPLETE);
    void release(Request& request);
    void check_idle();
    // Nexuses and tasks
    void make_nexus(Initiator& initiator);
    void retire(Initiator& initiator, std::function<void()> done);
    void retire_all(std::function<void()> done);
    void retired(uint32_t nexus);
    void forget_if_left(Initiator& initiator);
    void task_done(TaskAnswer answer);
    void flush_tasks();
    bool victims_left(const TaskAnswer& answer) const;

    void at_turn_end();
    void turn_ended();
    void lose(std::string why);

    io::Worker& worker_;
    std::optional<unsigned> held_;  // the ring's descriptor, by the worker's io::Ring
    // In this order: requests give their buffers back to the pool, which lies in the ring's memory.
    const std::unique_ptr<ipc::CommandRing> ring_;
    io::BufferPool pool_;
    Slab<Request> requests_;
    Service service_;
    Lost lost_;
    bool over_ = false;
    std::vector<Request*> by_tag_;
    std::map<uint32_t, Initiator> initiators_;
    IntrusiveList<Request, MemoryWait> waiting_;
    io::Timer patience_;
    std::vector<TaskAnswer> task_answers_;
    std::vector<tgt_ring_event> events_;
    uint64_t next_serial_ = 1;
    TurnEnd turn_end_;
};

}  // namespace tgt::kring
