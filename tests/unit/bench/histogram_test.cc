// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/histogram.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>

namespace tgt::bench {
namespace {

TEST(Histogram, NothingRecordedHasNoPercentile) {
    EXPECT_EQ(Histogram().percentile(0.5), 0u);
}

TEST(Histogram, SmallValuesAreExact) {
    Histogram histogram;
    for (uint64_t value = 1; value <= 100; ++value) histogram.record(value);
    EXPECT_EQ(histogram.percentile(0), 1u);
    EXPECT_EQ(histogram.percentile(0.5), 50u);
    EXPECT_EQ(histogram.percentile(0.99), 99u);
    EXPECT_EQ(histogram.percentile(1), 100u);
    EXPECT_EQ(histogram.total(), 100u);
}

TEST(Histogram, LargeValuesAreAtMostOnePartIn64TooHigh) {
    for (uint64_t value = 128; value < uint64_t{1} << 62; value = value * 5 / 3) {
        Histogram histogram;
        histogram.record(value);
        histogram.record(std::numeric_limits<uint64_t>::max());  // so that max() does not help
        const uint64_t read = histogram.percentile(0.5);
        EXPECT_GE(read, value);
        EXPECT_LE(read, value + value / 64);
    }
}

TEST(Histogram, EveryValueHasAPlace) {
    Histogram histogram;
    for (unsigned bit = 0; bit < 64; ++bit) {
        histogram.record(uint64_t{1} << bit);
        histogram.record((uint64_t{1} << bit) - 1);
    }
    histogram.record(std::numeric_limits<uint64_t>::max());
    EXPECT_EQ(histogram.percentile(1), std::numeric_limits<uint64_t>::max());
}

TEST(Histogram, APercentileIsNeverAboveTheLargestValue) {
    Histogram histogram;
    histogram.record(1'000'003);
    EXPECT_EQ(histogram.percentile(0.5), 1'000'003u);
}

TEST(Histogram, OneSlowInAThousandShowsAboveThe999thOnly) {
    Histogram histogram;
    for (int i = 0; i < 999; ++i) histogram.record(10);
    histogram.record(100);
    EXPECT_EQ(histogram.percentile(0.999), 10u);
    EXPECT_EQ(histogram.percentile(0.9995), 100u);
}

TEST(Histogram, MergedIsWhatOneWouldHaveSeen) {
    Histogram one, other, whole;
    for (uint64_t value = 1; value < 100'000; value += 7) {
        (value % 2 == 0 ? one : other).record(value);
        whole.record(value);
    }
    one.merge(other);
    EXPECT_EQ(one.total(), whole.total());
    EXPECT_EQ(one.max(), whole.max());
    for (const double fraction : {0.1, 0.5, 0.9, 0.99, 0.999})
        EXPECT_EQ(one.percentile(fraction), whole.percentile(fraction));
}

}  // namespace
}  // namespace tgt::bench
