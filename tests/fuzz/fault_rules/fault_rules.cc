// SPDX-License-Identifier: GPL-2.0-or-later
// Rules and options of the fault store: what is accepted keeps its bounds, means the same when it
// is written out, and gives a verdict; what is refused is refused with a reason.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/fault/options.h"
#include "store/fault/rule_set.h"

namespace {

using namespace tgt::store;
using namespace tgt::store::fault;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_bounds(const Rule& rule) {
    require(rule.ops != 0 && (rule.ops & ~every_op) == 0);
    require(rule.first <= rule.last && rule.count > 0);
    require(rule.probability >= 0 && rule.probability <= 1);
    require(rule.what != Fault::delay || rule.ms);
    require(rule.what != Fault::short_ || (rule.ops & ~transfers) == 0);
    require(rule.what != Fault::reorder || (rule.ms && rule.window >= 2));
}

void check_verdicts(const std::vector<Rule>& rules) {
    RuleSet set;
    set.replace(rules);
    for (OpKind kind : {OpKind::read, OpKind::write, OpKind::flush, OpKind::forget}) {
        Op op;
        op.kind = kind;
        op.length = 4096;
        Verdict verdict = set.judge(op);
        if (kind == OpKind::forget) require(verdict.action == Verdict::Action::pass);
        if (verdict.action == Verdict::Action::fail) require(verdict.error > 0);
        if (verdict.action == Verdict::Action::short_) require(verdict.bytes < op.length);
        if (verdict.action == Verdict::Action::reorder) require(verdict.together != nullptr);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto options = parse_options(text))
        require(options->cache_limit >= VolatileCache::lowest_limit);
    else
        require(!options.error().text.empty());
    auto rules = parse_rules(text);
    if (!rules) {
        require(!rules.error().text.empty());
        return 0;
    }
    require(rules->size() <= max_rules);
    for (const Rule& rule : *rules) {
        check_bounds(rule);
        auto again = parse_rule(text_of(rule));
        require(again && *again == rule);
    }
    check_verdicts(*rules);
    return 0;
}
