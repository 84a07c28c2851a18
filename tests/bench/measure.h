// SPDX-License-Identifier: GPL-2.0-or-later
// Runs engines for a while and says what they did.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tests/bench/histogram.h"
#include "tests/bench/options.h"

namespace tgt::bench {

enum class Phase : int { warm_up, measured, stop };

// What one thread has done. Only I/Os that end while the phase is `measured` count; errors always
// do. Belongs to the thread until it was joined.
struct Tally {
    Histogram latency;
    uint64_t bytes = 0;
    std::vector<uint64_t> by_session;  // I/Os that count
    uint64_t completed = 0;            // in all phases
    uint64_t errors = 0;
    std::string first_error;
    Phase phase = Phase::warm_up;

    void done(uint64_t latency_ns, uint64_t size, unsigned session) {
        ++completed;
        if (phase != Phase::measured) return;
        if (session < by_session.size()) ++by_session[session];
        latency.record(latency_ns);
        bytes += size;
    }
    void error(std::string text) {
        if (errors++ == 0) first_error = std::move(text);
    }
    void merge(const Tally& other);
};

// The sessions of one thread. Built on the main thread, then used by its own thread only.
class Engine {
  public:
    virtual ~Engine() = default;
    // Starts I/Os (none when the phase is `stop`), waits a moment for something to happen and
    // handles all of it. An error ends the run: the connection is gone.
    virtual Result<void> turn(Tally& tally) = 0;
    virtual bool idle() const = 0;
};

struct Report {
    Tally tally;
    double seconds = 0;
    uint64_t server_cpu_ns = 0;
    uint64_t own_cpu_ns = 0;
    uint64_t own_user_ns = 0;
    uint64_t machine_cpu_ns = 0;
    std::vector<std::pair<std::string, double>> more;  // what only this program measures
};

// Reads the clocks when it is made and again when it tells a report what has gone by. A plain
// value.
class Meter {
  public:
    explicit Meter(const Options& options);
    void tell(Report& report) const;

  private:
    struct Clocks {
        uint64_t time = 0;
        uint64_t own_cpu = 0;
        uint64_t own_user = 0;
        uint64_t machine_cpu = 0;
        uint64_t server_cpu = 0;
    };
    Clocks read() const;

    pid_t server_;
    Clocks begin_;
};

// Each engine on a thread of its own: warm-up, the measured time, then until nothing is in flight.
Result<Report> measure(const Options& options, const std::vector<std::unique_ptr<Engine>>& engines);

std::string as_text(const Options& options, const Report& report);
std::string as_json(const Options& options, const Report& report);
// Prints it as the options ask for; the exit status of the program: 1 when there were errors.
int print(const Options& options, const Report& report);

}  // namespace tgt::bench
