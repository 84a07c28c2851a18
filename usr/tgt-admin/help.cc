// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "tgt-admin/options.h"

namespace tgt::tgt_admin {
namespace {

constexpr std::string_view usage =
    "Usage:\n"
    "tgt-admin [OPTION]...\n"
    "This tool configures tgt targets.\n"
    "\n"
    "  -e, --execute\t\t\tread /etc/tgt/targets.conf and execute tgtadm commands\n"
    "      --delete <value>\t\tdelete all or selected targets\n"
    "\t\t\t\t(see \"--delete help\" for more info)\n"
    "      --offline <value>\t\tput all or selected targets in offline state\n"
    "\t\t\t\t(see \"--offline help\" for more info)\n"
    "      --ready <value>\t\tput all or selected targets in ready state\n"
    "\t\t\t\t(see \"--ready help\" for more info)\n"
    "      --update <value>\t\tupdate configuration for all or selected targets\n"
    "\t\t\t\t(see \"--update help\" for more info)\n"
    "  -s, --show\t\t\tshow all the targets\n"
    "  -C, --control-port <NNNN>\tspecify the control port to connect to\n"
    "  -c, --conf <conf file>\tspecify an alternative configuration file\n"
    "      --ignore-errors\t\tcontinue even if tgtadm exits with non-zero code\n"
    "  -f, --force\t\t\tforce some operations even if the target is in use\n"
    "  -p, --pretend\t\t\tonly print tgtadm options\n"
    "      --dump\t\t\tdump current tgtd configuration\n"
    "      --secrets\t\t\twith --dump: passwords, too\n"
    "      --keep-runtime\t\twith --execute and --update: do not remove or change\n"
    "\t\t\t\tback what no configuration file has made\n"
    "  -v, --verbose\t\t\tincrease verbosity (show tgtadm commands)\n"
    "  -h, --help\t\t\tshow this help\n"
    "\n";

// {0}: the option, {1}: what it does with its heading, {2}: what it does with one target
constexpr std::string_view topic =
    "      --{0} <value>\t\t{0} all or selected targets\n"
    "{1}"
    "\n"
    "Example usage:\n"
    "      --{0} help\t      - display this help\n"
    "      --{0} ALL\t      - {0} all targets\n"
    "      --{0} tid=4\t      - {0} target 4 (target with tid 4)\n"
    "      --{0} iqn.2008-08.com.example:some.target - {0} this target\n"
    "\n";

constexpr std::string_view about_delete =
    "\t\t\t\tThe target will be deleted only if it's not used\n"
    "\t\t\t\t(no initiator is connected to it).\n"
    "\t\t\t\tIf you want to delete targets which are in use,\n"
    "\t\t\t\tyou have to add \"--force\" flag.\n";

constexpr std::string_view about_update =
    "\t\t\t\tOnly what differs from the configuration file is changed.\n"
    "\t\t\t\tWhat would disturb an initiator is done only if the\n"
    "\t\t\t\ttarget is not used (no initiator is connected to it).\n"
    "\t\t\t\tIf you want to do that to targets which are in use,\n"
    "\t\t\t\tyou have to add \"--force\" flag.\n";

}  // namespace

std::string help_text() {
    return std::string(usage);
}

std::string help_text(Action action) {
    switch (action) {
        case Action::remove:
            return fmt::format(fmt::runtime(topic), "delete", about_delete);
        case Action::offline:
            return fmt::format(fmt::runtime(topic), "offline", "");
        case Action::ready:
            return fmt::format(fmt::runtime(topic), "ready", "");
        case Action::update:
            return fmt::format(fmt::runtime(topic), "update", about_update);
        default:
            return "";
    }
}

}  // namespace tgt::tgt_admin
