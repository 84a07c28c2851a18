// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "tests/bench/options.h"

namespace tgt::bench {

// What a login has agreed on, in the words of RFC 7143 chapter 13, and the numbers it leaves.
struct Agreed {
    bool header_digest = false;
    bool data_digest = false;
    bool initial_r2t = true;
    bool immediate_data = true;
    uint32_t first_burst = 65536;
    uint32_t max_burst = 262144;
    uint32_t target_max_segment = 8192;  // the target's MaxRecvDataSegmentLength
    uint32_t cmd_sn = 0;                 // of the next command
    uint32_t exp_stat_sn = 0;
    uint32_t max_cmd_sn = 0;
};

// Logs in on a connected, blocking socket. `index` makes the session's ISID different from the
// others'.
Result<Agreed> log_in(int fd, const Options& options, unsigned index);

}  // namespace tgt::bench
