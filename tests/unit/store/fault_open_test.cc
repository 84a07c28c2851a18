// SPDX-License-Identifier: GPL-2.0-or-later
// Opening a fault store, its options and its live parameters.
#include "store/fault/options.h"
#include "tests/unit/store/fault_fixture.h"

namespace tgt::store::test {
namespace {

Result<std::unique_ptr<Store>> open_fault(const std::string& path, const std::string& options,
                                          OpenFlags flags = {}) {
    OpenRequest request;
    request.path = path;
    request.options = options;
    request.flags = flags;
    return find_engine("fault")->open(request);
}

std::string shown(const Store& store, std::string_view name) {
    for (const auto& [key, value] : store.parameters())
        if (key == name) return value;
    return "";
}

void expect_text(const Error& error, const std::vector<std::string>& named) {
    for (const std::string& one : named)
        EXPECT_NE(error.text.find(one), std::string::npos) << error.text;
}

class FaultOpenTest : public testing::Test {
  protected:
    TempDir dir_;
    std::string path_ = dir_.file("disk", 1 << 20);
};

TEST_F(FaultOpenTest, WrapsAFileByDefault) {
    auto store = open_fault(path_, "");
    ASSERT_TRUE(store) << store.error().text;
    EXPECT_EQ((*store)->info().size, 1u << 20);
    EXPECT_EQ(shown(**store, "engine"), "rdwr");
    EXPECT_EQ(shown(**store, "fault"), "none");
    TestOp write(OpKind::write, 4096, 4096, 'a'), read(OpKind::read, 4096, 4096);
    EXPECT_EQ((*store)->perform(write), 0);
    EXPECT_EQ((*store)->perform(read), 0);
    EXPECT_TRUE(read.all('a'));
}

TEST_F(FaultOpenTest, IsTheSameMediumAsTheInnerStore) {
    auto inner = open_store("rdwr", path_);
    ASSERT_TRUE(inner);
    const Info expected = (*inner)->info();
    inner->reset();
    auto store = open_fault(path_, "");
    ASSERT_TRUE(store);
    const Info& info = (*store)->info();
    EXPECT_TRUE(info.identity.known);
    EXPECT_EQ(info.identity, expected.identity);
    EXPECT_EQ(info.lasting_id, expected.lasting_id);
    EXPECT_EQ(info.physical_block_size, expected.physical_block_size);
    EXPECT_EQ(info.features.discard, expected.features.discard);
    EXPECT_EQ(info.features.extents, expected.features.extents);
    EXPECT_EQ((*store)->current_size(), (1u << 20));
    EXPECT_EQ((*store)->extent(0)->length, (*store)->info().size);
}

TEST_F(FaultOpenTest, HoldsTheInnerStoresLock) {
    auto store = open_fault(path_, "");
    ASSERT_TRUE(store);
    EXPECT_FALSE(open_store("rdwr", path_));
    store->reset();
    EXPECT_TRUE(open_store("rdwr", path_));
}

TEST_F(FaultOpenTest, OptionsChooseTheEngineAndStartRules) {
    auto store = open_fault("nothing",
                            "engine=null;cache=on;cache_limit=1m;error,op=read,count=1;"
                            "fault=delay:ms=5:op=write;hang,op=flush");
    ASSERT_TRUE(store) << store.error().text;
    EXPECT_EQ(shown(**store, "engine"), "null");
    EXPECT_EQ(shown(**store, "cache"), "on");
    EXPECT_EQ(shown(**store, "cache_limit"), "1048576");
    EXPECT_EQ(shown(**store, "fault"), "error:op=read:count=1;delay:op=write:ms=5;hang:op=flush");
    TestOp read(OpKind::read, 0, 4096);
    EXPECT_EQ((*store)->perform(read), EIO);
    EXPECT_EQ((*store)->perform(read), 0);
}

TEST_F(FaultOpenTest, FlagsAreTheInnerEngines) {
    EXPECT_TRUE(open_fault(path_, "", {.sync = true}));
    auto store = open_fault("nothing", "engine=null", {.direct = true});
    ASSERT_FALSE(store);
    expect_text(store.error(), {"nothing", "'null'", "'direct'"});
    EXPECT_EQ(find_engine("fault")->flags, "sync:direct");
}

TEST_F(FaultOpenTest, ErrorsOfTheInnerEngineAreHandedOn) {
    auto store = open_fault(dir_ / "missing", "");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ENOENT);
    expect_text(store.error(), {dir_ / "missing"});
}

TEST_F(FaultOpenTest, BadOptionsAreRefusedByWhatIsWrong) {
    const std::vector<std::pair<std::string, std::vector<std::string>>> all = {
        {"engine=tape", {"engine", "'tape'", "null, rdwr"}},
        {"engine=fault", {"engine", "'fault'"}},
        {"engine=sg", {"engine", "'sg'", "null, rdwr"}},
        {"engine=", {"engine", "needs the name"}},
        {"engin=null", {"'engin=null'", "cache_limit", "reorder"}},
        {"cache=maybe", {"cache", "'maybe'"}},
        {"cache_limit=1", {"cache_limit", "'1'", "64k"}},
        {"cache_limit=lots", {"cache_limit", "'lots'"}},
        {"hang,opp=write", {"rule 1", "'opp'"}},
        {"error;fault=hang,ms=x", {"rule 2", "ms:", "'x'"}},
    };
    for (const auto& [options, named] : all) {
        auto store = open_fault(path_, options);
        ASSERT_FALSE(store) << options;
        EXPECT_EQ(store.error().code, EINVAL);
        expect_text(store.error(), named);
        expect_text(store.error(), {path_});
    }
    EXPECT_TRUE(open_fault(path_, "")) << "the file is free";
}

TEST_F(FaultOpenTest, CacheContradictsTheFlagSync) {
    auto store = open_fault(path_, "cache=on", {.sync = true});
    ASSERT_FALSE(store);
    expect_text(store.error(), {path_, "cache", "sync"});
}

TEST_F(FaultOpenTest, ClosingLosesWhatWasNotFlushed) {
    {
        auto store = open_fault(path_, "cache=on");
        ASSERT_TRUE(store);
        TestOp kept(OpKind::write, 0, 4096, 'k'), lost(OpKind::write, 0, 4096, 'l');
        TestOp flush(OpKind::flush, 0, 0);
        for (TestOp* op : {&kept, &flush, &lost}) EXPECT_EQ((*store)->perform(*op), 0);
    }
    TestOp expected(OpKind::read, 0, 4096, 'k');
    EXPECT_TRUE(expected.is_in(path_));
}

// --- live parameters ---------------------------------------------------------------------------

class FaultParametersTest : public FaultTest {
  protected:
    Error refusal(std::string_view name, std::string_view value) {
        auto done = store_->update(name, value);
        EXPECT_FALSE(done) << name << '=' << value;
        return done ? Error() : done.error();
    }
};

TEST_F(FaultParametersTest, ShowEverythingInAFixedOrder) {
    std::vector<std::string> names;
    for (const auto& [name, value] : store_->parameters()) names.push_back(name);
    EXPECT_EQ(names,
              (std::vector<std::string>{"engine", "fault", "matched", "hits", "hung", "held",
                                        "cache", "cache_limit", "cache_memory", "unflushed"}));
}

TEST_F(FaultParametersTest, RulesAreReplacedAndCleared) {
    set("fault", "error,op=read");
    EXPECT_EQ(shown("fault"), "error:op=read");
    set("fault", "hang,op=write;error");
    EXPECT_EQ(shown("fault"), "hang:op=write;error");
    EXPECT_EQ(shown("hits"), "0;0");
    set("fault", "");
    EXPECT_EQ(shown("fault"), "none");
    set("fault", "error");
    set("fault", "none");
    EXPECT_EQ(shown("fault"), "none");
    EXPECT_EQ(shown("hits"), "");
}

TEST_F(FaultParametersTest, WhatIsShownCanBeSet) {
    set("fault", "short,op=read,bytes=1k;hang,op=write,after=3,cancellable=1");
    std::string text = shown("fault");
    set("fault", "none");
    set("fault", text);
    EXPECT_EQ(shown("fault"), text);
}

TEST_F(FaultParametersTest, BadRulesLeaveTheOldOnes) {
    set("fault", "error,op=read");
    expect_text(refusal("fault", "error,op=write;hangs"), {"fault:", "rule 2", "'hangs'"});
    EXPECT_EQ(shown("fault"), "error:op=read");
}

TEST_F(FaultParametersTest, UnknownNamesAreRefusedAsNotThere) {
    Error error = refusal("faults", "error");
    EXPECT_EQ(error.code, ENOENT);
    expect_text(error, {"'faults'", "fault, release, lose, cache, cache_limit"});
}

// tgtadm splits --params at commas.
TEST_F(FaultParametersTest, KeyOfARuleByItselfIsRefusedWithTheReason) {
    Error error = refusal("op", "write");
    EXPECT_EQ(error.code, EINVAL);
    expect_text(error, {"op=write", "comma", "fault=hang:op=write"});
}

TEST_F(FaultParametersTest, CountersCannotBeSet) {
    for (const char* name :
         {"engine", "matched", "hits", "hung", "held", "unflushed", "cache_memory"}) {
        Error error = refusal(name, "1");
        EXPECT_EQ(error.code, EINVAL);
        expect_text(error, {name});
    }
}

TEST_F(FaultParametersTest, ReleaseNeedsANumberOrAll) {
    set("release", "all");
    for (const char* value : {"", "0", "-1", "some", "1x"})
        expect_text(refusal("release", value), {"release:", "all"});
}

TEST_F(FaultParametersTest, LoseNeedsTheCacheAndAManner) {
    expect_text(refusal("lose", "all"), {"lose:", "cache=on"});
    set("cache", "on");
    for (const char* value : {"", "some", "all,seed=1"})
        expect_text(refusal("lose", value), {"lose:", "random"});
    for (const char* value : {"random,seed=x", "random,sead=1", "random,seed=", "random,5"})
        expect_text(refusal("lose", value), {"lose:", "seed=NUMBER"});
    set("lose", "random");
    set("lose", "random:seed=0");
}

TEST_F(FaultParametersTest, CacheAndItsLimitNameWhatIsWrong) {
    expect_text(refusal("cache", "auto"), {"cache:", "'auto'"});
    expect_text(refusal("cache_limit", "2t"), {"cache_limit:", "'2t'", "64k"});
    set("cache_limit", "128k");
    EXPECT_EQ(shown("cache_limit"), "131072");
}

}  // namespace
}  // namespace tgt::store::test
