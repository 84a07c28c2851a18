// SPDX-License-Identifier: GPL-2.0-or-later
// The load of `lean` through libiscsi, a client that people use: what it costs itself is part of
// what it shows.
#include <poll.h>

#include "tests/bench/libiscsi_load/session.h"
#include "tests/bench/program.h"
#include "tests/bench/stream.h"

namespace tgt::bench {

namespace {

// The sessions of one thread.
class LibiscsiEngine final : public Engine {
  public:
    void add(LibiscsiSession& session, const Workload& workload) {
        sessions_.push_back({&session, workload});
        polled_.push_back({session.fd(), 0, 0});
    }

    Result<void> turn(Tally& tally) override {
        for (size_t i = 0; i < sessions_.size(); ++i) {
            Member& member = sessions_[i];
            if (tally.phase != Phase::stop) member.session->fill_up(member.workload, tally);
            polled_[i].events = member.session->wanted_events();
        }
        if (idle() || ::poll(polled_.data(), polled_.size(), patience_ms) < 0) return {};
        for (size_t i = 0; i < sessions_.size(); ++i) {
            auto served = sessions_[i].session->service(polled_[i].revents);
            if (!served) return served;
        }
        return {};
    }

    bool idle() const override {
        for (const Member& member : sessions_)
            if (!member.session->idle()) return false;
        return true;
    }
    bool more() const {
        for (const Member& member : sessions_)
            if (member.workload.more()) return true;
        return false;
    }

  private:
    struct Member {
        LibiscsiSession* session;
        Workload workload;
    };

    std::vector<Member> sessions_;
    std::vector<pollfd> polled_;
};

// Writes the pattern into the whole range.
Result<void> fill(LibiscsiSession& session, const Options& options, const Geometry& geometry) {
    LibiscsiEngine engine;
    engine.add(session, Workload::filling(options, geometry));
    Tally tally;
    while (engine.more() || !engine.idle()) {
        if (auto turned = engine.turn(tally); !turned) return turned;
        if (tally.errors != 0) return fail(EIO, tally.first_error);
    }
    return {};
}

Result<int> run(const Options& options) {
    std::vector<std::unique_ptr<LibiscsiSession>> sessions;
    std::vector<std::unique_ptr<Engine>> engines;
    std::vector<LibiscsiEngine*> members;
    for (unsigned i = 0; i < options.threads; ++i) {
        auto engine = std::make_unique<LibiscsiEngine>();
        members.push_back(engine.get());
        engines.push_back(std::move(engine));
    }
    for (unsigned i = 0; i < options.sessions; ++i) {
        auto session = LibiscsiSession::open(options, i);
        if (!session) return tl::unexpected(session.error());
        const Geometry geometry = (*session)->geometry();
        const Workload workload(options, geometry, i);
        if (!workload.usable()) return fail(EINVAL, "the range is too small for one I/O each");
        if (i == 0 && options.fill)
            if (auto filled = fill(**session, options, geometry); !filled)
                return tl::unexpected(filled.error());
        members[i % options.threads]->add(**session, workload);
        sessions.push_back(std::move(*session));
    }
    return measure(options, engines).map([&](const Report& report) {
        return print(options, report);
    });
}

}  // namespace

}  // namespace tgt::bench

int main(int argc, char** argv) {
    using namespace tgt::bench;
    return run_program("libiscsi_load", argc, argv, run);
}
