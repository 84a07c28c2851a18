// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/kring/netlink_hosts.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace tgt::kring {

namespace {

constexpr auto module = log::Module::core;

std::optional<KernelHost> host_of(const ipc::NetlinkRecord& record) {
    const uint64_t number = record.number(TGT_NL_A_HOST).value_or(0);
    const std::string_view lld = record.text(TGT_NL_A_LLD);
    if (number == 0 || lld.empty()) return std::nullopt;
    KernelHost host;
    host.number = uint32_t(number);
    host.lld = lld;
    host.port_name = record.text(TGT_NL_A_PORT_NAME);
    if (const auto scsi = record.number(TGT_NL_A_SCSI_HOST)) host.scsi_host = uint32_t(*scsi);
    host.queues = uint32_t(record.number(TGT_NL_A_QUEUES).value_or(1));
    host.depth = uint32_t(record.number(TGT_NL_A_DEPTH).value_or(0));
    return host;
}

auto find(const std::vector<KernelHost>& hosts, uint32_t number) {
    return std::find_if(hosts.begin(), hosts.end(),
                        [&](const KernelHost& host) { return host.number == number; });
}

}  // namespace

NetlinkHosts::NetlinkHosts(std::unique_ptr<ipc::NetlinkLink> link)
    : watch_(link ? std::move(link) : ipc::make_netlink_link(), *this) {}

NetlinkHosts::~NetlinkHosts() = default;

void NetlinkHosts::start(io::Worker& control) {
    watch_.start(control.poller());
    if (problem_.empty()) log::info(module, "hosts in the kernel: {}", hosts_.size());
}

void NetlinkHosts::stop() {
    watch_.stop();
}

void NetlinkHosts::listen(Listener& listener) {
    listeners_.push_back(&listener);
}

void NetlinkHosts::forget(Listener& listener) {
    std::erase(listeners_, &listener);
}

// A listener may forget itself while it is told.
template <class Tell>
void NetlinkHosts::tell(Tell one_told) {
    const auto all = listeners_;
    for (Listener* one : all)
        if (std::find(listeners_.begin(), listeners_.end(), one) != listeners_.end())
            one_told(*one);
}

void NetlinkHosts::lun_changed(uint32_t host, const wire::LunBytes& lun, bool present) {
    ipc::NetlinkRecord record(TGT_NL_LUN_CHANGED);
    record.set(TGT_NL_A_HOST, host).set(TGT_NL_A_LUN, std::span<const uint8_t>(lun));
    record.set(TGT_NL_A_LUN_PRESENT, present ? 1 : 0);
    watch_.send(record, fmt::format("host {} is not told of a logical unit that {}", host,
                                    present ? "came" : "went"));
}

void NetlinkHosts::set_problem(std::string problem) {
    if (problem == problem_) return;
    problem_ = std::move(problem);
    tell([](Listener& listener) { listener.family_changed(); });
}

void NetlinkHosts::add(KernelHost host) {
    if (find(hosts_, host.number) != hosts_.end()) return;
    log::info(module, "host {} ({}) has come", host.number, host.lld);
    hosts_.push_back(host);
    tell([&](Listener& listener) { listener.host_added(host); });
}

void NetlinkHosts::remove(uint32_t number) {
    const auto found = find(hosts_, number);
    if (found == hosts_.end()) return;
    log::info(module, "host {} ({}) is gone", number, found->lld);
    hosts_.erase(found);
    tell([&](Listener& listener) { listener.host_removed(number); });
}

// A host that has the number of another one is another one.
void NetlinkHosts::listed(std::string problem, const std::vector<ipc::NetlinkRecord>& records) {
    std::vector<KernelHost> now;
    for (const ipc::NetlinkRecord& record : records)
        if (auto host = host_of(record)) now.push_back(std::move(*host));
    std::vector<uint32_t> gone;
    for (const KernelHost& host : hosts_)
        if (const auto same = find(now, host.number); same == now.end() || *same != host)
            gone.push_back(host.number);
    for (const uint32_t number : gone) remove(number);
    set_problem(std::move(problem));
    for (KernelHost& host : now) add(std::move(host));
}

void NetlinkHosts::event(const ipc::NetlinkRecord& record) {
    const auto number = record.number(TGT_NL_A_HOST);
    if (record.command() == TGT_NL_HOST_REMOVED && number) remove(uint32_t(*number));
    if (record.command() != TGT_NL_HOST_ADDED) return;
    auto host = host_of(record);
    if (!host) return;
    if (const auto same = find(hosts_, host->number); same != hosts_.end() && *same != *host)
        remove(host->number);
    add(std::move(*host));
}

}  // namespace tgt::kring
