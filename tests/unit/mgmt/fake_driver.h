// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "mgmt/driver.h"

namespace tgt::mgmt::test {

// Two parameters: enough to see that management passes them through.
class FakeParameters final : public DriverParameters {
  public:
    std::unique_ptr<DriverParameters> clone() const override {
        return std::make_unique<FakeParameters>(*this);
    }
    Result<void> update(std::string_view name, std::string_view value) override {
        const auto it = values.find(std::string(name));
        if (it == values.end()) return fail(ENOENT, "no parameter " + std::string(name));
        if (value.empty() || value[0] < '0' || value[0] > '9') return fail(EINVAL, "bad value");
        it->second = value;
        return {};
    }
    std::vector<std::pair<std::string, std::string>> show() const override {
        return {values.begin(), values.end()};
    }
    std::map<std::string, std::string> values{{"nop_count", "0"}, {"nop_interval", "0"}};
};

// A transport without bytes: what it is told is kept for the test to look at.
class FakeDriverBase : public Driver {
  public:
    explicit FakeDriverBase(std::string name) : name_(std::move(name)) {}

    std::string_view name() const override { return name_; }
    std::string_view state() const override { return "ready"; }
    void attach(Directory& directory) override { attached = &directory; }
    std::shared_ptr<const DriverParameters> default_parameters() const override {
        return std::make_shared<FakeParameters>();
    }
    void add_portal(const SocketAddress& address, std::function<void(Result<void>)> done) override {
        ++attempts;
        const auto it = refused.find(address.uri());
        if (it != refused.end()) return done(fail(it->second, "refused by the test"));
        listening.insert(address.uri());
        done({});
    }
    void remove_portal(const SocketAddress& address, std::function<void()> done) override {
        listening.erase(address.uri());
        done();
    }
    void set_accepting(bool on) override { accepting = on; }
    void list_sessions(std::optional<int> tid,
                       std::function<void(std::vector<SessionInfo>)> done) override {
        std::vector<SessionInfo> out;
        for (const SessionInfo& session : sessions)
            if (!tid || *tid == session.tid) out.push_back(session);
        done(std::move(out));
    }
    void drop_connection(int tid, uint64_t id, uint32_t cid,
                         std::function<void(DropOutcome)> done) override {
        for (SessionInfo& session : sessions) {
            if (session.tid != tid || session.id != id) continue;
            const auto before = session.connections.size();
            std::erase_if(session.connections, [&](const auto& c) { return c.cid == cid; });
            const bool found = session.connections.size() != before;
            return done(found ? DropOutcome::dropped : DropOutcome::no_connection);
        }
        done(DropOutcome::no_session);
    }
    void drop_sessions(int tid, io::Duration, std::function<void(bool)> done) override {
        std::erase_if(sessions, [&](const SessionInfo& session) { return session.tid == tid; });
        done(true);
    }
    void stop(io::Duration, std::function<void(bool)> done) override {
        stopped = true;
        sessions.clear();
        done(true);
    }

    Directory* attached = nullptr;
    std::vector<SessionInfo> sessions;
    std::map<std::string, int> refused;  // address -> errno
    std::set<std::string> listening;
    int attempts = 0;
    bool stopped = false;
    bool accepting = true;

  private:
    std::string name_;
};

class FakeDriver final : public FakeDriverBase {
  public:
    explicit FakeDriver(std::string name = "iscsi") : FakeDriverBase(std::move(name)) {}
};

// One of hosts that the test lets come and go.
class FakeHostDriver final : public FakeDriverBase {
  public:
    FakeHostDriver() : FakeDriverBase("loop") {}
    bool has_hosts() const override { return true; }
    std::string_view explanation() const override { return why; }
    void bind_host(uint32_t host, int tid, std::shared_ptr<scsi::Target> target,
                   std::function<void(Result<void>)> done) override {
        if (busy > 0 && busy-- > 0) return done(fail(EBUSY, "another daemon has it"));
        if (!hosts.count(host))
            return done(fail(ENOENT, "there is no host " + std::to_string(host)));
        luns_at_bind[host] = target->luns().size();
        bound[host] = tid;
        done(broken ? Result<void>(fail(EIO, "it is broken")) : Result<void>());
        if (broken) bound.erase(host);
    }
    void unbind_host(uint32_t host, io::Duration, std::function<void(bool)> done) override {
        bound.erase(host);
        done(true);
    }
    std::vector<uint32_t> hosts_of(int tid) const override {
        std::vector<uint32_t> out;
        for (const auto& [host, one] : bound)
            if (one == tid) out.push_back(host);
        return out;
    }
    void lun_changed(int tid, uint64_t lun, bool present) override {
        changes.push_back(std::to_string(tid) + (present ? "+" : "-") + std::to_string(lun));
    }
    void come(uint32_t host) {
        hosts.insert(host);
        attached->host_added(*this, host);
    }
    void go(uint32_t host) {
        hosts.erase(host);
        bound.erase(host);
    }

    std::set<uint32_t> hosts;
    std::map<uint32_t, int> bound;
    std::map<uint32_t, size_t> luns_at_bind;
    std::vector<std::string> changes;
    bool broken = false;
    std::string why;
    int busy = 0;  // so many attempts fail
};

inline SessionInfo session(int tid, uint64_t id) {
    return {tid, id, "iqn.1993-08.org.debian:01:host", "", {{0, "10.1.2.3", {}}}};
}

}  // namespace tgt::mgmt::test
