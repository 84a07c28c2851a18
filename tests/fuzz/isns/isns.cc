// SPDX-License-Identifier: GPL-2.0-or-later
// An iSNS client whose server sends anything. The first byte says how the bytes are cut into
// receives; of each message the transaction is brought near to those that the client waits for.
// Messages that are requests are answered, and the answer must be an iSNSP message, too.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "mgmt/isns_agent.h"

using namespace tgt;
using namespace tgt::mgmt;

namespace {

constexpr size_t max_message = 1 << 20;

void check(std::span<const uint8_t> bytes) {
    std::vector<IsnsMessage> out;
    if (!IsnsAssembler(max_message).feed(bytes, out)) abort();
}

void answer(const IsnsMessage& message, IsnsAgent& agent, io::TimePoint now) {
    const auto answered = isns_requests::answer(message);
    check(answered.bytes);
    if (answered.changed) agent.noticed(*answered.changed, now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const size_t piece = data[0] == 0 ? size : data[0];
    const std::span<const uint8_t> all(data + 1, size - 1);
    io::TimePoint now{};
    IsnsAgent agent;
    const auto local = *SocketAddress::parse("10.0.0.1", 3260);
    agent.set_inventory({{local}, {"iqn.t:1", "iqn.t:2"}}, now);
    agent.connected(local, 4000, now);
    IsnsAssembler assembler(max_message);
    uint16_t transaction = 0;
    for (size_t at = 0; at < all.size(); at += piece) {
        std::vector<IsnsMessage> messages;
        const bool good =
            bool(assembler.feed(all.subspan(at, std::min(piece, all.size() - at)), messages));
        for (IsnsMessage& message : messages) {
            check(agent.take_output());
            if (!message.response()) {
                answer(message, agent, now);
                continue;
            }
            if (message.transaction < 4) message.transaction = ++transaction;
            agent.received(message, now);
            now += std::chrono::seconds(message.transaction % 7);
            agent.tick(now);
        }
        if (!good || !agent.broken().empty()) agent.connected(local, 4000, now);
    }
    check(agent.take_output());
    agent.leave(now);
    check(agent.take_output());
    return 0;
}
