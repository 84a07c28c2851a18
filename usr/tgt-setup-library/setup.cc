// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-library/setup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "store/ssc/create.h"
#include "tgt-admin/gather.h"

namespace tgt::setup_library {
namespace {

using Json = nlohmann::json;

void complain(const std::string& text) {
    fmt::print(stderr, "tgt-setup-library: {}\n", text);
}

std::string host_name() {
    std::array<char, 256> name = {};
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    const std::string_view whole = name.data();
    return std::string(whole.substr(0, whole.find('.')));
}

// The daemon has another working directory.
std::string absolute(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (path[0] == '/') return path;
    std::array<char, PATH_MAX> here = {};
    return getcwd(here.data(), here.size()) ? fmt::format("{}/{}", here.data(), path) : path;
}

std::string reason_of(const ipc::CallError& error) {
    return error.reason.empty() ? error.text : fmt::format("{}: {}", error.text, error.reason);
}

}  // namespace

// A bar for whoever watches.
void Setup::progress(const char* what, size_t done, size_t of) {
    constexpr size_t width = 40;
    if (!isatty(STDERR_FILENO) || of == 0) return;
    const size_t full = width * done / of;
    fmt::print(stderr, "\r{:12} [{}{}] {}/{}{}", what, std::string(full, '#'),
               std::string(width - full, ' '), done, of, done == of ? "\n" : "");
    std::fflush(stderr);
}

Result<int> Setup::free_tid() {
    const auto reply = client_.call("target.show", Json{{"lld", options_.lld}});
    if (!reply) return fail(EIO, reason_of(reply.error()));
    if (reply->legacy) return fail(ENOTSUP, "the daemon is another tgt, which has no such library");
    std::vector<int> taken;
    for (const auto& target : tgt_admin::targets_from(*reply->result)) taken.push_back(target.tid);
    int tid = 1;
    while (std::find(taken.begin(), taken.end(), tid) != taken.end()) ++tid;
    return tid;
}

int Setup::tell(const Plan& plan) const {
    if (options_.show_config) return tell_config(plan);
    fmt::print("mkdir -p {}\n: > {}\n", options_.folder, plan.changer_file);
    for (const Cartridge& one : plan.cartridges)
        fmt::print(
            "tgtimg --op new --device-type tape --type data --media {} --barcode {} --size {} "
            "--file {}\n",
            options_.media, one.barcode, plan.capacity >> 20, one.path);
    for (const auto& command : plan.commands)
        fmt::print("{}\n",
                   tgt_admin::command_line(command, options_.control_port.value_or(0), false));
    return EXIT_SUCCESS;
}

int Setup::tell_config(const Plan& plan) const {
    const auto text = config_text(options_, plan);
    if (!text) {
        complain("no line of targets.conf can say this");
        return EXIT_FAILURE;
    }
    fmt::print("{}", *text);
    return EXIT_SUCCESS;
}

bool Setup::make_folder() {
    folder_made_ = mkdir(options_.folder.c_str(), 0750) == 0;
    if (folder_made_ || errno == EEXIST) return true;
    complain(fmt::format("cannot make {}: {}", options_.folder, strerror(errno)));
    return false;
}

bool Setup::make_changer_file(const std::string& path) {
    const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
    if (fd) {
        files_made_.push_back(path);
        return true;
    }
    complain(errno == EEXIST
                 ? fmt::format("{} is there already: another library is in this folder", path)
                 : fmt::format("cannot make {}: {}", path, strerror(errno)));
    return false;
}

bool Setup::make_files(const Plan& plan) {
    if (!make_folder() || !make_changer_file(plan.changer_file)) return false;
    size_t done = 0;
    for (const Cartridge& one : plan.cartridges) {
        store::ssc::CartridgeSpec spec;
        spec.barcode = one.barcode;
        spec.capacity = plan.capacity;
        spec.density = plan.density;
        if (auto made = store::ssc::create_cartridge(one.path, spec); !made) {
            progress("", plan.cartridges.size(), plan.cartridges.size());
            complain(made.error().text);
            return false;
        }
        files_made_.push_back(one.path);
        progress("cartridges", ++done, plan.cartridges.size());
    }
    return true;
}

bool Setup::send_all(const Plan& plan) {
    size_t done = 0;
    for (const auto& command : plan.commands) {
        const auto reply = client_.call(command.method, *command.params);
        if (!reply) {
            complain(fmt::format(
                "{}\n  failed: {}",
                tgt_admin::command_line(command, options_.control_port.value_or(0), false),
                reason_of(reply.error())));
            return false;
        }
        target_made_ = true;  // by the first of them
        progress("library", ++done, plan.commands.size());
    }
    return true;
}

void Setup::undo() {
    if (target_made_) {
        const Json request{{"lld", options_.lld}, {"tid", tid_}, {"force", true}};
        if (const auto reply = client_.call("target.delete", request); !reply)
            complain(
                fmt::format("target {} could not be deleted: {}", tid_, reason_of(reply.error())));
    }
    for (const std::string& path : files_made_) unlink(path.c_str());
    if (folder_made_) rmdir(options_.folder.c_str());
    complain("nothing of it was kept");
}

int Setup::run() {
    options_.folder = absolute(options_.folder);
    const auto tid = options_.dry_run && !client_.connect() ? Result<int>(1) : free_tid();
    if (!tid) {
        complain(tid.error().text);
        return EXIT_FAILURE;
    }
    tid_ = *tid;
    const Plan plan = make_plan(options_, tid_, host_name());
    if (options_.dry_run) return tell(plan);
    if (!make_files(plan) || !send_all(plan)) {
        undo();
        return EXIT_FAILURE;
    }
    if (options_.show_config) return tell_config(plan);
    fmt::print(
        "target {} ({}): {} drives (LUN 1 to {}), changer (LUN {}), {} slots, {} cartridges "
        "of {}\n",
        tid_, plan.target_name, options_.drives, options_.drives, options_.drives + 1,
        options_.slots, plan.cartridges.size(), options_.media);
    return EXIT_SUCCESS;
}

}  // namespace tgt::setup_library
