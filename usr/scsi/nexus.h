// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/intrusive_list.h"
#include "io/clock.h"
#include "scsi/task_set.h"
#include "scsi/unit_attention.h"

namespace tgt::io {
class Worker;
}

namespace tgt::scsi {

class LunShard;
class TargetShard;
class Nexus;

// Counters of `tgtadm --op stat`. "submitted" counts at dispatch, "done" at completion.
struct Counters {
    uint64_t read_submitted_bytes = 0, read_submitted = 0;
    uint64_t read_done_bytes = 0, read_done = 0;
    uint64_t write_submitted_bytes = 0, write_submitted = 0;
    uint64_t write_done_bytes = 0, write_done = 0;
    uint64_t errors = 0;  // every status but GOOD
    bool operator==(const Counters&) const = default;
};

// The durable part of an I_T nexus: plain data, for handing sessions to another process.
struct NexusState {
    struct Lun {
        uint64_t lun = 0;
        std::vector<UnitAttention> attentions;
        bool prevents_removal = false;
        Counters counters;
        bool operator==(const Lun&) const = default;
    };
    NexusId id;
    uint64_t number = 0;
    std::vector<Lun> luns;  // in order of LUN
    bool operator==(const NexusState&) const = default;
};

// An I_T nexus as one logical unit sees it (SAM-5 I_T_L nexus). Owned by its Nexus, linked in the
// shard's list. Worker: that of the session.
class ItlNexus : public ListHook<> {
  public:
    ItlNexus(Nexus& nexus, LunShard& shard, uint64_t lun);
    ~ItlNexus();

    Nexus& nexus;  // while linked: a detached one may outlive it
    LunShard& shard;
    TargetShard& target;
    const NexusId id;  // of the nexus
    const uint64_t lun;
    UnitAttentions attentions;
    TaskSet tasks;
    ClassMask forbidden = 0;  // cached from the reservations of the LunState
    Counters counters;
    // Set when the nexus has ended and commands of it are still with the store.
    std::shared_ptr<Nexus> kept_nexus;

    // Takes over what the device has posted meanwhile.
    void look_at_board();
    uint64_t board_seen() const { return board_seen_; }

    // PREVENT ALLOW MEDIUM REMOVAL of this nexus; counted in the logical unit.
    bool prevents_removal() const { return prevents_removal_; }
    void set_prevents_removal(bool prevents);

  private:
    uint64_t board_seen_ = 0;
    bool prevents_removal_ = false;
};

// An I_T nexus: one initiator port logged in to one target (SAM-5). The driver's session owns it.
// Made on the session's worker; ended there with retire().
class Nexus : public ListHook<> {
  public:
    // Links itself to the shard and makes an ItlNexus with UA 29h/00h per LUN.
    Nexus(TargetShard& target, NexusId id, uint64_t number);
    Nexus(const Nexus&) = delete;
    ~Nexus();

    TargetShard& target() { return target_; }
    const NexusId& id() const { return id_; }
    uint64_t number() const { return number_; }  // shown by tgtadm; iSCSI: the TSIH
    ItlNexus* find(uint64_t lun);
    std::map<uint64_t, std::unique_ptr<ItlNexus>>& luns() { return luns_; }

    NexusState snapshot() const;
    // Into a nexus just made with the same id; LUNs that are not there any more are left out.
    void restore(const NexusState& state);

  private:
    friend class TargetShard;
    TargetShard& target_;
    const NexusId id_;
    const uint64_t number_;
    std::map<uint64_t, std::unique_ptr<ItlNexus>> luns_;
};

// The end of a nexus (SAM-5 I_T nexus loss by logout or connection loss): it leaves the target, its
// commands are aborted without responses. `done` runs on the worker when all have ended, or when
// the bound has passed; the object itself lives until its last command has ended.
void retire(std::unique_ptr<Nexus> nexus, io::Duration bound, std::function<void()> done);

}  // namespace tgt::scsi
