// SPDX-License-Identifier: GPL-2.0-or-later
// No flush and no durable write answers success for data whose write-back failed, whichever call
// the system told. Calls that run at once are calls inside calls here, so that their order is
// certain.
#include "store/posix/durable.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

namespace tgt::store::posix {
namespace {

// Write-back errors as Linux keeps them: each open file description is told the last one once; one
// that is opened when it was already told to another is not.
class Model : public DurableSystem {
  public:
    Model() { descriptions_[main()] = 0; }
    int main() const { return main_.get(); }

    UniqueFd reopen(int) const override {
        if (refuses) return UniqueFd();
        UniqueFd fd(open("/dev/null", O_RDWR | O_CLOEXEC));
        descriptions_[fd.get()] = seen_ ? errors_ : errors_ - 1;
        ++opened;
        return fd;
    }
    int untold_error(int fd) const override { return says ? tell(fd) : 0; }
    io::TimePoint now() const override { return time; }

    void fail(int error) {
        ++errors_;
        error_ = error;
        seen_ = false;
    }
    int flush(int fd) const { return tell(fd); }

    io::TimePoint time{std::chrono::hours(1)};
    bool says = true;      // the file system tells without a flush
    bool refuses = false;  // no more descriptors
    mutable int opened = 0;

  private:
    int tell(int fd) const {
        uint64_t told = std::exchange(descriptions_[fd], errors_);
        if (told == errors_) return 0;
        seen_ = true;
        return error_;
    }
    UniqueFd main_{open("/dev/null", O_RDWR | O_CLOEXEC)};
    mutable std::map<int, uint64_t> descriptions_;  // how many errors each was told
    mutable bool seen_ = true;
    uint64_t errors_ = 0;
    int error_ = 0;
};

class DurableTest : public testing::Test {
  protected:
    int flush() {
        return calls_.flush([this](int fd) { return model_.flush(fd); });
    }
    void pass(io::Duration time) { model_.time += time; }

