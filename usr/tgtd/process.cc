// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/log.h"

namespace tgt::tgtd {

namespace {

constexpr auto module = log::Module::core;
constexpr rlim_t enough_files = 65536;
constexpr rlim_t enough_locked = rlim_t(64) << 20;

// The first process: waits for the status and the text, or for the daemon's end without them.
[[noreturn]] void wait_for_report(int fd) {
    std::string report;
    std::array<char, 512> chunk;
    while (true) {
        const ssize_t n = read(fd, chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        report.append(chunk.data(), size_t(n));
    }
    const int status = report.empty() ? 1 : static_cast<unsigned char>(report[0]);
    if (report.size() > 1) fmt::print(stderr, "tgtd: {}\n", report.substr(1));
    if (report.empty()) fmt::print(stderr, "tgtd: the daemon ended while it was starting\n");
    _exit(status);
}

void detach_standard_streams() {
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) return;
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null.get(), fd);
}

void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    rlim_t most = 0;
    std::ifstream("/proc/sys/fs/nr_open") >> most;
    rlimit wanted{std::max(most, limit.rlim_max), std::max(most, limit.rlim_max)};
    if (setrlimit(RLIMIT_NOFILE, &wanted) != 0) {
        wanted = {limit.rlim_max, limit.rlim_max};
        setrlimit(RLIMIT_NOFILE, &wanted);
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < enough_files)
        log::warn(module, "only {} open files are allowed (nofile): that limits sessions and LUNs",
                  limit.rlim_cur);
}

void check_locked_memory() {
    rlimit limit{};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur >= enough_locked) return;
    log::info(module, "only {} KiB may be locked in memory (memlock)", limit.rlim_cur >> 10);
}

void protect_from_oom_killer() {
    std::ofstream file("/proc/self/oom_score_adj");
    file << "-1000" << std::flush;
    if (!file) log::info(module, "not protected from the out-of-memory killer (oom_score_adj)");
}

}  // namespace

Result<Background> Background::enter() {
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(errno, fmt::format("no pipe: {}", std::strerror(errno)));
    const UniqueFd from(ends[0]);
    UniqueFd to(ends[1]);
    const pid_t first = fork();
    if (first < 0) return fail(errno, fmt::format("cannot fork: {}", std::strerror(errno)));
    if (first > 0) {
        to.reset();
        wait_for_report(from.get());
    }
    setsid();
    const pid_t second = fork();  // not a session leader: no terminal can become ours
    if (second != 0) _exit(second < 0 ? 1 : 0);
    if (chdir("/") != 0) log::warn(module, "cannot change to /: {}", std::strerror(errno));
    return Background(std::move(to));
}

void Background::report(int status, std::string_view text) {
    detach_standard_streams();
    std::string bytes(1, char(status));
    bytes += text;
    if (write(pipe_.get(), bytes.data(), bytes.size()) < 0)
        log::debug(module, "nobody waits for the start");
    pipe_.reset();
}

Result<void> write_pid_file(const std::string& path) {
    const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    const std::string text = std::to_string(getpid());
    if (!fd || write(fd.get(), text.data(), text.size()) != ssize_t(text.size()))
        return fail(errno,
                    fmt::format("cannot write the pid file {}: {}", path, std::strerror(errno)));
    return {};
}

void adjust_limits() {
    protect_from_oom_killer();
    raise_file_limit();
    check_locked_memory();
}

std::string absolute_path(const std::string& path) {
    if (path.empty()) return path;
    std::error_code error;
    auto full = std::filesystem::absolute(path, error).lexically_normal();
    if (error) return path;
    if (!full.has_filename() && full.has_relative_path()) full = full.parent_path();
    return full;
}

std::string read_machine_id() {
    std::string id;
    std::ifstream("/etc/machine-id") >> id;
    if (id.empty()) std::ifstream("/var/lib/dbus/machine-id") >> id;
    return id;
}

std::string take_variable(const char* name) {
    const char* value = std::getenv(name);
    std::string taken = value ? value : "";
    unsetenv(name);
    return taken;
}

}  // namespace tgt::tgtd
