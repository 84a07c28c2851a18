// SPDX-License-Identifier: GPL-2.0-or-later
// The engines of this build. A new one is its folder, its descriptor, and one line here.
#include <array>

#include "store/aio/aio.h"
#include "store/bsg/bsg.h"
#include "store/fault/fault.h"
#include "store/null/null.h"
#include "store/rdwr/rdwr.h"
#include "store/sg/sg.h"
#include "store/smc/smc.h"
#include "store/ssc/ssc.h"
#include "store/store.h"

namespace tgt::store {

namespace {
constexpr std::array<const Engine*, 8> all_engines = {&bsg_engine, &sg_engine,    &null_engine,
                                                      &ssc_engine, &fault_engine, &rdwr_engine,
                                                      &aio_engine, &smc_engine};
}

std::span<const Engine* const> engines() {
    return all_engines;
}

const Engine* find_engine(std::string_view name) {
    for (const Engine* engine : all_engines)
        if (engine->name == name) return engine;
    return nullptr;
}

}  // namespace tgt::store
