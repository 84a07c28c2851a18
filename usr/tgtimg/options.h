// SPDX-License-Identifier: GPL-2.0-or-later
// tgtimg's command line as a value. Texts and exit statuses are those of tgt.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/ssc/create.h"
#include "store/ssc/media_types.h"

namespace tgt::tgtimg {

enum class Op : uint8_t { create, show };
enum class DeviceType : uint8_t { tape, cd, disk };

struct Options {
    std::optional<Op> op;
    DeviceType type = DeviceType::tape;
    std::optional<std::string> file;
    std::optional<std::string> media;  // --type
    std::optional<std::string> barcode;
    std::optional<std::string> size;
    const store::ssc::MediaType* cartridge = nullptr;  // --media
    int format = 3;                                    // of a tape image
    bool thin = false;
    bool show_help = false;
    bool show_version = false;
};

// Why the program ends: `error.code` is its exit status, `error.text` goes to standard error as it
// is. With `hint` a line that points to --help follows.
struct Refusal {
    Error error;
    bool hint = false;
};

// getopt's own complaints are on standard error when this returns. May be called once.
Result<Options, Refusal> parse_options(int argc, char** argv);

// What the operation and the device type ask for is there, and the kind of medium exists.
std::optional<Refusal> check_options(const Options& options);

// The cartridge that `options` ask for, made at `now`. A size of 0 is tgt's default one.
Result<store::ssc::CartridgeSpec, Refusal> cartridge(const Options& options, time_t now);

// --size in bytes.
Result<uint64_t, Refusal> size_in_bytes(std::string_view megabytes);

Refusal usage_error(std::string_view text);

std::string help_text();

}  // namespace tgt::tgtimg
