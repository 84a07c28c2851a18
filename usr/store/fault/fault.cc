// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/fault.h"

#include <fmt/core.h>

#include "base/log.h"
#include "store/fault/fault_store.h"
#include "store/fault/options.h"

namespace tgt::store {

namespace {

using namespace fault;

tl::unexpected<Error> refuse(const OpenRequest& request, const std::string& text) {
    return fail(EINVAL, fmt::format("{}: {}", request.path, text));
}

bool can_be_wrapped(const Engine& engine) {
    return &engine != &fault_engine && engine.content == Content::bytes;
}

std::string other_engines() {
    std::string names;
    for (const Engine* engine : engines())
        if (can_be_wrapped(*engine))
            names += (names.empty() ? "" : ", ") + std::string(engine->name);
    return names;
}

Result<std::unique_ptr<Store>> open_inner(const OpenRequest& request, const Options& options) {
    const Engine* engine = find_engine(options.engine);
    if (!engine || !can_be_wrapped(*engine))
        return refuse(request, fmt::format("option 'engine': '{}' is no backing-store type that "
                                           "can be wrapped (there is: {})",
                                           options.engine, other_engines()));
    if (auto honoured = parse_flags(*engine, flags_text(request.flags)); !honoured)
        return refuse(request, honoured.error().text);
    OpenRequest inner = request;
    inner.options.clear();
    return engine->open(inner);
}

Result<void> apply(FaultStore& store, const Options& options, const OpenRequest& request) {
    store.rules().replace(options.rules);
    if (!options.cache) return {};
    auto on = store.update("cache", "on");
    if (!on) return refuse(request, on.error().text);
    return {};
}

Result<std::unique_ptr<Store>> open_fault(const OpenRequest& request) {
    auto options = parse_options(request.options);
    if (!options) return refuse(request, options.error().text);
    auto inner = open_inner(request, *options);
    if (!inner) return inner;
    auto store = std::make_unique<FaultStore>(
        std::move(*inner), FaultStore::Settings{.path = request.path,
                                                .engine = std::string(options->engine),
                                                .block_size = request.block_size,
                                                .sync = request.flags.sync,
                                                .cache_limit = options->cache_limit});
    if (auto applied = apply(*store, *options, request); !applied)
        return tl::unexpected(applied.error());
    log::warn(log::Module::store, "{}: this store injects faults on command; it is for tests",
              request.path);
    return store;
}

}  // namespace

const Engine fault_engine = {
    .name = "fault", .flags = "sync:direct", .needs_path = true, .open = open_fault};

}  // namespace tgt::store
