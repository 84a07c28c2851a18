// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "io/clock.h"
#include "store/fault/random.h"
#include "store/fault/reorder.h"
#include "store/fault/rule.h"

namespace tgt::store::fault {

// What is to become of one operation.
struct Verdict {
    enum class Action : uint8_t { pass, fail, short_, hang, reorder };

    io::Duration delay{0};  // before the action
    bool delay_cancellable = false;
    Action action = Action::pass;
    bool cancellable = false;             // hang, reorder
    int error = 0;                        // fail, short_
    uint64_t bytes = 0;                   // short_: moved before the failure
    std::optional<io::Duration> at_most;  // hang, reorder: the end of patience
    std::shared_ptr<Reorder> together;    // reorder
};

// The rules in force, with their counters. Any thread.
class RuleSet {
  public:
    // False: judge() would let everything pass.
    bool any() const { return any_.load(std::memory_order_acquire); }
    // Rules are tried in their order. The first one that hits decides, save that a delay adds its
    // time and lets the search go on.
    Verdict judge(const Op& op);
    // New counters, and new chances from each rule's seed. Operations that are held already stay
    // so.
    void replace(const std::vector<Rule>& rules);

    // In the order of the rules, joined with ';': the rules ("none" without any), and of how many
    // operations each spoke and how many it hit.
    struct Texts {
        std::string rules, matched, hits;
    };
    Texts texts() const;
    // Operations that wait for others to be reordered with.
    size_t held() const;

  private:
    struct Live {
        Rule rule;
        uint64_t matched = 0;
        uint64_t hits = 0;
        Random random;
        std::shared_ptr<Reorder> reorder{};
    };
    static bool hits(Live& live, const Op& op);
    static void act(const Live& live, const Op& op, Verdict& verdict);

    mutable std::mutex mutex_;
    std::vector<Live> rules_;
    std::atomic<bool> any_{false};
};

}  // namespace tgt::store::fault
