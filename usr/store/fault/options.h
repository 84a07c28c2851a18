// SPDX-License-Identifier: GPL-2.0-or-later
// tgtadm --bsopts of a fault store: "engine=rdwr;cache=on;delay,ms=20,op=read".
#pragma once

#include <string_view>
#include <vector>

#include "store/fault/cache.h"
#include "store/fault/rule.h"

namespace tgt::store::fault {

struct Options {
    std::string_view engine = "rdwr";  // of the inner store; a part of the text that was parsed
    std::vector<Rule> rules;
    bool cache = false;
    uint64_t cache_limit = VolatileCache::default_limit;
};

// Items separated by ';': engine=NAME, cache=on|off, cache_limit=BYTES, and rules, which may begin
// with fault=. Errors name the item and what is allowed; whether there is such an engine is not
// looked at.
Result<Options> parse_options(std::string_view text);

// cache_limit=, wherever it is said.
Result<uint64_t> parse_cache_limit(std::string_view text);

}  // namespace tgt::store::fault
