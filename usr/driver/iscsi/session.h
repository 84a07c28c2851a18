// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/iscsi/command_window.h"
#include "driver/iscsi/parameters.h"
#include "driver/iscsi/task.h"
#include "driver/iscsi/worker_context.h"
#include "scsi/nexus.h"

namespace tgt::scsi {
class Target;
}

namespace tgt::iscsi {

// A PDU that came before its turn (CommandSN gap), or a command for which there is no memory: kept
// whole until then.
struct HeldPdu {
    Connection* connection = nullptr;
    uint32_t cmd_sn = 0;
    bool aborted = false;  // never came and never will: only its number counts
    bool whole = true;     // else data was dropped: the command cannot be carried out
    wire::Bhs bhs;
    std::vector<uint8_t> ahs;
    std::vector<uint8_t> data;
    size_t bytes() const { return sizeof(HeldPdu) + ahs.size() + data.size(); }
};

// What makes a session: plain data, the durable part.
struct SessionIdentity {
    uint16_t tsih = 0;
    int tid = 0;  // 0: discovery
    std::string initiator_name;
    std::string initiator_alias;
    std::array<uint8_t, 6> isid{};
    bool operator==(const SessionIdentity&) const = default;
};

// The durable part of a session in which no command is in flight: plain data, for handing it to
// another process.
struct SessionState {
    struct Connection {
        uint16_t cid = 0;
        uint32_t stat_sn = 0;  // of the next status
        uint32_t next_transfer_tag = 0;
        uint32_t send_limit = 0;  // the initiator's MaxRecvDataSegmentLength in force
        bool operator==(const Connection&) const = default;
    };
    SessionIdentity identity;
    NegotiatedParameters parameters;
    CommandWindow window;
    std::optional<scsi::NexusState> nexus;  // not in a discovery session
    std::vector<Connection> connections;
    bool operator==(const SessionState&) const = default;
};

// An iSCSI session (RFC 7143 chapter 5): the I_T nexus, the command window, the tasks. Lives on one
// worker with all its connections; owned by the WorkerContext. A discovery session has no nexus.
class Session : public ListHook<Hunger> {
  public:
    Session(WorkerContext& context, SessionIdentity identity, std::shared_ptr<scsi::Target> target,
            const NegotiatedParameters& parameters, uint32_t first_cmd_sn);
    // As snapshot() told it; its connections join() and resume() next.
    Session(WorkerContext& context, const SessionState& state,
            std::shared_ptr<scsi::Target> target);
    ~Session();
    SessionState snapshot() const;

    const SessionIdentity& identity() const { return identity_; }
    bool discovery() const { return identity_.tid == 0; }
    scsi::Nexus* nexus() { return nexus_.get(); }
    const std::shared_ptr<scsi::Target>& target() const { return target_; }
    const NegotiatedParameters& parameters() const { return parameters_; }
    CommandWindow& window() { return window_; }
    WorkerContext& context() { return context_; }
    const std::vector<Connection*>& connections() const { return connections_; }

    void join(Connection& connection) { connections_.push_back(&connection); }
    // The connection is closing: its tasks are abandoned. The session ends with its last one (error
    // recovery level 0).
    void leave(Connection& connection);
    // Closes every connection.
    void drop();

    // By initiator task tag. Not those that were aborted: their tags are free again.
    Task* find_task(uint32_t initiator_task_tag);
    Task& new_task(Connection& connection, uint32_t initiator_task_tag);
    // The task is over: out of the table, back to the slab.
    void end_task(Task& task);
    size_t task_count() const { return task_count_; }
    // Commands that an initiator can have outstanding: the window, and immediate ones beside it.
    size_t max_tasks() const { return max_tasks_; }
    // Immediate commands have no window: what bounds them (RFC 7143 3.2.2.1 allows the refusal).
    bool takes_immediate() const { return task_count_ < max_tasks_; }
    size_t task_functions = 0;  // being carried out

    // Admits a command that needs so much buffer memory, or not (see MemoryAccounts): then it is to
    // end with TASK SET FULL, or with BUSY when it is alone (SAM-5 5.3).
    bool reserve(Task& task, uint64_t bytes);
    scsi::Status refusal() const {
        return task_count_ > 1 ? scsi::Status::task_set_full : scsi::Status::busy;
    }
    const MemoryAccount& memory() const { return memory_; }

    // The task waits for data, or has got some: without any for data_out_timeout it is given to
    // its connection's data_overdue(). One alarm for all.
    void await_data(Task& task);
    void stop_waiting(Task& task);

    // Early PDUs, bounded in bytes (of the session, and of all on the worker); false when a bound
    // is reached.
    bool hold(HeldPdu&& pdu);
    // The held PDU whose turn has come, if it is here and there is memory for it.
    bool take_held(HeldPdu& pdu);
    // 11.5.1: those of a LUN (of all, if none is given) that are older than `before`.
    void abort_held(std::optional<uint64_t> lun, uint32_t before);

    // --- commands that wait for memory
    // Whether a command PDU whose turn has come has to wait.
    bool must_wait(const wire::Bhs& bhs, std::span<const uint8_t> ahs) const {
        return starving_ || !fits(bhs, ahs);
    }
    bool starving() const { return starving_; }
    // From now on; the command is given to hold() next. Too much of its data is dropped there.
    void starve();
    // Begins one that waits, if there is memory now.
    bool feed();
    // A numbered command has left.
    void release_window();

  private:
    static constexpr size_t buckets = 128;
    static constexpr size_t max_held_bytes = size_t(4) << 20;
    static constexpr io::Duration patience = std::chrono::seconds(10);

    void end();
    bool fits(const wire::Bhs& bhs, std::span<const uint8_t> ahs) const;
    bool next_is_held() const;
    void begin_held();
    void lose_patience();
    void sated();
    void look_for_overdue();
    void forget_held(size_t bytes);
    io::Duration data_out_bound() const;

    WorkerContext& context_;
    const SessionIdentity identity_;
    const std::shared_ptr<scsi::Target> target_;
    const NegotiatedParameters parameters_;
    std::unique_ptr<scsi::Nexus> nexus_;
    CommandWindow window_;
    std::vector<Connection*> connections_;
    std::array<IntrusiveList<Task, TaskTable>, buckets> table_;
    size_t task_count_ = 0;
    const size_t max_tasks_;
    MemoryAccount& memory_;
    IntrusiveList<Task, DataWait> waiting_;  // the one that got data longest ago first
    io::Timer overdue_;
    std::list<HeldPdu> held_;
    size_t held_bytes_ = 0;
    // What a command may bring along while it waits, with what is kept of it.
    const uint64_t bytes_each_;
    bool starving_ = false;
    bool refusing_ = false;  // it has waited too long: there is no waiting for what is held
    io::Timer patience_;
};

// The buffer bytes that a command PDU asks for: what the initiator expects to move.
uint64_t memory_wanted(const wire::ScsiCommandPdu& pdu, std::span<const uint8_t> ahs);
// The task needs so many bytes of buffers from now on; not more than before.
void keep_memory(Task& task, uint64_t bytes);
// Gives a task back to the slab it came from.
void release_task(Task& task);

}  // namespace tgt::iscsi
