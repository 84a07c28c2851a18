// SPDX-License-Identifier: GPL-2.0-or-later
// A load generator that speaks iSCSI itself and does as little as it can beside, so that the
// target is the limit.
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/bench/cpu_clock.h"
#include "tests/bench/lean/session.h"
#include "tests/bench/program.h"

namespace tgt::bench {

namespace {

// The sessions of one thread.
class LeanEngine final : public Engine {
  public:
    void add(Session& session, const Workload& workload) {
        sessions_.push_back({&session, workload});
        polled_.push_back({session.fd(), POLLIN, 0});
    }

    Result<void> turn(Tally& tally) override {
        const uint64_t now = now_ns();
        for (Member& member : sessions_) {
            if (tally.phase != Phase::stop) member.session->fill_up(member.workload, now);
            if (auto sent = member.session->flush(); !sent) return sent;
        }
        if (idle()) return {};
        return sessions_.size() == 1 ? sessions_[0].session->receive(input_, true, tally)
                                     : receive_all(tally);
    }

    bool idle() const override {
        for (const Member& member : sessions_)
            if (!member.session->idle()) return false;
        return true;
    }

  private:
    struct Member {
        Session* session;
        Workload workload;
    };

    Result<void> receive_all(Tally& tally) {
        for (size_t i = 0; i < sessions_.size(); ++i)
            polled_[i].events = sessions_[i].session->sending() ? POLLIN | POLLOUT : POLLIN;
        if (::poll(polled_.data(), polled_.size(), patience_ms) <= 0) return {};
        for (size_t i = 0; i < sessions_.size(); ++i) {
            if ((polled_[i].revents & ~POLLOUT) == 0) continue;
            auto received = sessions_[i].session->receive(input_, false, tally);
            if (!received) return received;
        }
        return {};
    }

    std::vector<Member> sessions_;
    std::vector<pollfd> polled_;
    Input input_{input_size};
};

using Sessions = std::vector<std::unique_ptr<Session>>;

Result<Sessions> open_all(const Options& options) {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    Sessions sessions;
    for (unsigned i = 0; i < options.sessions; ++i) {
        auto session = Session::open(options, i);
        if (!session) return tl::unexpected(session.error());
        sessions.push_back(std::move(*session));
    }
    return sessions;
}

Result<int> run_load(const Options& options) {
    auto sessions = open_all(options);
    if (!sessions) return tl::unexpected(sessions.error());
    std::vector<std::unique_ptr<Engine>> engines;
    std::vector<LeanEngine*> lean;
    for (unsigned i = 0; i < options.threads; ++i) {
        engines.push_back(std::make_unique<LeanEngine>());
        lean.push_back(static_cast<LeanEngine*>(engines.back().get()));
    }
    for (unsigned i = 0; i < options.sessions; ++i) {
        Session& session = *(*sessions)[i];
        const auto geometry = session.prepare();
        if (!geometry) return tl::unexpected(geometry.error());
        const Workload workload(options, *geometry, i);
        if (!workload.usable()) return fail(EINVAL, "the range is too small for one I/O each");
        if (i == 0 && options.fill)
            if (auto filled = session.fill(*geometry); !filled)
                return tl::unexpected(filled.error());
        lean[i % options.threads]->add(session, workload);
    }
    return measure(options, engines).map([&](const Report& report) {
        return print(options, report);
    });
}

// What sessions cost a server that does nothing for them: the memory that logging in took, and CPU
// time while they wait.
Result<int> run_idle(const Options& options) {
    const auto before = process_rss(options.server_pid);
    if (!before) return tl::unexpected(before.error());
    auto sessions = open_all(options);
    if (!sessions) return tl::unexpected(sessions.error());
    for (const auto& session : *sessions)
        if (const auto ready = session->prepare(); !ready) return tl::unexpected(ready.error());
    const auto sleep = [](double s) {
        std::this_thread::sleep_for(std::chrono::duration<double>(s));
    };
    sleep(options.warm_up);
    const auto after = process_rss(options.server_pid);
    const auto begin = process_cpu_ns(options.server_pid);
    sleep(options.seconds);
    const auto end = process_cpu_ns(options.server_pid);
    if (!after || !begin || !end) return fail(ESRCH, "the server is gone");
    const nlohmann::ordered_json json = {
        {"label", options.label},     {"sessions", options.sessions},
        {"rss_before", *before},      {"rss_after", *after},
        {"seconds", options.seconds}, {"server_cpu_s", static_cast<double>(*end - *begin) / 1e9},
    };
    if (options.json) {
        std::puts(json.dump().c_str());
        return 0;
    }
    const double growth = static_cast<double>(*after) - static_cast<double>(*before);
    fmt::print("{} sessions: {:.1f} KiB of memory each, {:.3f} s of server CPU in {:.1f} s\n",
               options.sessions, growth / 1024 / options.sessions,
               static_cast<double>(*end - *begin) / 1e9, options.seconds);
    return 0;
}

}  // namespace

}  // namespace tgt::bench

int main(int argc, char** argv) {
    using namespace tgt::bench;
    return run_program("lean", argc, argv, [](const Options& options) {
        return options.idle ? run_idle(options) : run_load(options);
    });
}
