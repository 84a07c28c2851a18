// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/fault/rule_set.h"

#include <fmt/core.h>

#include <random>

namespace tgt::store::fault {

namespace {

using Action = Verdict::Action;

std::optional<io::Duration> duration_of(const Rule& rule) {
    if (!rule.ms) return std::nullopt;
    return std::chrono::milliseconds(*rule.ms);
}

constexpr std::array<Action, fault_count> actions = {Action::fail, Action::short_, Action::pass,
                                                     Action::hang, Action::reorder};

}  // namespace

uint64_t any_seed() {
    std::random_device device;
    return uint64_t(device()) << 32 | device();
}

bool RuleSet::hits(Live& live, const Op& op) {
    const Rule& rule = live.rule;
    if (live.hits >= rule.count || !matches(rule, op)) return false;
    if (++live.matched <= rule.after) return false;
    if (rule.probability < 1 && !live.random.chance(rule.probability)) return false;
    ++live.hits;
    return true;
}

void RuleSet::act(const Live& live, const Op& op, Verdict& verdict) {
    const Rule& rule = live.rule;
    if (rule.what == Fault::delay) {
        bool first = verdict.delay == io::Duration(0);
        verdict.delay_cancellable = rule.cancellable && (first || verdict.delay_cancellable);
        verdict.delay += duration_of(rule).value_or(io::Duration(0));
        return;
    }
    verdict.action = actions[size_t(rule.what)];
    verdict.cancellable = rule.cancellable;
    verdict.error = error_of(rule, op);
    verdict.bytes = short_bytes(rule, op);
    verdict.at_most = duration_of(rule);
    verdict.together = live.reorder;
}

Verdict RuleSet::judge(const Op& op) {
    Verdict verdict;
    std::lock_guard lock(mutex_);
    for (Live& live : rules_) {
        if (!hits(live, op)) continue;
        act(live, op, verdict);
        if (verdict.action != Action::pass) break;
    }
    return verdict;
}

void RuleSet::replace(const std::vector<Rule>& rules) {
    std::vector<Live> fresh;
    for (const Rule& rule : rules) {
        Live live{.rule = rule, .random = Random(rule.seed ? *rule.seed : any_seed())};
        if (rule.what == Fault::reorder)
            live.reorder = std::make_shared<Reorder>(rule.window, rule.seed);
        fresh.push_back(std::move(live));
    }
    std::lock_guard lock(mutex_);
    rules_.swap(fresh);
    any_.store(!rules_.empty(), std::memory_order_release);
}

RuleSet::Texts RuleSet::texts() const {
    Texts texts;
    std::lock_guard lock(mutex_);
    for (const Live& live : rules_) {
        const char* separator = &live == rules_.data() ? "" : ";";
        texts.rules += separator + text_of(live.rule);
        texts.matched += fmt::format("{}{}", separator, live.matched);
        texts.hits += fmt::format("{}{}", separator, live.hits);
    }
    if (rules_.empty()) texts.rules = "none";
    return texts;
}

size_t RuleSet::held() const {
    std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const Live& live : rules_)
        if (live.reorder) count += live.reorder->held();
    return count;
}

}  // namespace tgt::store::fault
