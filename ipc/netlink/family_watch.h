// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/poller.h"
#include "ipc/netlink/link.h"

namespace tgt::ipc {

// Follows the kernel's family "tgt", its hosts and its events, without asking twice: nlctrl tells
// when the family comes and goes. When events were lost, everything is listed anew. One thread, the
// poller's; never waits.
class FamilyWatch final : private io::FdWatcher {
  public:
    class Owner {
      public:
        // All hosts there are; or why there is no family to speak to, as a sentence, and no hosts.
        // Again whenever that has changed, or may have.
        virtual void listed(std::string problem, const std::vector<NetlinkRecord>& hosts) = 0;
        // Not before hosts were listed.
        virtual void event(const NetlinkRecord& record) = 0;

      protected:
        ~Owner() = default;
    };

    FamilyWatch(std::unique_ptr<NetlinkLink> link, Owner& owner)
        : link_(std::move(link)), owner_(owner) {}
    FamilyWatch(const FamilyWatch&) = delete;
    ~FamilyWatch();

    // The kernel answers at once: hosts are listed when this returns.
    void start(io::Poller& poller);
    void stop();
    // A request whose answer interests nobody; a refusal is logged, as "<what>: ...".
    void send(const NetlinkRecord& record, std::string what);

  private:
    enum class Step : uint8_t { idle, families, version, hosts };
    void on_ready(uint32_t events) override;
    void receive();
    void begin();
    void ask(Step step, const NetlinkRecord& record, bool dump);
    void take(const NetlinkIncoming& incoming);
    void take_family(const NetlinkIncoming& incoming);
    void take_record(const NetlinkIncoming& incoming);
    void take_failure(const NetlinkIncoming& incoming);
    void families_listed();
    void take_version(const NetlinkRecord& record);
    void hosts_listed();
    void lost();
    void conclude(std::string problem);

    std::unique_ptr<NetlinkLink> link_;
    Owner& owner_;
    io::Poller* poller_ = nullptr;
    Step step_ = Step::idle;
    uint32_t sequence_ = 0;        // the newest
    uint32_t asked_ = 0;           // of the step
    bool again_ = false;           // what is being listed has changed
    bool listed_ = false;          // hosts were, since the family came
    NetlinkFamily family_, seen_;  // in use; in the list that comes
    std::vector<NetlinkRecord> hosts_;
    std::map<uint32_t, std::string> sent_;  // by sequence
};

}  // namespace tgt::ipc
