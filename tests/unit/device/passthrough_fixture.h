// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include "device/passthrough/passthrough.h"
#include "tests/unit/device/fake_port.h"
#include "tests/unit/scsi/engine_bench.h"

namespace tgt::test {

// A pass-through LUN 1 with four threads, on a FakePort that says GOOD.
class PassthroughTest : public testing::Test {
  protected:
    PassthroughTest() {
        port.answer(good_reply());
        bench.store->port = &port;
    }
    ~PassthroughTest() override { port.open(); }

    static Bench::Send in(uint64_t expected) {
        Bench::Send send;
        send.expected_in = expected;
        return send;
    }
    static Bench::Send out(std::vector<uint8_t> data) {
        Bench::Send send = in(0);
        send.data = std::move(data);
        return send;
    }
    static Bench::Send tagged(uint64_t tag) {
        Bench::Send send = in(0);
        send.tag = tag;
        return send;
    }
    // To its end, which comes from a thread of the pool.
    Answer run(std::vector<uint8_t> cdb, Bench::Send send = in(0)) {
        cdb.resize(std::max<size_t>(cdb.size(), 16));  // as iSCSI has them
        auto command = bench.start(std::move(cdb), std::move(send));
        bench.await_jobs();
        return command->wait();
    }
    Answer run_answered(store::ScsiReply reply, Bench::Send send = in(0)) {
        port.answer(std::move(reply));
        return run({0x28}, std::move(send));
    }

    FakePort port;
    Bench bench{1, {}, passthrough::passthrough};
};

}  // namespace tgt::test
