// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/vpd.h"

#include <string_view>

#include "device/ssc/alerts.h"
#include "scsi/command.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using scsi::Command;
using scsi::LunState;

void append(VpdBody& body, std::string_view text) {
    body.insert(body.end(), text.begin(), text.end());
}

// SSC-5 8.5.6
void append_method(VpdBody& body, Protection method) {
    constexpr uint8_t length = 7, crc_bytes = 4, lbp_w = 0x80, lbp_r = 0x40;
    const bool any = method != Protection::none;
    body.push_back(length);
    body.push_back(uint8_t(method));
    body.push_back(any ? crc_bytes : 0);
    body.push_back(any ? lbp_w | lbp_r : 0);
    body.resize(body.size() + 4);
}

template <void (*append_page)(const LunState&, VpdBody&)>
void build(const Command& command, VpdBody& body) {
    append_page(command.state(), body);
}

}  // namespace

// SPC-4 7.8.7: task attributes; SPT=001b of a tape: logical block protection.
void append_extended_inquiry(const LunState& state, VpdBody& body) {
    constexpr uint8_t spt_protection = 0x08, headsup_ordsup_simpsup = 0x07;
    const size_t start = body.size();
    body.resize(start + 60);
    if (personality_of(state).reed_solomon) body[start] = spt_protection;
    body[start + 1] = headsup_ordsup_simpsup;
}

void append_capabilities(const LunState& state, VpdBody& body) {
    constexpr uint8_t worm = 0x01;
    body.push_back(personality_of(state).worm ? worm : 0);
    body.push_back(0);
}

void append_serial_number(const LunState& state, VpdBody& body) {
    append(body, state.identity.scsi_sn);
}

void append_supported_alerts(const LunState&, VpdBody& body) {
    const size_t start = body.size();
    body.resize(start + 8);
    wire::store_be<8>(&body[start], shown_alerts(supported_alerts));
}

// SSC-5 8.5.5: blanks when there is none to tell.
void append_automation_serial(const LunState&, VpdBody& body) {
    append(body, "            ");
}

void append_block_protection(const LunState& state, VpdBody& body) {
    const Personality& drive = personality_of(state);
    body.resize(body.size() + 4);
    for (Protection method : {Protection::none, Protection::reed_solomon, Protection::crc32c})
        if (drive.protects(method)) append_method(body, method);
}

const std::array<scsi::VpdPage, 6> vpd_pages = {{
    {0x86, build<append_extended_inquiry>},
    {0xb0, build<append_capabilities>},
    {0xb1, build<append_serial_number>},
    {0xb2, build<append_supported_alerts>},
    {0xb3, build<append_automation_serial>},
    {0xb5, build<append_block_protection>},
}};

}  // namespace tgt::ssc
