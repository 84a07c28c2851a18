// SPDX-License-Identifier: GPL-2.0-or-later
// tgtd's command line as a value: parsing touches nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "driver/iscsi/driver_settings.h"
#include "mgmt/portal_spec.h"

namespace tgt::tgtd {

struct Options {
    bool foreground = false;   // -f: log to standard error
    bool nodaemonize = false;  // -D: foreground, log to syslog
    unsigned control_port = 0;
    unsigned io_threads = 16;
    unsigned abort_seconds = 5;
    std::string pid_file;
    std::string config;       // a file that tgt-admin loads at start; empty: none
    std::string admin_group;  // whose members may manage; empty: none
    std::string state_dir;    // empty: nothing outlives the daemon
    bool debug = false;
    bool show_version = false;
    bool show_help = false;
    unsigned workers = 0;  // 0: the CPUs that are usable
    size_t memory = size_t(1) << 30;
    bool pin = false;
    enum class IoEngine : uint8_t { automatic, uring, epoll } io_engine = IoEngine::automatic;
    unsigned busy_poll_us = 0;
    bool unique_ids = false;
    // In the order given; without a module: all.
    std::vector<std::pair<std::optional<log::Module>, log::Level>> log_levels;
    std::vector<mgmt::PortalSpec> portals;                             // empty: the default
    std::vector<std::pair<std::string, std::string>> target_defaults;  // nop_interval and the like
    iscsi::DriverSettings iscsi_settings;
};

// Why the daemon does not start: what to print on standard error, and its exit status.
struct UsageError {
    std::string text;
    int status = 1;
};

using ParsedOptions = tl::expected<Options, UsageError>;
ParsedOptions parse_options(const std::vector<std::string>& arguments);

std::string help_text();
std::string version_text();

}  // namespace tgt::tgtd
