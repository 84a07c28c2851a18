// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "io/poller.h"
#include "mgmt/verbs.h"

namespace tgt::mgmt {

// Runs one verb; the answer comes once, perhaps before the call returns, and perhaps with something
// to wait for before it may be sent: run_verb_early().
using RunVerb =
    std::function<void(ipc::Verb, std::shared_ptr<const nlohmann::json>, AnswerCallback)>;

// One administrator's connection: requests are answered one after the other, in order. The first
// byte decides the dialect: JSON-RPC lines, or one request of tgt's binary form. Buffers are
// bounded: what does not fit stays in the kernel until answers have left. Control thread. Lives
// until it is closed and its last request is answered.
class AdminConnection final : public io::FdWatcher,
                              public std::enable_shared_from_this<AdminConnection> {
  public:
    AdminConnection(io::Poller& poller, UniqueFd fd, RunVerb run,
                    std::function<void(AdminConnection&)> on_closed);
    AdminConnection(const AdminConnection&) = delete;
    ~AdminConnection();

    void start();
    void close();
    bool closed() const { return !fd_; }
    bool idle() const { return !busy_ && output_.empty(); }
    void on_ready(uint32_t events) override;

  private:
    struct Batch;
    static constexpr size_t max_output = size_t(4) << 20;  // then no new request is begun
    static constexpr size_t read_chunk = 64 << 10;

    void receive();
    void process();
    bool take_line(std::string& line);
    void begin_line(std::string_view line);
    void next_entry(const std::shared_ptr<Batch>& batch);
    void begin_entry(const std::shared_ptr<Batch>& batch);
    void entry_done(const std::shared_ptr<Batch>& batch, Answer outcome);
    void await_batch(const std::shared_ptr<Batch>& batch);
    void legacy_done(const std::string& method, const nlohmann::json& params,
                     const Answer& outcome);
    bool take_legacy(std::string& header, std::string& text);
    void begin_legacy(std::string_view header, std::string_view text);
    void reply(std::string bytes, std::vector<std::function<void()>> after_sent);
    void flush();
    void update_interest();
    bool legacy() const;

    io::Poller& poller_;
    UniqueFd fd_;
    RunVerb run_;
    std::function<void(AdminConnection&)> on_closed_;
    std::string input_;
    std::string output_;
    size_t sent_ = 0;  // of output_
    std::vector<std::function<void()>> after_sent_;
    uint32_t interest_ = 0;
    bool busy_ = false;          // a request is running
    bool processing_ = false;    // inside process()
    bool end_of_input_ = false;  // the peer sends no more
    bool last_reply_ = false;    // close when everything is sent
};

}  // namespace tgt::mgmt
