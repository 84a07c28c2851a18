// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "store/fault/rule_set.h"

namespace tgt::store::fault {
namespace {

using Action = Verdict::Action;

class RuleSetTest : public testing::Test {
  protected:
    void rules(std::string_view text) { set_.replace(parse_rules(text).value()); }
    Verdict judge(OpKind kind, uint64_t offset = 0) {
        Op op;
        op.kind = kind;
        op.offset = offset;
        op.length = 4096;
        return set_.judge(op);
    }
    // One letter per operation: '.' passes, 'x' is hit.
    std::string hits(unsigned count) {
        std::string text;
        for (unsigned i = 0; i < count; ++i)
            text += judge(OpKind::read).action == Action::pass ? '.' : 'x';
        return text;
    }
    RuleSet set_;
};

TEST_F(RuleSetTest, WithoutRulesEverythingPasses) {
    EXPECT_FALSE(set_.any());
    EXPECT_EQ(judge(OpKind::write).action, Action::pass);
    rules("error");
    EXPECT_TRUE(set_.any());
    rules("");
    EXPECT_FALSE(set_.any());
}

TEST_F(RuleSetTest, AfterSkipsAndCountUsesUp) {
    rules("error,after=2,count=3");
    EXPECT_EQ(hits(8), "..xxx...");
    EXPECT_EQ(set_.texts().hits, "3");
}

TEST_F(RuleSetTest, OnlyMatchingOperationsAreCounted) {
    rules("error,op=read,after=1");
    judge(OpKind::write);
    EXPECT_EQ(hits(2), ".x");
    EXPECT_EQ(set_.texts().matched, "2");
}

TEST_F(RuleSetTest, ProbabilityIsRepeatableWithASeed) {
    rules("error,probability=0.5,seed=42");
    std::string first = hits(200);
    rules("error,probability=0.5,seed=42");
    EXPECT_EQ(hits(200), first);
    rules("error,probability=0.5,seed=43");
    EXPECT_NE(hits(200), first);
    auto hit = std::count(first.begin(), first.end(), 'x');
    EXPECT_GT(hit, 60);
    EXPECT_LT(hit, 140);
}

TEST_F(RuleSetTest, ProbabilityZeroIsNeverAndOneAlways) {
    rules("error,probability=0");
    EXPECT_EQ(hits(4), "....");
    rules("error,probability=1.0");
    EXPECT_EQ(hits(4), "xxxx");
}

TEST_F(RuleSetTest, FirstThatHitsDecides) {
    rules("error,errno=ENOSPC,count=1;error,errno=ENODEV");
    EXPECT_EQ(judge(OpKind::write).error, ENOSPC);
    EXPECT_EQ(judge(OpKind::write).error, ENODEV);
    EXPECT_EQ(set_.texts().hits, "1;1") << "the second was not asked at first";
}

TEST_F(RuleSetTest, DelaysAddUpAndTheSearchGoesOn) {
    rules("delay,ms=5;delay,ms=7,op=write;error,op=write");
    Verdict write = judge(OpKind::write), read = judge(OpKind::read);
    EXPECT_EQ(write.delay, std::chrono::milliseconds(12));
    EXPECT_EQ(write.action, Action::fail);
    EXPECT_EQ(read.delay, std::chrono::milliseconds(5));
    EXPECT_EQ(read.action, Action::pass);
}

TEST_F(RuleSetTest, DelaysAreCancellableWhenAllAre) {
    rules("delay,ms=5,cancellable=1;delay,ms=5,op=write");
    EXPECT_TRUE(judge(OpKind::read).delay_cancellable);
    EXPECT_FALSE(judge(OpKind::write).delay_cancellable);
}

TEST_F(RuleSetTest, NewRulesCountAnew) {
    rules("error,count=1");
    hits(3);
    rules("error,count=1");
    EXPECT_EQ(set_.texts().hits, "0");
    EXPECT_EQ(hits(2), "x.");
}

TEST_F(RuleSetTest, TextsAreInOneOrder) {
    EXPECT_EQ(set_.texts().rules, "none");
    rules("error,op=read;hang,op=write,count=1");
    judge(OpKind::read);
    judge(OpKind::flush);
    auto texts = set_.texts();
    EXPECT_EQ(texts.rules, "error:op=read;hang:op=write:count=1");
    EXPECT_EQ(texts.matched, "1;0");
    EXPECT_EQ(texts.hits, "1;0");
}

}  // namespace
}  // namespace tgt::store::fault
