// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/histogram.h"

#include <algorithm>
#include <cmath>

namespace tgt::bench {

uint64_t Histogram::last_of(size_t index) {
    if (index < 2 * steps) return index;
    const size_t shift = (index >> step_bits) - 1;
    const uint64_t first = static_cast<uint64_t>(index - (shift << step_bits)) << shift;
    return first + ((uint64_t{1} << shift) - 1);
}

void Histogram::merge(const Histogram& other) {
    for (size_t i = 0; i < size; ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
}

uint64_t Histogram::percentile(double fraction) const {
    if (total_ == 0) return 0;
    const auto wanted = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(total_)));
    uint64_t seen = 0;
    for (size_t i = 0; i < size; ++i) {
        seen += counts_[i];
        if (seen >= std::max<uint64_t>(wanted, 1)) return std::min(last_of(i), max_);
    }
    return max_;
}

}  // namespace tgt::bench
