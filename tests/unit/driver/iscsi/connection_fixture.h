// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include "tests/unit/driver/iscsi/session_bench.h"

namespace tgt::iscsi {

using namespace std::chrono_literals;
using test::pattern;
using test::Peer;
using test::read10;
using test::Reply;
using test::SessionBench;
using test::tur;
using test::write10;
using wire::Opcode;
constexpr auto abort_task = wire::TaskFunction::abort_task;

// A peer that is logged in to a target with one LUN, its unit attentions taken.
class ConnectionTest : public testing::Test {
  protected:
    void SetUp() override { open(); }
    void open(const std::string& keys = "") {
        peer_ = bench_.connect();
        ASSERT_TRUE(peer_->login(keys));
        if (Session* session = bench_.session(peer_->tsih); session && session->nexus())
            session->nexus()->find(1)->attentions.clear_all();
    }
    wire::NopOutPdu nop(uint32_t tag) {
        wire::NopOutPdu pdu;
        pdu.opcode_byte = 0x40;
        pdu.initiator_task_tag = tag;
        pdu.target_transfer_tag = wire::reserved_tag;
        pdu.cmd_sn = peer_->cmd_sn;
        return pdu;
    }
    wire::TaskManagementRequestPdu manage(wire::TaskFunction function, uint32_t tag,
                                          uint32_t task = wire::reserved_tag) {
        wire::TaskManagementRequestPdu pdu;
        pdu.opcode_byte = 0x42;
        pdu.function_byte = uint8_t(0x80 | uint8_t(function));
        pdu.lun[1] = 1;
        pdu.initiator_task_tag = tag;
        pdu.referenced_task_tag = task;
        pdu.cmd_sn = peer_->cmd_sn;
        return pdu;
    }
    wire::TextRequestPdu text(uint32_t tag) {
        wire::TextRequestPdu pdu;
        pdu.opcode_byte = 0x44;
        pdu.flags = 0x80;
        pdu.initiator_task_tag = tag;
        pdu.target_transfer_tag = wire::reserved_tag;
        pdu.cmd_sn = peer_->cmd_sn;
        return pdu;
    }
    void begin_hung() {
        bench_.scsi.store->cancellable = false;
        bench_.scsi.store->hold(true);
    }
    void let_go() {
        bench_.scsi.store->hold(false);
        bench_.scsi.store->release_held();
        bench_.scsi.settle();
    }
    SessionBench bench_;
    std::unique_ptr<Peer> peer_;
};

}  // namespace tgt::iscsi
