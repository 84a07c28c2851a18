// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/config_loader.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/log.h"
#include "base/spawn.h"

namespace tgt::tgtd {

namespace {

constexpr auto module = log::Module::core;
constexpr size_t longest_line = 1024;

}  // namespace

std::string find_companion(std::string_view name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (!error) {
        const auto beside = self.parent_path() / name;
        if (access(beside.c_str(), X_OK) == 0) return beside;
    }
    return std::string(name);
}

Result<void> ConfigLoader::begin() {
    problem_.clear();
    last_line_.clear();
    lines_ = 0;
    partial_.clear();
    // At the start, too: what the saved state has brought back may not be what the file says now.
    std::vector<std::string> words{find_companion("tgt-admin"),
                                   "--update",
                                   "ALL",
                                   "-c",
                                   file_,
                                   "-C",
                                   std::to_string(control_port_),
                                   "--keep-runtime",
                                   "--ignore-errors"};
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return not_run(words[0], errno);
    UniqueFd from(ends[0]);
    const UniqueFd to(ends[1]);
    fcntl(from.get(), F_SETFL, O_NONBLOCK);
    if (const int error = spawn(words, to.get(), Errors::with_output, pid_); error != 0) {
        pid_ = 0;
        return not_run(words[0], error);
    }
    output_ = std::move(from);
    return {};
}

Result<void> ConfigLoader::not_run(const std::string& program, int error) {
    problem_ =
        fmt::format("{} was not loaded: cannot run {}: {}", file_, program, std::strerror(error));
    return fail(error, problem_);
}

void ConfigLoader::take_line(std::string line) {
    constexpr std::string_view itself = "tgt-admin: ";
    if (line.starts_with(itself)) line.erase(0, itself.size());
    if (line.empty()) return;
    log::warn(module, "{}{}", itself, line);
    last_line_ = std::move(line);
    ++lines_;
}

void ConfigLoader::read_output() {
    std::array<char, 4096> chunk;
    while (output_) {
        const ssize_t n = read(output_.get(), chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            output_.reset();
            break;
        }
        for (const char byte : std::string_view(chunk.data(), size_t(n))) {
            if (byte != '\n' && partial_.size() < longest_line) partial_ += byte;
            if (byte == '\n' || partial_.size() == longest_line)
                take_line(std::exchange(partial_, {}));
        }
    }
    take_line(std::exchange(partial_, {}));
}

bool ConfigLoader::ended() {
    int status = 0;
    if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = 0;
    read_output();
    take_line(std::exchange(partial_, {}));
    output_.reset();
    conclude(status);
    return true;
}

void ConfigLoader::conclude(int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        if (lines_ > 0)
            problem_ = fmt::format("{} was not loaded whole: {}{}", file_, last_line_,
                                   lines_ > 1 ? " (and more: see the log)" : "");
        return;
    }
    const std::string how = WIFEXITED(status) ? fmt::format("exit status {}", WEXITSTATUS(status))
                                              : fmt::format("signal {}", WTERMSIG(status));
    problem_ = fmt::format("{} was not loaded whole ({}){}{}", file_, how,
                           last_line_.empty() ? "" : ": ", last_line_);
}

void ConfigLoader::interrupt() const {
    if (pid_ > 0) kill(pid_, SIGTERM);
}

}  // namespace tgt::tgtd
