// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-library/options.h"

#include <fmt/core.h>
#include <getopt.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "config/library.h"
#include "store/ssc/media_types.h"

namespace tgt::setup_library {
namespace {

enum Long : int {
    help_option = 1,
    version_option,
    personality_option,
    drive_personality_option,
    config_option
};

constexpr option long_options[] = {
    {"name", required_argument, nullptr, 'n'},
    {"directory", required_argument, nullptr, 'd'},
    {"drives", required_argument, nullptr, 'D'},
    {"slots", required_argument, nullptr, 's'},
    {"ports", required_argument, nullptr, 'p'},
    {"tapes", required_argument, nullptr, 'T'},
    {"media", required_argument, nullptr, 'm'},
    {"size", required_argument, nullptr, 'S'},
    {"barcode-prefix", required_argument, nullptr, 'b'},
    {"personality", required_argument, nullptr, personality_option},
    {"drive-personality", required_argument, nullptr, drive_personality_option},
    {"lld", required_argument, nullptr, 't'},
    {"control-port", required_argument, nullptr, 'C'},
    {"dry-run", no_argument, nullptr, 'N'},
    {"config", no_argument, nullptr, config_option},
    {"help", no_argument, nullptr, help_option},
    {"version", no_argument, nullptr, version_option},
    {nullptr, 0, nullptr, 0},
};

constexpr unsigned max_drives = config::max_library_drives, max_slots = config::max_library_slots,
                   max_ports = config::max_library_ports;
constexpr uint64_t max_megabytes = uint64_t(1) << 30;
constexpr size_t max_prefix = 20;

template <class T>
Result<void> number(T& to, std::string_view name, uint64_t min, uint64_t max) {
    uint64_t value = 0;
    const char* end = optarg + std::strlen(optarg);
    const auto [stopped, error] = std::from_chars(optarg, end, value);
    if (error != std::errc() || stopped != end || value < min || value > max)
        return fail(EINVAL, fmt::format("--{} takes a number from {} to {}, not '{}'", name, min,
                                        max, optarg));
    to = T(value);
    return {};
}

Result<void> apply_number(Options& options, int letter) {
    switch (letter) {
        case 'D':
            return number(options.drives, "drives", 1, max_drives);
        case 's':
            return number(options.slots, "slots", 1, max_slots);
        case 'p':
            return number(options.ports, "ports", 0, max_ports);
        case 'T':
            return number(options.tapes.emplace(), "tapes", 0, max_slots);
        case 'S':
            return number(options.megabytes.emplace(), "size", 1, max_megabytes);
        case 'C':
            return number(options.control_port.emplace(), "control-port", 0, UINT16_MAX);
        default:
            return fail(EINVAL, "");  // getopt has said it
    }
}

std::string* text_of(Options& options, int letter) {
    switch (letter) {
        case 'n':
            return &options.name;
        case 'd':
            return &options.folder;
        case 'm':
            return &options.media;
        case 'b':
            return &options.prefix;
        case 't':
            return &options.lld;
        case personality_option:
            return &options.personality;
        case drive_personality_option:
            return &options.drive_personality;
        default:
            return nullptr;
    }
}

Result<void> apply(Options& options, int letter) {
    bool* flag = letter == 'N'              ? &options.dry_run
                 : letter == config_option  ? &options.show_config
                 : letter == help_option    ? &options.show_help
                 : letter == version_option ? &options.show_version
                                            : nullptr;
    if (flag) {
        *flag = true;
        return {};
    }
    std::string* text = text_of(options, letter);
    if (!text) return apply_number(options, letter);
    *text = optarg;
    return {};
}

std::string media_names() {
    std::string out;
    for (const auto& type : store::ssc::media_types())
        out += (out.empty() ? "" : ", ") + std::string(type.name);
    return out;
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
    Options options;
    int letter = 0;
    while ((letter = getopt_long(argc, argv, "n:d:D:s:p:T:m:S:b:t:C:N", long_options, nullptr)) >=
           0)
        if (auto set = apply(options, letter); !set) return tl::unexpected(std::move(set.error()));
    options.initiators.assign(argv + optind, argv + argc);
    return options;
}

Result<void> check_options(const Options& options) {
    if (options.name.empty()) return fail(EINVAL, "the target's name is missing: --name");
    if (options.folder.empty())
        return fail(EINVAL, "the folder of the cartridges is missing: --directory");
    if (options.folder.find(',') != std::string::npos)
        return fail(EINVAL, "the folder's name must have no comma");
    if (!store::ssc::find_media_type(options.media) || !config::personality_for(options.media))
        return fail(EINVAL, fmt::format("--media={}: there is {}", options.media, media_names()));
    if (options.tapes.value_or(0) > options.slots)
        return fail(EINVAL, fmt::format("{} cartridges do not fit in {} slots", *options.tapes,
                                        options.slots));
    const auto good = [](char c) { return c > 0x20 && c < 0x7f && c != '/' && c != ','; };
    if (options.prefix.size() > max_prefix || options.prefix[0] == '.' ||
        !std::all_of(options.prefix.begin(), options.prefix.end(), good))
        return fail(EINVAL, "--barcode-prefix takes at most 20 printable characters");
    return {};
}

std::string help_text() {
    return R"(tgt-setup-library - make a tape library: cartridges, drives and a changer in one target

usage: tgt-setup-library -n NAME -d DIRECTORY [options] [initiator address ...]

  -n, --name NAME             of the target; iqn.2001-04.com.<host>- goes before it unless it is an iqn
  -d, --directory DIRECTORY   where cartridges and the changer's file are made
  -D, --drives NUMBER         (2)
  -s, --slots NUMBER          (20)
  -p, --ports NUMBER          of import/export elements (4)
  -T, --tapes NUMBER          of cartridges (one for each slot)
  -m, --media TYPE            of the cartridges and drives: LTO-1 to LTO-9 (LTO-8)
  -S, --size MEGABYTES        of a cartridge (what the medium has); files grow as they are written
  -b, --barcode-prefix TEXT   of the barcodes (A): A00001L8, A00002L8, ...
  --personality NAME          the library that software sees, as tgtadm has it (generic)
  --drive-personality NAME    the drives that it sees (lto1 to lto9, by the medium)
  -t, --lld NAME              driver of the target (iscsi)
  -C, --control-port NUMBER   of tgtd (0)
  -N, --dry-run               say what would be done, and do nothing
  --config                    print what targets.conf has to say for the same
  --help, --version
)";
}

}  // namespace tgt::setup_library
