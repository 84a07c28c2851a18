// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtimg/options.h"

#include <fmt/core.h>
#include <getopt.h>
#include <strings.h>

#include <array>
#include <charconv>
#include <span>

namespace tgt::tgtimg {
namespace {

constexpr int exit_operation = 1;
constexpr int exit_capacity = 3;
constexpr uint64_t megabyte = uint64_t(1) << 20;

// In tgt's order: an ambiguous abbreviation lists its candidates in this order.
constexpr std::array<option, 13> long_options = {{
    {"help", no_argument, nullptr, 'h'},
    {"op", required_argument, nullptr, 'o'},
    {"device-type", required_argument, nullptr, 'Y'},
    {"barcode", required_argument, nullptr, 'b'},
    {"size", required_argument, nullptr, 's'},
    {"type", required_argument, nullptr, 't'},
    {"file", required_argument, nullptr, 'f'},
    {"thin-provisioning", no_argument, nullptr, 'T'},
    {"version", no_argument, nullptr, 'V'},
    {"media", required_argument, nullptr, 'm'},
    {"format", required_argument, nullptr, 'F'},
    {"f", required_argument, nullptr, 'f'},  // which is --file in tgt, and no abbreviation of two
    {nullptr, 0, nullptr, 0},
}};
constexpr const char* short_options = "ho:Y:b:s:t:f:TVm:F:";

using Problem = std::optional<Refusal>;

Refusal plain(int status, std::string_view text) {
    return {{status, fmt::format("tgtimg: {}\n", text)}, false};
}

Problem set_op(Options& options, std::string_view name) {
    if (name == "new")
        options.op = Op::create;
    else if (name == "show")
        options.op = Op::show;
    else
        return plain(exit_operation, fmt::format("unknown operation: {}", name));
    return {};
}

Problem set_device_type(Options& options, std::string_view name) {
    constexpr std::array<std::pair<std::string_view, DeviceType>, 3> types = {
        {{"tape", DeviceType::tape}, {"cd", DeviceType::cd}, {"disk", DeviceType::disk}}};
    for (const auto& [word, type] : types) {
        if (word != name) continue;
        options.type = type;
        return {};
    }
    return plain(EINVAL, fmt::format("unknown target type: {}", name));
}

Problem set_cartridge(Options& options, std::string_view name) {
    options.cartridge = store::ssc::find_media_type(name);
    if (options.cartridge) return {};
    std::string known;
    for (const auto& type : store::ssc::media_types())
        known += fmt::format("{}{}", known.empty() ? "" : ", ", type.name);
    return plain(EINVAL, fmt::format("unknown cartridge '{}': there are {}", name, known));
}

Problem set_format(Options& options, std::string_view name) {
    if (name != "2" && name != "3")
        return plain(EINVAL, fmt::format("unknown format '{}' of a tape: there are 2 and 3", name));
    options.format = name[0] - '0';
    return {};
}

Problem apply(Options& options, int letter) {
    switch (letter) {
        case 'h':
            options.show_help = true;
            return {};
        case 'V':
            options.show_version = true;
            return {};
        case 'o':
            return set_op(options, optarg);
        case 'Y':
            return set_device_type(options, optarg);
        case 'b':
            options.barcode = optarg;
            return {};
        case 's':
            options.size = optarg;
            return {};
        case 't':
            options.media = optarg;
            return {};
        case 'f':
            options.file = optarg;
            return {};
        case 'm':
            return set_cartridge(options, optarg);
        case 'F':
            return set_format(options, optarg);
        case 'T':
            options.thin = true;
            return {};
        default:
            return Refusal{{EINVAL, ""}, true};  // getopt has said it
    }
}

// What one device type asks of --type: words are compared without case, and what follows one is
// ignored.
struct MediaRule {
    std::string_view missing;
    std::string_view wrong;
    std::span<const std::string_view> words;
    bool barcode;
    bool size;
};

constexpr std::array<std::string_view, 3> tape_media = {"data", "clean", "worm"};
constexpr std::array<std::string_view, 1> cd_media = {"dvd+r"};
constexpr std::array<std::string_view, 1> disk_media = {"disk"};

// By DeviceType.
constexpr std::array<MediaRule, 3> rules = {{
    {"Missing media type: WORM, CLEAN or DATA",
     "Media type must be WORM, CLEAN or DATA for tape devices", tape_media, true, true},
    {"Missing media type: DVD+R", "Media type must be DVD+R for cd devices", cd_media, false,
     false},
    {"Missing media type: DISK", "Media type must be DISK for disk devices", disk_media, false,
     true},
}};

bool begins_with(const std::string& text, std::string_view word) {
    return strncasecmp(text.c_str(), word.data(), word.size()) == 0;
}

Problem check_new(const Options& options) {
    const MediaRule& rule = rules[size_t(options.type)];
    if (!options.media) return usage_error(rule.missing);
    bool known = false;
    for (std::string_view word : rule.words) known = known || begins_with(*options.media, word);
    if (!known) return usage_error(rule.wrong);
    if (rule.barcode && !options.barcode) return usage_error("Missing the barcode param");
    const bool sized = options.size || (rule.barcode && options.cartridge);
    if (rule.size && !sized) return usage_error("Missing the capacity param");
    return {};
}

}  // namespace

Refusal usage_error(std::string_view text) {
    Refusal refusal = plain(EINVAL, text);
    refusal.hint = true;
    return refusal;
}

Result<Options, Refusal> parse_options(int argc, char** argv) {
    Options options;
    int letter = 0;
    while (!options.show_help && !options.show_version &&
           (letter = getopt_long(argc, argv, short_options, long_options.data(), nullptr)) >= 0)
        if (auto problem = apply(options, letter)) return tl::unexpected(std::move(*problem));
    if (letter < 0 && optind < argc)
        return tl::unexpected(usage_error(fmt::format("unrecognized option '{}'", argv[optind])));
    return options;
}

Problem check_options(const Options& options) {
    if (!options.op) return usage_error("specify the operation type");
    if (!options.file) return usage_error("specify a newly created file");
    if (*options.op == Op::create) return check_new(options);
    if (options.type != DeviceType::tape) return usage_error("unknown the operation type");
    return {};
}

Result<uint64_t, Refusal> size_in_bytes(std::string_view megabytes) {
    int64_t count = 0;
    const char* end = megabytes.data() + megabytes.size();
    const auto [rest, failed] = std::from_chars(megabytes.data(), end, count);
    if (!megabytes.empty() && (failed != std::errc() || rest != end))
        return tl::unexpected(
            usage_error(fmt::format("-s argument value '{}' invalid", megabytes)));
    if (count <= 0) return tl::unexpected(Refusal{{exit_capacity, "Capacity must be > 0\n"}});
    if (count > int64_t(INT64_MAX / megabyte))
        return tl::unexpected(
            usage_error(fmt::format("-s argument value '{}' out of range", megabytes)));
    return uint64_t(count) * megabyte;
}

Result<store::ssc::CartridgeSpec, Refusal> cartridge(const Options& options, time_t now) {
    constexpr uint64_t default_size = 8000 * megabyte;
    store::ssc::CartridgeSpec spec;
    spec.barcode = *options.barcode;
    if (begins_with(*options.media, "worm")) spec.kind = store::TapeKind::worm;
    if (begins_with(*options.media, "clean")) spec.kind = store::TapeKind::cleaning;
    if (options.cartridge) {
        spec.density = options.cartridge->density;
        spec.capacity = options.cartridge->capacity;
    }
    if (options.size && *options.size == "0") spec.capacity = default_size;
    if (options.size && *options.size != "0") {
        const auto size = size_in_bytes(*options.size);
        if (!size) return tl::unexpected(size.error());
        spec.capacity = *size;
    }
    if (options.format == 2) spec.max_partitions = 1;
    // tgt's: --op show tells from it when the cartridge was made.
    const std::string made = fmt::format("_{}", now);
    spec.serial = spec.barcode.substr(0, store::ssc::longest_text - 1 - made.size()) + made;
    return spec;
}

std::string help_text() {
    return R"(Usage: tgtimg [OPTION]
Linux SCSI Target Framework Image File Utility, version )" TGT_VERSION R"(

-o, --op new                     create an image file; one that exists is left alone
-o, --op show                    print what is on a tape image
-Y, --device-type <type>         tape (the default), cd or disk
-t, --type <medium>              data, clean or WORM for a tape, dvd+r for a cd,
                                 disk for a disk
-b, --barcode <code>             the barcode of a tape
-s, --size <number>              the size of a tape or a disk in megabytes (of 1048576
                                 bytes)
-m, --media <name>               what a tape is: LTO-1 to LTO-9; its size need not be given
-F, --format <2|3>               how a tape is kept; 2 is for programs that know tgt's format
                                 only
-f, --file <path>                the image file
-T, --thin-provisioning          a disk without space set aside for it (a sparse file)
-h, --help                       display this help and exit
-V, --version                    print version and exit

tgtimg --op new --device-type disk --type disk --size <number> --file <path>
tgtimg --op new --device-type cd --type dvd+r --file <path>
tgtimg --op new --device-type tape --type data --barcode <code> --size <number>
  --file <path>
tgtimg --op new --device-type tape --type data --barcode <code> --media LTO-8
  --file <path>
tgtimg --op show --device-type tape --file <path>

This build makes images of tapes and disks; those of cds are not in it.
)";
}

}  // namespace tgt::tgtimg
