// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/admin_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "ipc/admin/legacy.h"
#include "ipc/admin/render.h"

namespace tgt::mgmt {

// One line being answered.
struct AdminConnection::Batch {
    ipc::Incoming incoming;
    size_t next = 0;
    bool failed = false;   // an entry of an array failed: those after it are not run
    bool turning = false;  // inside next_entry(), which goes on after an answer that comes at once
    std::vector<std::string> replies;
    std::vector<std::function<void()>> after_sent;
    // What has to be on the disk before anything is sent. The reply is an empty text until then.
    struct Later {
        size_t reply;  // npos: none, it is a notification
        std::string id;
        Answered answered;
    };
    std::vector<Later> later;
    size_t awaited = 0;

    // The next entry asks for nothing that there is.
    void no_request(std::string reply) {
        if (!reply.empty()) replies.push_back(std::move(reply));
        failed = true;
        ++next;
    }
};

AdminConnection::AdminConnection(io::Poller& poller, UniqueFd fd, RunVerb run,
                                 std::function<void(AdminConnection&)> on_closed)
    : poller_(poller), fd_(std::move(fd)), run_(std::move(run)), on_closed_(std::move(on_closed)) {}

AdminConnection::~AdminConnection() {
    if (fd_) poller_.remove(fd_.get(), *this);
}

void AdminConnection::start() {
    interest_ = EPOLLIN;
    if (!poller_.add(fd_.get(), interest_, *this)) close();
}

void AdminConnection::close() {
    if (!fd_) return;
    poller_.remove(fd_.get(), *this);
    fd_.reset();
    const auto self = shared_from_this();
    for (const auto& call : std::exchange(after_sent_, {}))
        if (call) call();
    on_closed_(*this);
}

void AdminConnection::on_ready(uint32_t events) {
    const auto self = shared_from_this();
    if (events & EPOLLOUT) flush();
    if (fd_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        if ((events & EPOLLERR) || ((events & EPOLLHUP) && !(interest_ & EPOLLIN))) {
            close();
            return;
        }
        receive();
    }
    if (fd_) process();
}

void AdminConnection::receive() {
    const size_t old = input_.size();
    input_.resize(old + read_chunk);
    ssize_t n;
    do n = recv(fd_.get(), input_.data() + old, read_chunk, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    const int error = errno;
    input_.resize(old + (n > 0 ? size_t(n) : 0));
    if (n == 0) end_of_input_ = true;
    if (n < 0 && error != EAGAIN) close();
}

bool AdminConnection::legacy() const {
    return !input_.empty() && ipc::legacy::is_legacy_first_byte(static_cast<uint8_t>(input_[0]));
}

// Begins requests until one has to wait, or none is left.
void AdminConnection::process() {
    if (processing_) return;
    processing_ = true;
    while (fd_ && !busy_ && !last_reply_ && output_.size() - sent_ < max_output) {
        std::string header, text;
        if (legacy()) {
            if (!take_legacy(header, text)) break;
            begin_legacy(header, text);
        } else {
            if (!take_line(text)) break;
            begin_line(text);
        }
    }
    processing_ = false;
    const bool idle = !busy_ && output_.empty();
    if (fd_ && idle && (end_of_input_ || last_reply_)) close();
    if (fd_) update_interest();
}

void AdminConnection::update_interest() {
    uint32_t wanted = 0;
    if (!end_of_input_ && !last_reply_ && input_.size() <= ipc::max_line) wanted |= EPOLLIN;
    if (!output_.empty()) wanted |= EPOLLOUT;
    if (wanted == interest_) return;
    interest_ = wanted;
    poller_.modify(fd_.get(), interest_, *this);
}

// --- JSON-RPC lines ---------------------------------------------------------------------------

bool AdminConnection::take_line(std::string& line) {
    const size_t end = input_.find('\n');
    if (end == std::string::npos) {
        if (input_.size() > ipc::max_line) {
            last_reply_ = true;  // the rest of the line cannot be told from the next one
        } else if (!end_of_input_ || input_.empty()) {
            return false;
        }
        line = std::exchange(input_, {});
        return true;
    }
    line = input_.substr(0, end);
    input_.erase(0, end + 1);
    return true;
}

void AdminConnection::begin_line(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    auto batch = std::make_shared<Batch>();
    batch->incoming = ipc::parse_request_line(line);
    busy_ = true;
    next_entry(std::move(batch));
}

// Answers the entries in order. An array stops at its first failure: what follows may rely on it.
// A loop, however quick the answers: a long array must not make the stack as deep.
void AdminConnection::next_entry(const std::shared_ptr<Batch>& batch) {
    batch->turning = true;
    while (batch->next < batch->incoming.entries.size()) {
        const size_t before = batch->next;
        begin_entry(batch);
        if (batch->next == before) {
            batch->turning = false;
            return;
        }
    }
    await_batch(batch);
}

namespace {

std::string reply_to(const std::string& id, const Answered& answered) {
    return answered.text ? ipc::text_reply(id, *answered.text)
                         : ipc::result_reply(id, *answered.result);
}

}  // namespace

void AdminConnection::await_batch(const std::shared_ptr<Batch>& batch) {
    auto one_saved = [self = shared_from_this(), batch] {
        if (--batch->awaited > 0) return;
        self->busy_ = false;
        self->reply(ipc::reply_line(batch->incoming.batch, std::move(batch->replies)),
                    std::move(batch->after_sent));
        self->process();
    };
    batch->awaited = batch->later.size() + 1;
    for (Batch::Later& one : batch->later)
        await_saved(std::move(one.answered),
                    [batch, one_saved, id = one.id, at = one.reply](const Answered& answered) {
                        if (at < batch->replies.size()) batch->replies[at] = reply_to(id, answered);
                        one_saved();
                    });
    one_saved();
}

void AdminConnection::begin_entry(const std::shared_ptr<Batch>& batch) {
    const ipc::Entry& entry = batch->incoming.entries[batch->next];
    const std::string& id = entry.request.id;
    if (entry.error != 0) return batch->no_request(ipc::error_reply(id, entry.error, entry.reason));
    if (batch->failed)
        return entry_done(batch, refuse(ErrorCode::invalid_request,
                                        "not done, as a request before it in the array failed"));
    if (entry.request.method == "rpc.version")
        return entry_done(batch, Answered{std::make_shared<const nlohmann::json>(nlohmann::json{
                                              {"version", TGT_VERSION}, {"protocol", 1}}),
                                          {}});
    const auto verb = ipc::verb_of(entry.request.method);
    if (!verb && id.empty()) return batch->no_request({});
    if (!verb)
        return batch->no_request(ipc::error_reply(
            id, ipc::rpc::method_not_found, "there is no method '" + entry.request.method + "'"));
    run_(*verb, entry.request.params, [self = shared_from_this(), batch](Answer outcome) {
        self->entry_done(batch, std::move(outcome));
    });
}

void AdminConnection::entry_done(const std::shared_ptr<Batch>& batch, Answer outcome) {
    const std::string& id = batch->incoming.entries[batch->next++].request.id;
    if (!outcome) {
        batch->failed = true;
        if (!id.empty())
            batch->replies.push_back(
                ipc::error_reply(id, outcome.error().code, outcome.error().reason));
    } else {
        if (outcome->after_sent) batch->after_sent.push_back(std::move(outcome->after_sent));
        const size_t at = id.empty() ? std::string::npos : batch->replies.size();
        if (!id.empty())
            batch->replies.push_back(outcome->unsaved ? std::string() : reply_to(id, *outcome));
        if (outcome->unsaved) batch->later.push_back({at, id, std::move(*outcome)});
    }
    if (!batch->turning) next_entry(batch);
}

// --- tgt's binary request: one per connection -------------------------------------------------

bool AdminConnection::take_legacy(std::string& header, std::string& text) {
    if (input_.size() < ipc::legacy::header_size) return false;
    header = input_.substr(0, ipc::legacy::header_size);
    const auto size = ipc::legacy::text_size(header);
    if (!size) {
        close();
        return false;
    }
    if (input_.size() < ipc::legacy::header_size + *size) return false;
    text = input_.substr(ipc::legacy::header_size, *size);
    input_.clear();
    return true;
}

void AdminConnection::begin_legacy(std::string_view header, std::string_view text) {
    last_reply_ = true;
    const auto request = ipc::legacy::decode_request(header, text);
    const auto verb =
        request ? ipc::verb_of(request->method) : std::optional<ipc::Verb>(std::nullopt);
    if (!verb) {
        reply(ipc::legacy::encode_reply(uint32_t(ErrorCode::invalid_request), ""), {});
        return;
    }
    busy_ = true;
    auto params = request->params;
    if (request->method == "target.show" && !params->contains("tid")) {
        nlohmann::json with_format = *params;
        with_format["format"] = "text";
        params = std::make_shared<const nlohmann::json>(std::move(with_format));
    }
    run_(*verb, params,
         [self = shared_from_this(), method = request->method, params](Answer outcome) {
             if (!outcome) return self->legacy_done(method, *params, outcome);
             await_saved(std::move(*outcome), [self, method, params](const Answered& answered) {
                 self->legacy_done(method, *params, answered);
             });
         });
}

void AdminConnection::legacy_done(const std::string& method, const nlohmann::json& params,
                                  const Answer& outcome) {
    busy_ = false;
    if (outcome && outcome->text)
        reply(ipc::legacy::encode_reply(0, *outcome->text), {outcome->after_sent});
    else if (outcome)
        reply(ipc::legacy::encode_reply(0, ipc::render(method, params, *outcome->result)),
              {outcome->after_sent});
    else
        reply(ipc::legacy::encode_reply(uint32_t(outcome.error().code), ""), {});
    process();
}

// --- replies ----------------------------------------------------------------------------------

void AdminConnection::reply(std::string bytes, std::vector<std::function<void()>> after_sent) {
    for (auto& call : after_sent) after_sent_.push_back(std::move(call));
    if (output_.empty())
        output_ = std::move(bytes);
    else
        output_ += bytes;
    flush();
}

void AdminConnection::flush() {
    while (fd_ && sent_ < output_.size()) {
        const ssize_t n = send(fd_.get(), output_.data() + sent_, output_.size() - sent_,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            sent_ += size_t(n);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            return close();
        }
    }
    output_ = {};
    sent_ = 0;
    for (const auto& call : std::exchange(after_sent_, {}))
        if (call) call();
}

}  // namespace tgt::mgmt
