// SPDX-License-Identifier: GPL-2.0-or-later
// A login from hostile requests. The input is cut at '\n' into requests: the first byte of each is
// the flags, the rest is text ('|' stands for NUL). The very first byte chooses the policy.
//
// Checked besides memory: with accounts nobody is let in, because the input cannot know the secret;
// every answer is well-formed text of bounded size; a login ends.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "driver/iscsi/login.h"

using namespace tgt;
using namespace tgt::iscsi;

namespace {

bool fixed_random(std::span<uint8_t> out) {
    std::fill(out.begin(), out.end(), uint8_t{0x5a});
    return true;
}

void check(bool good) {
    if (!good) abort();
}

LoginPolicy make_policy(uint8_t choice) {
    LoginPolicy policy;
    if ((choice & 1) != 0) policy.incoming = {{"alice", "a secret that is not in the input"}};
    if ((choice & 2) != 0) policy.outgoing = ChapAccount{"target", "another secret, nor this"};
    if ((choice & 4) != 0) (void)policy.parameters.update("MaxBurstLength", "4096");
    if ((choice & 8) != 0) (void)policy.parameters.update("HeaderDigest", "CRC32C,None");
    policy.rdma = (choice & 16) != 0;
    if ((choice & 0xe0) == 0xe0) {
        policy.status = wire::LoginStatus::moved_permanently;
        policy.target_address = "192.0.2.1:3260";
    }
    return policy;
}

// Feeds one request; false when the login is over.
bool step(LoginMachine& machine, uint8_t choice, uint8_t flags, std::string text) {
    std::replace(text.begin(), text.end(), '|', '\0');
    wire::LoginRequestPdu request;
    request.isid[0] = 0x40;
    request.flags = flags;
    LoginEvent event = machine.receive(request, text);
    if (event == LoginEvent::need_policy) event = machine.provide_policy(make_policy(choice));
    if (event == LoginEvent::need_session) {
        check((choice & 1) == 0 || !machine.user().empty());
        SessionGrant grant;
        grant.tsih = 1;
        event = machine.provide_session(grant);
    }
    check(machine.response_text().size() <= standard_max_recv);
    check(machine.response().data_segment_length.get() == machine.response_text().size());
    if (event == LoginEvent::established) {
        check((choice & 1) == 0);
        const Parameters& values = machine.result().values;
        check(values.get(ParamId::first_burst_length) <= values.get(ParamId::max_burst_length));
        check(machine.result().send_limit >= 512 && machine.result().receive_limit >= 512);
    }
    return event == LoginEvent::send_response || event == LoginEvent::need_more;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const uint8_t choice = data[0];
    std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    LoginMachine machine(fixed_random);
    while (!input.empty()) {
        const size_t end = std::min(input.find('\n'), input.size());
        const std::string_view line = input.substr(0, end);
        input.remove_prefix(std::min(end + 1, input.size()));
        if (line.empty()) continue;
        if (!step(machine, choice, static_cast<uint8_t>(line[0]), std::string(line.substr(1))))
            return 0;
    }
    return 0;
}