    Model model_;
    DurableCalls calls_{model_.main(), model_};
};

// The system without us: why all this is here.
TEST_F(DurableTest, ModelTellsADescriptionOnce) {
    UniqueFd second = model_.reopen(0);
    model_.fail(EIO);
    EXPECT_EQ(model_.flush(second.get()), EIO);
    EXPECT_EQ(model_.flush(second.get()), 0);
    EXPECT_EQ(model_.flush(model_.reopen(0).get()), 0) << "opened after it was told";
    EXPECT_EQ(model_.flush(model_.main()), EIO);
}

TEST_F(DurableTest, FlushesThatRunAtOnceAllFail) {
    for (bool says : {true, false}) {
        model_.says = says;
        pass(std::chrono::hours(1));
        int inner = 0;
        int outer = calls_.flush([&](int fd) {
            inner = calls_.flush([&](int other) {
                EXPECT_NE(other, fd);
                model_.fail(EIO);
                return model_.flush(other);
            });
            return model_.flush(fd);
        });
        EXPECT_EQ(inner, EIO);
        EXPECT_EQ(outer, EIO);
    }
}

TEST_F(DurableTest, FlushFailsWhenAnotherWasToldWhileItRan) {
    model_.says = false;
    int outer = calls_.flush([&](int) {
        model_.fail(EIO);
        EXPECT_EQ(flush(), EIO);
        return 0;
    });
    EXPECT_EQ(outer, EIO);
}

TEST_F(DurableTest, DescriptorOpenedAfterTheErrorWasTakenKnowsOfIt) {
    int late = 0;
    EXPECT_EQ(calls_.flush([&](int fd) {
        model_.fail(EIO);
        int error = model_.flush(fd);
        late = calls_.flush([&](int fresh) {
            EXPECT_EQ(model_.flush(fresh), 0) << "the system does not tell it";
            return 0;
        });
        return error;
    }),
              EIO);
    EXPECT_EQ(late, EIO);
}

TEST_F(DurableTest, FlushSoonAfterAnErrorFails) {
    model_.fail(ENOSPC);
    EXPECT_EQ(flush(), ENOSPC);
    pass(DurableCalls::aftermath - std::chrono::milliseconds(1));
    EXPECT_EQ(flush(), ENOSPC) << "before the owner can have acted";
    pass(std::chrono::milliseconds(2));
    EXPECT_EQ(flush(), 0);
}

TEST_F(DurableTest, OldErrorIsNotToldAgainByAnotherDescriptor) {
    auto both = [&] {
        int inner = 0;
        int outer = calls_.flush([&](int fd) {
            inner = flush();
            return model_.flush(fd);
        });
        return std::pair(outer, inner);
    };
    EXPECT_EQ(both(), std::pair(0, 0)) << "two descriptors idle now";
    model_.fail(EIO);
    EXPECT_EQ(flush(), EIO);
    pass(DurableCalls::aftermath);
    EXPECT_EQ(both(), std::pair(0, 0));
    model_.fail(EIO);
    EXPECT_EQ(both(), std::pair(EIO, EIO)) << "a new one is";
}

TEST_F(DurableTest, WriteThatFailsByItselfLeavesOthersAlone) {
    int outer = calls_.flush([&](int fd) {
        EXPECT_EQ(calls_.write([](int) { return EIO; }), EIO);
        return model_.flush(fd);
    });
    EXPECT_EQ(outer, 0);
    EXPECT_EQ(flush(), 0);
}

TEST_F(DurableTest, WriteThatTakesAWriteBackErrorTellsFlushes) {
    int outer = calls_.flush([&](int) {
        model_.fail(EIO);
        EXPECT_EQ(calls_.write([&](int fd) { return model_.flush(fd); }), EIO);
        return 0;
    });
    EXPECT_EQ(outer, EIO);
    EXPECT_EQ(flush(), EIO);
}

TEST_F(DurableTest, ErrorFromBeforeTheFirstFlushIsTold) {
    model_.fail(EIO);
    model_.flush(model_.reopen(0).get());
    EXPECT_EQ(flush(), EIO) << "another program took it";
}

TEST_F(DurableTest, DescriptorsAreOpenedAsCallsNeedThemAndUsedAgain) {
    EXPECT_EQ(model_.opened, 0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(flush(), 0);
    EXPECT_EQ(model_.opened, 1);
    calls_.flush([&](int) { return flush(); });
    EXPECT_EQ(model_.opened, 2);
    calls_.flush([&](int) { return flush(); });
    EXPECT_EQ(model_.opened, 2);
}

TEST_F(DurableTest, WithoutDescriptorsCallsUseTheMainOneInTurn) {
    model_.refuses = true;
    std::atomic<int> inside{0};
    auto use = [&] {
        for (int i = 0; i < 200; ++i)
            EXPECT_EQ(calls_.flush([&](int fd) {
                EXPECT_EQ(fd, model_.main());
                EXPECT_EQ(++inside, 1);
                std::this_thread::yield();
                --inside;
                return 0;
            }),
                      0);
    };
    std::thread other(use);
    use();
    other.join();
}

TEST_F(DurableTest, WriteOnTheMainDescriptorTellsTheErrorItTook) {
    model_.refuses = true;
    model_.fail(EIO);
    EXPECT_EQ(calls_.write([&](int fd) { return model_.flush(fd); }), EIO);
    EXPECT_EQ(flush(), EIO);
}

TEST(DurableSystem, ReopensTheSameObjectWhereverItsNameHasGone) {
    char path[] = "/var/tmp/tgt-durable-XXXXXX";
    UniqueFd fd(mkostemp(path, O_CLOEXEC));
    ASSERT_TRUE(fd);
    unlink(path);
    UniqueFd other = durable_system().reopen(fd.get());
    ASSERT_TRUE(other);
    ASSERT_EQ(pwrite(other.get(), "x", 1, 0), 1);
    char byte = 0;
    EXPECT_EQ(pread(fd.get(), &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'x');
    EXPECT_EQ(durable_system().untold_error(fd.get()), 0);
}

TEST(DurableSystem, RefusedReopeningIsNoDescriptor) {
    EXPECT_FALSE(durable_system().reopen(-1));
}

}  // namespace
}  // namespace tgt::store::posix
