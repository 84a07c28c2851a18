// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "store/fault/rule.h"
#include "store/fault/words.h"

namespace tgt::store::fault {
namespace {

Rule rule(std::string_view text) {
    auto parsed = parse_rule(text);
    EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().text);
    return parsed.value_or(Rule());
}

std::string refusal(std::string_view text) {
    auto parsed = parse_rules(text);
    EXPECT_FALSE(parsed) << text;
    if (parsed) return "";
    EXPECT_EQ(parsed.error().code, EINVAL);
    return parsed.error().text;
}

Op op(OpKind kind, uint64_t offset, uint64_t length) {
    Op made;
    made.kind = kind;
    made.offset = offset;
    made.length = length;
    return made;
}

TEST(FaultRule, HasDefaults) {
    EXPECT_EQ(rule("error"), Rule());
    EXPECT_EQ(rule("error,op=any").ops, every_op);
    EXPECT_EQ(rule("short").ops, transfers);
    EXPECT_EQ(rule("reorder").window, 8u);
    EXPECT_EQ(rule("reorder").ms, 100u);
    EXPECT_FALSE(rule("hang").cancellable);
    EXPECT_EQ(rule("hang").ms, std::nullopt) << "until it is released";
}

TEST(FaultRule, TakesEveryKey) {
    Rule expected;
    expected.what = Fault::short_;
    expected.ops = op_bit(OpKind::write);
    expected.first = 1 << 20;
    expected.last = (1 << 20) + 4095;
    expected.error = ENOSPC;
    expected.bytes = 512;
    expected.after = 2;
    expected.count = 3;
    expected.probability = 0.25;
    expected.seed = 7;
    EXPECT_EQ(rule("short,op=write,range=1m+4k,errno=ENOSPC,bytes=512,after=2,count=3,"
                   "probability=0.25,seed=7"),
              expected);
    Rule reorder;
    reorder.what = Fault::reorder;
    reorder.ms = 20;
    reorder.window = 4;
    reorder.cancellable = true;
    EXPECT_EQ(rule("reorder,window=4,ms=20,cancellable=1"), reorder);
}

TEST(FaultRule, KeysMayBeSeparatedByColonsAndBlanks) {
    EXPECT_EQ(rule("hang:op=write:count=2"), rule("hang,op=write,count=2"));
    EXPECT_EQ(rule(" hang , op = write + flush "), rule("hang,op=write+flush"));
}

TEST(FaultRule, OperationsAreJoinedWithPlus) {
    EXPECT_EQ(rule("error,op=read+flush").ops, op_bit(OpKind::read) | op_bit(OpKind::flush));
    EXPECT_EQ(rule("error,op=discard+write_zeroes").ops,
              op_bit(OpKind::discard) | op_bit(OpKind::write_zeroes));
}

TEST(FaultRule, ErrorsHaveNamesAndNumbers) {
    EXPECT_EQ(rule("error,errno=ENODEV").error, ENODEV);
    EXPECT_EQ(rule("error,errno=28").error, ENOSPC);
    EXPECT_EQ(error_of(rule("error"), op(OpKind::write, 0, 512)), EIO);
    EXPECT_EQ(error_of(rule("short"), op(OpKind::write, 0, 512)), ENOSPC);
    EXPECT_EQ(error_of(rule("short"), op(OpKind::read, 0, 512)), EIO);
}

TEST(FaultRule, RangesAreInclusiveOrHaveALength) {
    EXPECT_EQ(rule("error,range=512-1023"), rule("error,range=512+512"));
    EXPECT_EQ(rule("error,range=1k-").last, UINT64_MAX);
    EXPECT_EQ(rule("error,range=2g+1").first, uint64_t(2) << 30);
    EXPECT_EQ(rule("error,range=2G+1").last, uint64_t(2) << 30);
}

TEST(FaultRule, MatchesByKindAndRange) {
    Rule one = rule("error,op=read,range=512-1023");
    EXPECT_TRUE(matches(one, op(OpKind::read, 1023, 1)));
    EXPECT_TRUE(matches(one, op(OpKind::read, 0, 513)));
    EXPECT_TRUE(matches(one, op(OpKind::read, 0, 4096)));
    EXPECT_FALSE(matches(one, op(OpKind::read, 0, 512)));
    EXPECT_FALSE(matches(one, op(OpKind::read, 1024, 512)));
    EXPECT_FALSE(matches(one, op(OpKind::write, 512, 512)));
    EXPECT_TRUE(matches(rule("error"), op(OpKind::write, UINT64_MAX - 1, 4096))) << "no overflow";
}

TEST(FaultRule, FlushWithoutALengthIsOfEverything) {
    EXPECT_TRUE(matches(rule("error,op=flush,range=1m-"), op(OpKind::flush, 0, 0)));
    EXPECT_FALSE(matches(rule("error,op=flush,range=1m-"), op(OpKind::flush, 0, 512)));
}

TEST(FaultRule, HintsAreNeverMet) {
    EXPECT_FALSE(matches(rule("error"), op(OpKind::prefetch, 0, 512)));
    EXPECT_FALSE(matches(rule("hang"), op(OpKind::forget, 0, 512)));
}

TEST(FaultRule, ShortIsForTransfersThatAreLonger) {
    Rule one = rule("short,bytes=512");
    EXPECT_FALSE(matches(one, op(OpKind::write, 0, 512))) << "nothing would be missing";
    EXPECT_TRUE(matches(one, op(OpKind::write, 0, 1024)));
    EXPECT_FALSE(matches(one, op(OpKind::discard, 0, 1024)));
    EXPECT_EQ(short_bytes(one, op(OpKind::write, 0, 1024)), 512u);
    EXPECT_EQ(short_bytes(rule("short"), op(OpKind::write, 0, 4096)), 2048u);
}

TEST(FaultRule, TextLeadsBackToTheRule) {
    for (const char* text :
         {"error", "short", "delay,ms=5", "hang", "reorder", "error,op=any,errno=ENOSPC",
          "error,op=read+write+flush,range=4k-8191,after=1,count=2,probability=0.1,seed=0",
          "short,op=read,bytes=0,errno=133", "hang,cancellable=1,ms=3600000", "error,range=1m-",
          "reorder,window=2,ms=1,seed=18446744073709551615"}) {
        Rule one = rule(text);
        EXPECT_EQ(rule(text_of(one)), one) << text_of(one);
    }
    EXPECT_EQ(text_of(rule("hang,op=write,count=1")), "hang:op=write:count=1");
}

TEST(FaultRules, AreSeparatedBySemicolons) {
    auto rules = parse_rules("error,op=read;delay,ms=5; hang ;");
    ASSERT_TRUE(rules);
    ASSERT_EQ(rules->size(), 3u);
    EXPECT_EQ((*rules)[2].what, Fault::hang);
}

TEST(FaultRules, EmptyAndNoneAreNoRules) {
    for (const char* text : {"", " ", ";", "none", " none "}) {
        auto rules = parse_rules(text);
        ASSERT_TRUE(rules) << text;
        EXPECT_TRUE(rules->empty());
    }
}

struct Bad {
    const char* text;
    std::vector<const char*> named;
};

TEST(FaultRules, BadOnesAreRefusedByWhatIsWrong) {
    const std::vector<Bad> all = {
        {"errror", {"rule 1", "'errror'", "error, short, delay, hang, reorder"}},
        {"error;hang,opp=write", {"rule 2", "'hang,opp=write'", "'opp'", "cancellable"}},
        {"error,op=reed", {"op:", "'reed'", "write_zeroes"}},
        {"error,op=", {"op:", "''"}},
        {"error,op=read+", {"op:", "''"}},
        {"error,op", {"'op'", "needs a value"}},
        {"error,errno=EFOO", {"errno:", "'EFOO'", "EIO"}},
        {"error,errno=0", {"errno:", "'0'"}},
        {"error,errno=-5", {"errno:", "'-5'"}},
        {"error,range=5", {"range:", "'5'", "FIRST-LAST"}},
        {"error,range=8k-4k", {"range:", "'8k-4k'", "ends before it begins"}},
        {"error,range=0+0", {"range:", "no length"}},
        {"error,range=1x-5", {"range:", "'1x'"}},
        {"error,range=0-99999999999g", {"range:", "'99999999999g'", "64 bits"}},
        {"error,range=18446744073709551615+2", {"range:", "64 bits"}},
        {"error,count=0", {"count:", "'0'", "1 or more"}},
        {"error,after=-1", {"after:", "'-1'"}},
        {"error,probability=1.5", {"probability:", "'1.5'", "0.0 to 1.0"}},
        {"error,probability=nan", {"probability:", "'nan'"}},
        {"error,ms=5", {"'ms'", "delay, hang, reorder", "not for error"}},
        {"delay", {"delay", "ms="}},
        {"delay,ms=0", {"ms:", "'0'", "3600000"}},
        {"short,op=flush", {"op:", "read and write"}},
        {"hang,errno=EIO", {"'errno'", "error, short", "not for hang"}},
        {"hang,cancellable=maybe", {"cancellable:", "'maybe'"}},
        {"reorder,window=1", {"window:", "'1'", "2 to 1024"}},
        {"error,op=read,op=write", {"'op'", "twice"}},
        {"error,,op=read", {"''"}},
        {"none;error", {"rule 1", "'none'"}},
    };
    for (const Bad& bad : all) {
        std::string text = refusal(bad.text);
        for (const char* named : bad.named)
            EXPECT_NE(text.find(named), std::string::npos) << bad.text << " says: " << text;
    }
}

TEST(FaultRules, AreBounded) {
    std::string many;
    for (size_t i = 0; i <= max_rules; ++i) many += "error;";
    EXPECT_NE(refusal(many).find("more than 64"), std::string::npos);
    EXPECT_NE(refusal(std::string(max_rules_text + 1, ';')).find("8192"), std::string::npos);
}

TEST(FaultWords, BytesHaveSuffixes) {
    EXPECT_EQ(parse_bytes("0"), 0u);
    EXPECT_EQ(parse_bytes("3k"), 3072u);
    EXPECT_EQ(parse_bytes("2T"), uint64_t(2) << 40);
    for (const char* text : {"", "k", "1kk", "1.5k", " 1", "0x10", "-1"})
        EXPECT_FALSE(parse_bytes(text)) << text;
}

}  // namespace
}  // namespace tgt::store::fault
