// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/core.h>

#include <cstdlib>

#include "ipc/admin/protocol.h"
#include "tgt-setup-lun/setup.h"

namespace {

using namespace tgt::setup_lun;

// Said where tgt says it.
int refuse(const std::string& text) {
    if (!text.empty()) fmt::print("{}\n", text);
    return EXIT_FAILURE;
}

int run(const Options& options) {
    if (auto good = check_options(options); !good) return refuse(good.error().text);
    const char* prefix = std::getenv("TGT_IPC_SOCKET");
    auto path = tgt::ipc::socket_path(prefix ? prefix : "", options.control_port.value_or(0));
    if (!path) return refuse("Error: " + path.error().text);
    return Setup(options, std::move(*path)).run();
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse_options(argc, argv);
    if (!options) return refuse(options.error().text);
    if (options->show_version) {
        fmt::print("{}\n", TGT_VERSION);
        return EXIT_SUCCESS;
    }
    if (!options->show_help && !options->show_usage) return run(*options);
    fmt::print("{}", usage_text());
    return options->show_help ? EXIT_SUCCESS : EXIT_FAILURE;
}
