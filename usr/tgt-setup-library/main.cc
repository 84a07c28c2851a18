// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/core.h>

#include <cstdlib>

#include "ipc/admin/protocol.h"
#include "tgt-setup-library/setup.h"

namespace {

using namespace tgt::setup_library;

int refuse(const std::string& text) {
    if (!text.empty()) fmt::print(stderr, "tgt-setup-library: {}\n", text);
    fmt::print(stderr, "Try `tgt-setup-library --help' for more information.\n");
    return EXIT_FAILURE;
}

int run(Options options) {
    if (auto good = check_options(options); !good) return refuse(good.error().text);
    const char* prefix = std::getenv("TGT_IPC_SOCKET");
    auto path = tgt::ipc::socket_path(prefix ? prefix : "", options.control_port.value_or(0));
    if (!path) return refuse(path.error().text);
    return Setup(std::move(options), std::move(*path)).run();
}

}  // namespace

int main(int argc, char** argv) {
    auto options = parse_options(argc, argv);
    if (!options) return refuse(options.error().text);
    if (options->show_help) fmt::print("{}", help_text());
    if (options->show_version) fmt::print("{}\n", TGT_VERSION);
    if (options->show_help || options->show_version) return EXIT_SUCCESS;
    return run(std::move(*options));
}
