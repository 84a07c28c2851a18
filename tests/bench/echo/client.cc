// SPDX-License-Identifier: GPL-2.0-or-later
#include <poll.h>

#include <memory>
#include <vector>

#include "tests/bench/cpu_clock.h"
#include "tests/bench/echo/echo.h"
#include "tests/bench/pdu_reader.h"
#include "tests/bench/stream.h"
#include "tests/bench/workload.h"
#include "wire/iscsi.h"

namespace tgt::bench {

namespace {

constexpr uint32_t sector = 512;

// One connection; requests are answered in their order.
class EchoEngine final : public Engine {
  public:
    EchoEngine(const Options& options, unsigned index, UniqueFd fd, const Workload& workload)
        : options_(options),
          index_(index),
          fd_(std::move(fd)),
          workload_(workload),
          started_(options.depth),
          data_(options.block) {}

    Result<void> turn(Tally& tally) override {
        const uint64_t now = now_ns();
        while (tally.phase != Phase::stop && begun_ - ended_ < options_.depth) start(now);
        if (auto sent = output_.flush(fd_.get()); !sent) return sent;
        if (idle()) return {};
        bool wait = true;
        if (!output_.empty()) {
            pollfd both{fd_.get(), POLLIN | POLLOUT, 0};
            ::poll(&both, 1, patience_ms);
            wait = false;
        }
        return receive(wait, tally);
    }

    bool idle() const override { return begun_ == ended_; }

  private:
    void start(uint64_t now) {
        const Io io = workload_.next();
        wire::ScsiCommandPdu request;
        wire::CommandRead::set(request.flags, !io.write);
        wire::CommandWrite::set(request.flags, io.write);
        request.expected_data_transfer_length = options_.block;
        request.data_segment_length = io.write ? options_.block : 0;
        wire::store_be<8>(request.cdb, io.lba * sector);
        output_.add_copy(wire::bytes_of(request));
        if (io.write) output_.add_reference(data_);
        started_[begun_++ % options_.depth] = now;
    }

    Result<void> receive(bool wait, Tally& tally) {
        for (bool more = true; more; wait = false) {
            auto bytes = input_.receive(fd_.get(), wait);
            if (!bytes) return tl::unexpected(bytes.error());
            more = bytes->size() == input_.size();
            const uint64_t now = now_ns();
            using Event = PduReader::Event;
            for (Event event = reader_.next(*bytes); event != Event::more;
                 event = reader_.next(*bytes)) {
                if (event == Event::error) return fail(EPROTO, reader_.error());
                if (event == Event::end)
                    tally.done(now - started_[ended_++ % options_.depth], options_.block, index_);
            }
        }
        return {};
    }

    const Options& options_;
    const unsigned index_;
    UniqueFd fd_;
    Workload workload_;
    std::vector<uint64_t> started_;
    std::vector<uint8_t> data_;
    uint64_t begun_ = 0;
    uint64_t ended_ = 0;
    Output output_;
    Input input_{input_size};
    PduReader reader_;
};

}  // namespace

// One thread per connection: the floor is that of the server.
Result<int> load_echo(const Options& options) {
    if (options.block >= wire::max_data_segment) return fail(EINVAL, "blocks are below 16M here");
    std::vector<std::unique_ptr<Engine>> engines;
    for (unsigned i = 0; i < options.sessions; ++i) {
        auto fd = connect_to(options.host, options.port);
        if (!fd) return tl::unexpected(fd.error());
        const Workload workload(options, Geometry{uint64_t{1} << 32, sector}, i);
        engines.push_back(std::make_unique<EchoEngine>(options, i, std::move(*fd), workload));
    }
    return measure(options, engines).map([&](const Report& report) {
        return print(options, report);
    });
}

}  // namespace tgt::bench
