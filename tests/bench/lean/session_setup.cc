// SPDX-License-Identifier: GPL-2.0-or-later
// What a session does before and after the load.
#include "tests/bench/cpu_clock.h"
#include "tests/bench/lean/session.h"

namespace tgt::bench {

namespace {

using wire::Opcode;

constexpr uint64_t answer_limit_ns = 30'000'000'000;

}  // namespace

// --------------------------------------------------------------------

Result<void> Session::run_until(const bool& done) {
    Tally ignored;
    Input input(1u << 16);
    const uint64_t limit = now_ns() + answer_limit_ns;
    while (!done) {
        if (now_ns() > limit) return fail(ETIMEDOUT, "the target does not answer");
        if (auto sent = flush(); !sent) return sent;
        if (auto received = receive(input, true, ignored); !received) return received;
    }
    return {};
}

Result<Session::Reply> Session::execute(std::span<const uint8_t> cdb, uint32_t length) {
    reply_ = Reply{};
    const uint32_t tag = take_slot();
    slots_[tag].control = true;
    slots_[tag].length = length;
    start(tag, cdb, false);
    if (auto ran = run_until(reply_.done); !ran) return tl::unexpected(ran.error());
    return std::move(reply_);
}

Result<Geometry> Session::prepare() {
    constexpr uint8_t test_unit_ready[6] = {};
    constexpr int attempts = 32;  // more unit attentions than any target queues
    for (int i = 0;; ++i) {
        const auto reply = execute(test_unit_ready, 0);
        if (!reply) return tl::unexpected(reply.error());
        if (reply->status == 0) break;
        if (i == attempts) return fail(ENODEV, "the logical unit does not become ready");
    }
    uint8_t read_capacity[16] = {0x9e, 0x10};  // READ CAPACITY(16)
    read_capacity[13] = 32;
    const auto reply = execute(read_capacity, 32);
    if (!reply) return tl::unexpected(reply.error());
    if (reply->status != 0 || reply->data.size() < 12)
        return fail(ENODEV, "the logical unit does not say how large it is");
    Geometry geometry{wire::load_be<8>(reply->data.data()) + 1,
                      wire::load_be<4>(reply->data.data() + 8)};
    set_geometry(geometry);
    return geometry;
}

Result<void> Session::fill(const Geometry& geometry) {
    Workload workload = Workload::filling(options_, geometry);
    Tally tally;
    Input input(1u << 16);
    while (workload.more() || !idle()) {
        fill_up(workload, now_ns());
        if (auto sent = flush(); !sent) return sent;
        if (auto received = receive(input, true, tally); !received) return received;
        if (tally.errors != 0) return fail(EIO, tally.first_error);
    }
    return {};
}

void Session::log_out() {
    if (!idle()) return;
    wire::LogoutRequestPdu request;
    request.opcode_byte =
        static_cast<uint8_t>(Opcode::logout_request) | wire::OpcodeImmediate::mask;
    request.reason_byte = wire::FinalFlag::mask;
    request.initiator_task_tag = 0;
    request.cmd_sn = agreed_.cmd_sn;
    request.exp_stat_sn = agreed_.exp_stat_sn;
    append(wire::bytes_of(request), {});
    (void)run_until(logged_out_);
}

}  // namespace tgt::bench
