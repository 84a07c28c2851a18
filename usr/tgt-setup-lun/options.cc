// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-lun/options.h"

#include <fmt/core.h>
#include <getopt.h>

#include <array>
#include <charconv>
#include <cstring>

namespace tgt::setup_lun {
namespace {

// Has no letter, so that -V stays free.
constexpr int version_option = 1;
constexpr int help_option = 2;

constexpr std::array<option, 3> long_options = {{
    {"help", no_argument, nullptr, help_option},
    {"version", no_argument, nullptr, version_option},
    {nullptr, 0, nullptr, 0},
}};

Result<unsigned> number(char letter, const char* text, unsigned max) {
    const std::string_view digits = text;
    unsigned value = 0;
    const auto [end, failed] = std::from_chars(text, text + digits.size(), value);
    const bool invalid = failed == std::errc::invalid_argument || end != text + digits.size();
    if (!invalid && failed == std::errc() && value <= max) return value;
    return fail(EINVAL, fmt::format("Error: -{} argument value '{}' {}", letter, text,
                                    invalid ? "invalid" : "out of range"));
}

Result<void> apply(Options& options, int letter) {
    switch (letter) {
        case 'd':
            options.device = optarg;
            return {};
        case 'n':
            options.name = optarg;
            return {};
        case 'b':
            options.bstype = optarg;
            return {};
        case 't':
            options.lld = optarg;
            return {};
        case 'B':
            return number('B', optarg, UINT32_MAX).map([&](unsigned n) { options.block_size = n; });
        case 'C':
            return number('C', optarg, UINT16_MAX).map([&](unsigned n) {
                options.control_port = n;
            });
        case 'h':
            options.show_usage = true;
            return {};
        case help_option:
            options.show_help = true;
            return {};
        case version_option:
            options.show_version = true;
            return {};
        default:
            return fail(EINVAL, "");  // getopt has said it
    }
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
    Options options;
    options.show_usage = argc < 2;
    const auto ends = [&] {
        return options.show_usage || options.show_help || options.show_version;
    };
    int letter = 0;
    while (!ends() &&
           (letter = getopt_long(argc, argv, "+d:n:b:B:t:C:h", long_options.data(), nullptr)) >= 0)
        if (auto set = apply(options, letter); !set) return tl::unexpected(std::move(set.error()));
    options.initiators.assign(argv + optind, argv + argc);
    return options;
}

Result<void> check_options(const Options& options) {
    if (options.device.empty() && options.bstype != "null")
        return fail(EINVAL, "Error: a device is mandatory");
    if (options.name.empty()) return fail(EINVAL, "Error: target name is mandatory");
    if (options.lld.empty()) return fail(EINVAL, "Error: lld name empty");
    return {};
}

std::string usage_text() {
    return R"(usage:
	tgt-setup-lun -n tgt_name -d dev -b bs_name -B block_size -t transport -C control_port [initiator_IP1 initiator_IP2 ...]
options:
	-n name of the target; iqn.2001-04.com.<host>- goes before it unless it begins with iqn
	-d device or file of the logical unit; with -b null none is needed
	-b backing store type, -B block size in bytes
	-t transport, -C control port of tgtd
	-h, --help, --version
defaults:
	backing store: rdwr
	transport: iscsi
	initiator: ALL
	control port: -
examples:
	tgt-setup-lun -n backup -d /dev/sdb1 192.168.1.2
	tgt-setup-lun -n iqn.2001-04.org.example:disks -d /srv/disk3.img -B 4096 192.168.1.0/24
	tgt-setup-lun -n speed -b null
A disk keeps the block size that it was formatted with; -B has to be the same again.
)";
}

}  // namespace tgt::setup_lun
