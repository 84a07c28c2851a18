// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/device/ssc/tape_bench.h"

#include <gtest/gtest.h>

namespace tgt::test {

void TapeBench::write_blocks(size_t count, uint32_t bytes) {
    for (size_t i = 0; i < count; ++i)
        ASSERT_TRUE(run(write_variable(bytes), pattern(bytes, uint8_t(i))).good());
}

void TapeBench::write_marks(uint32_t count) {
    ASSERT_TRUE(run(write_filemarks(count)).good());
}

uint64_t TapeBench::object() {
    const Answer answer = run(read_position(0x06));
    return answer.data.size() == 32 ? wire::load_be<8>(&answer.data[8]) : UINT64_MAX;
}

uint32_t TapeBench::partition() {
    const Answer answer = run(read_position(0x06));
    return answer.data.size() == 32 ? wire::load_be<4>(&answer.data[4]) : UINT32_MAX;
}

}  // namespace tgt::test
