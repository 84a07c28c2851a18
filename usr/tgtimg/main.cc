// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <fmt/core.h>

#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "tgtimg/disk_image.h"
#include "tgtimg/options.h"

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

Outcome show_tape(const Options& options) {
    const tgt::UniqueFd file(open(options.file->c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        return Refusal{
            {1, fmt::format("tgtimg: can't open {}, {}\n", *options.file, std::strerror(errno))},
            false};
    return Refusal{{EINVAL, "tgtimg: images of tapes are not in this build\n"}, false};
}

Outcome perform(const Options& options) {
    if (auto problem = check_options(options)) return problem;
    if (*options.op == Op::show) return show_tape(options);
    if (options.type == DeviceType::disk) return new_disk(options);
    return Refusal{{EINVAL, fmt::format("tgtimg: images of {} are not in this build\n",
                                        options.type == DeviceType::cd ? "cds" : "tapes")},
                   false};
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
