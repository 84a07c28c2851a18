// SPDX-License-Identifier: GPL-2.0-or-later
// A scripted initiator for LoginMachine tests. Text is written with '|' for NUL.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "driver/iscsi/login.h"

namespace tgt::iscsi {

constexpr const char* normal_names =
    "InitiatorName=iqn.i|TargetName=iqn.t|SessionType=Normal|AuthMethod=None,CHAP|";
constexpr const char* plain_names = "InitiatorName=iqn.i|TargetName=iqn.t|";

// CSG and NSG of a request, or of a response's flags.
constexpr uint8_t stay_security = 0x00;
constexpr uint8_t security_to_operational = 0x81;
constexpr uint8_t security_to_full = 0x83;
constexpr uint8_t stay_operational = 0x04;
constexpr uint8_t operational_to_full = 0x87;
constexpr uint8_t continued = 0x40;

inline bool counting_random(std::span<uint8_t> out) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(0x40 + i);
    return true;
}

struct Login {
    LoginMachine machine{counting_random};
    LoginPolicy policy;
    SessionGrant grant;
    wire::LoginRequestPdu request;
    bool saw_policy = false;
    bool saw_session = false;

    Login() {
        request.isid[0] = 0x40;
        request.isid[5] = 1;
        request.initiator_task_tag = 0x1234;
        request.cmd_sn = 100;
        request.exp_stat_sn = 500;
        grant.tsih = 7;
    }
    static std::string swap(std::string text, char from, char to) {
        for (char& c : text)
            if (c == from) c = to;
        return text;
    }
    // Sends one request and answers what the machine asks.
    LoginEvent say(uint8_t flags, const std::string& text = "") {
        request.flags = flags;
        LoginEvent event = machine.receive(request, swap(text, '|', '\0'));
        if (event == LoginEvent::need_policy) {
            saw_policy = true;
            event = machine.provide_policy(policy);
        }
        if (event == LoginEvent::need_session) {
            saw_session = true;
            event = machine.provide_session(grant);
        }
        return event;
    }
    std::string answer() const { return swap(machine.response_text(), '\0', '|'); }
    std::string find(const char* key) const {
        return std::string(TextKeys::parse(machine.response_text())->find(key).value_or("-"));
    }
    uint8_t flags() const { return machine.response().flags; }
    void expect_failed(LoginEvent event, wire::LoginStatus status) const {
        EXPECT_EQ(event, LoginEvent::failed);
        EXPECT_EQ(machine.status(), status) << machine.why();
        EXPECT_EQ(machine.response().status.get(), static_cast<uint16_t>(status));
        EXPECT_EQ(machine.response().flags & 0x80, 0) << "no transition with an error";
        EXPECT_FALSE(machine.why().empty());
    }
};

}  // namespace tgt::iscsi
