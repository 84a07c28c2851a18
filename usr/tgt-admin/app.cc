// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/app.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "config/targets_conf.h"
#include "ipc/admin/client.h"
#include "ipc/admin/render.h"
#include "tgt-admin/dump.h"
#include "tgt-admin/gather.h"
#include "tgt-admin/planner.h"
#include "tgt-admin/runner.h"

namespace tgt::tgt_admin {
namespace {

using config::Config;
using config::Problem;

constexpr int exit_bad_syntax = 255;

void print(std::FILE* stream, const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stream);
    std::fflush(stream);
}

// The process behind a socket, for daemons that do not tell.
int peer_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const void* raw = &address;
    if (connect(fd.get(), static_cast<const sockaddr*>(raw), sizeof(address)) != 0) return 0;
    ucred peer{};
    socklen_t size = sizeof(peer);
    return getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

// One run against one daemon. Made when the control port is known.
class Session {
  public:
    Session(const Options& options, std::string path, unsigned port)
        : options_(options), path_(path), client_(std::move(path)), port_(port) {}

    int show();
    int dump();
    int act_on_targets();
    int apply(const Config& config);

  private:
    // The state, or nothing and the exit code. Pretending goes on with an empty daemon.
    std::optional<State> state(Need need, int& code);
    Runner runner() { return {client_, options_, port_}; }

    const Options& options_;
    const std::string path_;
    ipc::Client client_;
    const unsigned port_;
};

std::optional<State> Session::state(Need need, int& code) {
    const bool one = options_.action == Action::update && options_.subject != "ALL";
    auto state = gather(client_, need, one ? options_.subject : "");
    if (state) {
        if (state->daemon_pid == 0) state->daemon_pid = peer_of(path_);
        return std::move(*state);
    }
    print(stderr, failure_text(state.error()));
    if (options_.pretend || options_.ignore_errors) return State();
    code = exit_code(state.error());
    runner().say_failed(show_targets(), code);
    return std::nullopt;
}

int Session::show() {
    const Command command = show_targets();
    if (options_.talks()) print(stdout, command_line(command, port_, true) + "\n");
    if (options_.pretend) return 0;
    const auto reply = client_.call(command.method, *command.params);
    if (!reply) {
        print(stderr, failure_text(reply.error()));
        if (options_.ignore_errors) return 0;
        runner().say_failed(command, exit_code(reply.error()));
        return exit_code(reply.error());
    }
    print(stdout, reply->legacy ? reply->text
                                : ipc::render(command.method, *command.params, *reply->result));
    return 0;
}

int Session::dump() {
    int code = 0;
    const auto now = state(Need::all, code);
    if (now) print(stdout, tgt_admin::dump(*now, options_.secrets));
    return code;
}

int Session::act_on_targets() {
    int code = 0;
    auto now = state(Need::targets, code);
    if (!now) return code;
    const Config none;
    SystemDevices devices;
    Planner planner(std::move(*now), none, options_, devices);
    return runner().run(options_.action == Action::remove
                            ? planner.remove()
                            : planner.switch_state(options_.action == Action::ready));
}

// Nothing is begun with a file that has an error in what is to be applied; with --ignore-errors the
// targets with errors are left alone.
const Problem* what_forbids(const Config& config, const Options& options, const State& now) {
    const bool one = options.action == Action::update && options.subject != "ALL";
    std::string name;
    if (one) {
        name = options.subject;
        for (const TargetState& target : now.targets)
            if (name == fmt::format("tid={}", target.tid)) {
                name = target.name;
                break;
            }
    }
    return one || options.ignore_errors ? config.first_error(name) : config.first_error();
}

int Session::apply(const Config& config) {
    int code = 0;
    auto now = state(Need::all, code);
    if (!now) return code;
    for (const Problem& problem : config.problems)
        if (!problem.error) print(stderr, "tgt-admin: warning: " + problem.what.text() + "\n");
    if (const Problem* problem = what_forbids(config, options_, *now)) {
        print(stdout, problem->contract);
        print(stderr, "tgt-admin: " + problem->what.text() + "\n");
        return exit_bad_config;
    }
    SystemDevices devices;
    Planner planner(std::move(*now), config, options_, devices);
    return runner().run(options_.action == Action::execute ? planner.execute() : planner.update());
}

int with_socket(const Options& options, const std::string& socket_prefix, unsigned port,
                const Config* config) {
    const auto path = ipc::socket_path(socket_prefix, port);
    if (!path) {
        print(stderr, "tgt-admin: " + path.error().text + "\n");
        return exit_not_connected;
    }
    // Members of the daemon's group need not be root.
    if (geteuid() != 0 && access(path->c_str(), W_OK) != 0) {
        print(stderr, "You must be root to run this program.\n");
        return exit_bad_config;
    }
    Session session(options, *path, port);
    if (config) return session.apply(*config);
    if (options.action == Action::show) return session.show();
    if (options.action == Action::dump) return session.dump();
    return session.act_on_targets();
}

int with_config(Options& options, const std::string& socket_prefix) {
    if (access(options.config.c_str(), F_OK) != 0) {
        print(stderr, fmt::format("Config file {} not found. Exiting...\n", options.config));
        return exit_no_config;
    }
    if (options.talks())
        print(stdout, fmt::format("# Using {} as configuration file\n\n", options.config));
    config::DiskFiles files;
    const auto tree = config::parse_file(files, options.config);
    if (!tree) {
        print(stderr, "tgt-admin: " + tree.error().text() + "\n");
        return exit_bad_syntax;
    }
    const Config config = config::check(*tree);
    options.ignore_errors |= config.ignore_errors;
    return with_socket(options, socket_prefix,
                       options.control_port.value_or(config.control_port.value_or(0)), &config);
}

}  // namespace

int run_program(Options options, const std::string& socket_prefix) {
    switch (options.action) {
        case Action::help:
            print(stdout, help_text());
            return 0;
        case Action::none:
            print(stdout, "No action specified.\n");
            return 0;
        case Action::execute:
            return with_config(options, socket_prefix);
        default:
            break;
    }
    if (options.subject == "help") {
        print(stdout, help_text(options.action));
        return 0;
    }
    if (options.action == Action::update) return with_config(options, socket_prefix);
    return with_socket(options, socket_prefix, options.control_port.value_or(0), nullptr);
}

}  // namespace tgt::tgt_admin
