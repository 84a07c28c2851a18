// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/core.h>

#include <cstdio>
#include <ctime>

#include "tgtimg/disk_image.h"
#include "tgtimg/options.h"
#include "tgtimg/tape_image.h"

namespace {

using namespace tgt::tgtimg;

using Outcome = std::optional<Refusal>;

Outcome new_disk(const Options& options) {
    const auto size = size_in_bytes(*options.size);
    if (!size) return size.error();
    if (auto made = create_disk(*options.file, *size, options.thin); !made)
        return Refusal{made.error(), false};
    fmt::print("Created blank DISK image file : {}\n", *options.file);
    return {};
}

Outcome outcome_of(const tgt::Result<void>& done) {
    if (done) return {};
    return Refusal{done.error(), done.error().code == EINVAL};
}

Outcome new_tape(const Options& options) {
    auto spec = cartridge(options, std::time(nullptr));
    if (!spec) return spec.error();
    return outcome_of(create_tape(*options.file, *spec, options.format));
}

Outcome perform(const Options& options) {
    if (auto problem = check_options(options)) return problem;
    if (*options.op == Op::show) return outcome_of(show_tape(*options.file));
    if (options.type == DeviceType::disk) return new_disk(options);
    if (options.type == DeviceType::tape) return new_tape(options);
    return Refusal{{EINVAL, "tgtimg: images of cds are not in this build\n"}, false};
}

int refuse(const Refusal& refusal) {
    fmt::print(stderr, "{}{}", refusal.error.text,
               refusal.hint ? "Try `tgtimg --help' for more information.\n" : "");
    return refusal.error.code;
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse_options(argc, argv);
    if (!options) return refuse(options.error());
    Outcome outcome;
    if (options->show_help)
        fmt::print("{}", help_text());
    else if (options->show_version)
        fmt::print("{}\n", TGT_VERSION);
    else
        outcome = perform(*options);
    if (outcome) return refuse(*outcome);
    if (std::fflush(stdout) == 0) return 0;
    std::perror("tgtimg: standard output");
    return EXIT_FAILURE;
}
