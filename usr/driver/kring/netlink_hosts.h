// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "driver/kring/kernel_hosts.h"
#include "io/worker.h"
#include "ipc/netlink/family_watch.h"

namespace tgt::kring {

// The hosts of this machine's kernel. The family may come and go: it is noticed at once, without
// asking again. Made by the program; everything else on the control thread; outlives the drivers.
class NetlinkHosts final : public KernelHosts, private ipc::FamilyWatch::Owner {
  public:
    // `link` null: the kernel's.
    explicit NetlinkHosts(std::unique_ptr<ipc::NetlinkLink> link = nullptr);
    ~NetlinkHosts();

    // Looks who is there; before the drivers are made. Without a kernel that answers there are no
    // hosts, and problem() says why.
    void start(io::Worker& control);
    // Nothing is told any more. Before the control thread ends.
    void stop();

    std::string_view problem() const override { return problem_; }
    const std::vector<KernelHost>& hosts() const override { return hosts_; }
    void listen(Listener& listener) override;
    void forget(Listener& listener) override;
    void lun_changed(uint32_t host, const wire::LunBytes& lun, bool present) override;

  private:
    void listed(std::string problem, const std::vector<ipc::NetlinkRecord>& hosts) override;
    void event(const ipc::NetlinkRecord& record) override;
    void set_problem(std::string problem);
    void add(KernelHost host);
    void remove(uint32_t number);
    template <class Tell>
    void tell(Tell one_told);

    ipc::FamilyWatch watch_;
    std::string problem_;
    std::vector<KernelHost> hosts_;
    std::vector<Listener*> listeners_;
};

}  // namespace tgt::kring
