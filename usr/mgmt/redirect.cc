// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/redirect.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "base/spawn.h"
#include "base/unique_fd.h"
#include "mgmt/blocking_call.h"
#include "mgmt/numbers.h"

namespace tgt::mgmt {

namespace {

constexpr auto callback_patience = std::chrono::milliseconds(100);
constexpr size_t max_output = 1024;

// The word that `text` begins with, as tgt compares.
Result<std::string> parse_reason(std::string_view text) {
    for (std::string_view word : {"Temporary", "Permanent"})
        if (text.starts_with(word)) return std::string(word);
    return fail(EINVAL, fmt::format("'{}' is neither Temporary nor Permanent", text));
}

LoginAnswer moved(const Redirect& to) {
    LoginAnswer answer;
    answer.admission =
        to.reason == "Permanent" ? Admission::moved_permanently : Admission::moved_temporarily;
    const bool v6 = to.address.find(':') != std::string::npos && !to.address.starts_with('[');
    answer.redirect_address = v6 ? fmt::format("[{}]", to.address) : to.address;
    if (!to.port.empty()) answer.redirect_address += ":" + to.port;
    answer.reason = fmt::format("redirected to {}", answer.redirect_address);
    return answer;
}

// Reads until the end of the output, or the deadline (then nothing).
std::optional<std::string> read_output(int fd) {
    const auto deadline = io::Clock::now() + callback_patience;
    std::string output;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - io::Clock::now());
        pollfd waiting{fd, POLLIN, 0};
        if (left.count() <= 0 || poll(&waiting, 1, int(left.count())) == 0) return std::nullopt;
        std::array<char, 256> chunk;
        const ssize_t n = read(fd, chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || output.size() > max_output) return output;
        output.append(chunk.data(), size_t(n));
    }
}

void reap(pid_t pid, bool stop) {
    if (stop) kill(pid, SIGTERM);
    for (int i = 0; i < 20; ++i) {
        if (waitpid(pid, nullptr, WNOHANG) != 0) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
}

Result<Redirect> ask_program(const std::string& program, const std::string& target_name,
                             const std::string& initiator) {
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(errno, fmt::format("no pipe for {}: {}", program, std::strerror(errno)));
    const UniqueFd from(ends[0]);
    UniqueFd to(ends[1]);
    pid_t pid = 0;
    const int error = spawn({program, target_name, initiator}, to.get(), Errors::inherited, pid);
    if (error != 0)
        return fail(error, fmt::format("the redirect program {} cannot be run: {}", program,
                                       std::strerror(error)));
    to.reset();
    const auto output = read_output(from.get());
    reap(pid, !output);
    if (!output)
        return fail(ETIMEDOUT,
                    fmt::format("the redirect program {} did not answer in time", program));
    return parse_redirect_output(*output);
}

}  // namespace

std::optional<Status> Redirect::update(std::string_view name, std::string_view value) {
    if (name == "RedirectAddress") {
        address = value;
        return Status{};
    }
    if (name == "RedirectCallback") {
        if (!value.empty() && value[0] != '/')
            return Status(refuse(ErrorCode::invalid_request,
                                 "RedirectCallback must be the full path of a program"));
        callback = value;
        return Status{};
    }
    if (name == "RedirectPort") {
        const auto number = parse_number(value, 65535);
        if (!value.empty() && (!number || *number == 0))
            return Status(refuse(ErrorCode::invalid_request, "RedirectPort must be 1 to 65535"));
        port = value;
        return Status{};
    }
    if (name != "RedirectReason") return std::nullopt;
    if (value.empty()) {
        reason.clear();
        return Status{};
    }
    auto word = parse_reason(value);
    if (!word)
        return Status(refuse(ErrorCode::invalid_request, "RedirectReason: {}", word.error().text));
    reason = *word;
    return Status{};
}

std::optional<LoginAnswer> Redirect::answer_for(const SocketAddress& initiator) const {
    if (address.empty()) return std::nullopt;
    const auto numeric = SocketAddress::parse(address, 0);
    if (numeric && *numeric == initiator.with_port(0)) return std::nullopt;
    return moved(*this);
}

Result<Redirect> parse_redirect_output(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    const size_t last = text.rfind(':');
    const size_t middle = last == 0 || last == std::string_view::npos ? std::string_view::npos
                                                                      : text.rfind(':', last - 1);
    if (middle == std::string_view::npos || middle == 0)
        return fail(EPROTO,
                    fmt::format("the redirect program said '{}', not ADDRESS:PORT:REASON", text));
    Redirect out;
    out.address = text.substr(0, middle);
    out.port = text.substr(middle + 1, last - middle - 1);
    auto reason = parse_reason(text.substr(last + 1));
    const auto number = parse_number(out.port, 65535);
    if (!reason || !number || *number == 0)
        return fail(EPROTO,
                    fmt::format("the redirect program said '{}', not ADDRESS:PORT:REASON", text));
    out.reason = *reason;
    if (out.address.starts_with('[') && out.address.ends_with(']'))
        out.address = out.address.substr(1, out.address.size() - 2);
    return out;
}

void run_redirect_callback(io::Runtime& runtime, std::string program, std::string target_name,
                           std::string initiator, std::function<void(Result<Redirect>)> done) {
    call_blocking(
        runtime,
        [program = std::move(program), target_name = std::move(target_name),
         initiator = std::move(initiator)] { return ask_program(program, target_name, initiator); },
        std::move(done));
}

}  // namespace tgt::mgmt
