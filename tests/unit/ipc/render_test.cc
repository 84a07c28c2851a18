// SPDX-License-Identifier: GPL-2.0-or-later
// The expected texts are what tgt 1.0.97 printed, blanks included: scripts parse them.
#include "ipc/admin/render.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tgt::ipc {
namespace {

using Json = nlohmann::json;

const Json none = Json::object();

Json system_result() {
    return Json::parse(R"({
        "state": "ready", "debug": false,
        "llds": [{"name": "iscsi", "state": "ready"}],
        "backing_stores": [{"name": "null", "flags": ""}, {"name": "rdwr", "flags": "sync:direct"}],
        "device_types": ["disk", "cd/dvd", "controller"],
        "accounts": {"incoming": [], "outgoing": []},
        "isns": {"enabled": false, "server_ip": "", "server_port": 3205, "access_control": false},
        "version": "2.0.0", "workers": 2})");
}

TEST(RenderSystemShow, without_accounts) {
    EXPECT_EQ(render("system.show", none, system_result()),
              "System:\n"
              "    State: ready\n"
              "    debug: off\n"
              "LLDs:\n"
              "    iscsi: ready\n"
              "Backing stores:\n"
              "    null\n"
              "    rdwr (bsoflags sync:direct)\n"
              "Device types:\n"
              "    disk\n"
              "    cd/dvd\n"
              "    controller\n"
              "iSNS:\n"
              "    iSNS=Off\n"
              "    iSNSServerIP=\n"
              "    iSNSServerPort=3205\n"
              "    iSNSAccessControl=Off\n");
}

TEST(RenderSystemShow, accounts_come_indented_behind_an_empty_line) {
    Json result = system_result();
    result["accounts"] = {{"incoming", {"disc"}}, {"outgoing", {"out"}}};
    result["state"] = "offline";
    result["debug"] = true;
    result["isns"] = {{"enabled", true},
                      {"server_ip", "10.0.0.1"},
                      {"server_port", 99},
                      {"access_control", true}};
    const std::string text = render("system.show", none, result);
    EXPECT_NE(text.find("    State: offline\n    debug: on\n"), std::string::npos);
    EXPECT_NE(text.find("    controller\n"
                        "    Account information:\n"
                        "\n"
                        "    disc\n"
                        "    out (outgoing)\n"
                        "iSNS:\n"
                        "    iSNS=On\n"
                        "    iSNSServerIP=10.0.0.1\n"
                        "    iSNSServerPort=99\n"
                        "    iSNSAccessControl=On\n"),
              std::string::npos)
        << text;
}

TEST(RenderSystemShow, an_outgoing_account_alone_is_not_listed) {
    Json result = system_result();
    const std::string without = render("system.show", none, result);
    result["accounts"]["outgoing"] = {"out"};
    EXPECT_EQ(render("system.show", none, result), without);
}

Json target_result() {
    return Json::parse(R"({"targets": [{
        "tid": 1, "name": "iqn.2001-04.test:inv", "lld": "iscsi", "state": "ready",
        "nop_interval": 5, "nop_count": 3,
        "nexuses": [{"id": 1776, "initiator": "iqn.2010-11.libiscsi:iscsi-perf", "alias": null,
                     "connections": [{"cid": 0, "address": "127.0.0.1"}]}],
        "luns": [
          {"lun": 0, "type": "controller", "scsi_id": "IET     00010000", "scsi_sn": "beaf10",
           "size_bytes": 0, "block_size": 1, "online": true, "removable": false,
           "prevent_removal": false, "readonly": false, "swp": false, "thin_provisioning": false,
           "store": {"type": "null", "path": null, "flags": ""}, "unused_bytes": 0},
          {"lun": 1, "type": "disk", "scsi_id": "IET     00010001", "scsi_sn": "beaf11",
           "size_bytes": 104857600, "block_size": 512, "online": true, "removable": false,
           "prevent_removal": false, "readonly": false, "swp": false, "thin_provisioning": true,
           "store": {"type": "rdwr", "path": "/srv/tgt/disk.img", "flags": "sync:direct"}}],
        "accounts": {"incoming": ["alice"], "outgoing": ["tgtuser"]},
        "acl": {"addresses": ["10.0.0.0/8"], "initiators": ["iqn.1993-08.org.debian:01:abc"]}}]})");
}

TEST(RenderTargetShow, all_targets) {
    EXPECT_EQ(render("target.show", none, target_result()),
              "Target 1: iqn.2001-04.test:inv\n"
              "    System information:\n"
              "        Driver: iscsi\n"
              "        State: ready\n"
              "        Nop interval: 5\n"
              "        Nop count: 3\n"
              "    I_T nexus information:\n"
              "        I_T nexus: 1776\n"
              "            Initiator: iqn.2010-11.libiscsi:iscsi-perf alias: none\n"
              "            Connection: 0\n"
              "                IP Address: 127.0.0.1\n"
              "    LUN information:\n"
              "        LUN: 0\n"
              "            Type: controller\n"
              "            SCSI ID: IET     00010000\n"
              "            SCSI SN: beaf10\n"
              "            Size: 0 MB, Block size: 1\n"
              "            Online: Yes\n"
              "            Removable media: No\n"
              "            Prevent removal: No\n"
              "            Readonly: No\n"
              "            SWP: No\n"
              "            Thin-provisioning: No\n"
              "            Backing store type: null\n"
              "            Backing store path: None\n"
              "            Backing store flags: \n"
              "        LUN: 1\n"
              "            Type: disk\n"
              "            SCSI ID: IET     00010001\n"
              "            SCSI SN: beaf11\n"
              "            Size: 105 MB, Block size: 512\n"
              "            Online: Yes\n"
              "            Removable media: No\n"
              "            Prevent removal: No\n"
              "            Readonly: No\n"
              "            SWP: No\n"
              "            Thin-provisioning: Yes\n"
              "            Backing store type: rdwr\n"
              "            Backing store path: /srv/tgt/disk.img\n"
              "            Backing store flags: sync:direct\n"
              "    Account information:\n"
              "        alice\n"
              "        tgtuser (outgoing)\n"
              "    ACL information:\n"
              "        10.0.0.0/8\n"
              "        iqn.1993-08.org.debian:01:abc\n");
}

TEST(RenderTargetShow, nop_lines_need_iscsi_and_an_interval) {
    Json result = target_result();
    result["targets"][0]["nop_interval"] = 0;
    EXPECT_EQ(render("target.show", none, result).find("Nop"), std::string::npos);
    result["targets"][0]["nop_interval"] = 5;
    result["targets"][0]["lld"] = "iser";
    EXPECT_EQ(render("target.show", none, result).find("Nop"), std::string::npos);
}

TEST(RenderTargetShow, iser_says_rdma_and_other_drivers_have_no_accounts) {
    Json result = target_result();
    result["targets"][0]["lld"] = "iser";
    std::string text = render("target.show", none, result);
    EXPECT_NE(text.find("                RDMA IP Address: 127.0.0.1\n"), std::string::npos);
    EXPECT_NE(text.find("    Account information:\n"), std::string::npos);
    result["targets"][0]["lld"] = "fcoe";
    EXPECT_EQ(render("target.show", none, result).find("Account information"), std::string::npos);
}

TEST(RenderTargetShow, an_alias_cannot_forge_lines) {
    Json result = target_result();
    result["targets"][0]["nexuses"][0]["alias"] = "x\nTarget 2: y";
    EXPECT_NE(render("target.show", none, result).find(" alias: x?Target 2: y\n"),
              std::string::npos);
}

Json parameters() {
    return Json::parse(R"({"tid": 1, "parameters": [{"name": "nop_interval", "value": "5"},
        {"name": "MaxQueueCmd", "value": "128"}], "redirect": null})");
}

TEST(RenderTargetShow, parameters_of_one_target) {
    EXPECT_EQ(render("target.show", {{"tid", 1}}, parameters()),
              "nop_interval=5\nMaxQueueCmd=128\n");
}

TEST(RenderTargetShow, a_redirection_hides_the_parameters) {
    Json result = parameters();
    result["redirect"] = {
        {"address", "10.0.0.9"}, {"port", "3260"}, {"reason", "Temporary"}, {"callback", ""}};
    EXPECT_EQ(render("target.show", {{"tid", 1}}, result),
              "RedirectAddress=10.0.0.9\nRedirectPort=3260\nRedirectReason=Temporary\n");
    result["redirect"]["reason"] = "";
    result["redirect"]["port"] = "";
    EXPECT_EQ(render("target.show", {{"tid", 1}}, result),
              "RedirectAddress=10.0.0.9\nRedirectPort=\nRedirectReason=Unknown\n");
    result["redirect"]["callback"] = "/path/prog";
    EXPECT_EQ(render("target.show", {{"tid", 1}}, result), "RedirectCallback=/path/prog\n");
}

TEST(RenderSize, decimal_megabytes_by_tgts_formula) {
    EXPECT_EQ(display_megabytes(0), 0u);
    EXPECT_EQ(display_megabytes(10ull << 20), 10u);
    EXPECT_EQ(display_megabytes(100ull << 20), 105u);
    EXPECT_EQ(display_megabytes(1ull << 40), 1099512u);
}

TEST(RenderPortalShow, one_line_each) {
    const Json result = Json::parse(R"({"portals": [
        {"address": "[::1]:3378", "tpgt": 1, "state": "listening", "reason": ""},
        {"address": "127.0.0.1:3377", "tpgt": 1, "state": "failed", "reason": "in use"}]})");
    EXPECT_EQ(render("portal.show", none, result),
              "Portal: [::1]:3378,1\nPortal: 127.0.0.1:3377,1 (failed)\n");
}

TEST(RenderAccountShow, nothing_at_all_without_accounts) {
    EXPECT_EQ(render("account.show", none, {{"accounts", {"tgtuser", "alice"}}}),
              "Account list:\n    tgtuser\n    alice\n");
    EXPECT_EQ(render("account.show", none, {{"accounts", Json::array()}}), "");
}

TEST(RenderConnectionShow, sessions_with_their_connections) {
    const Json result = Json::parse(R"({"sessions": [{"id": 1776, "connections": [
        {"cid": 0, "initiator": "iqn.2010-11.libiscsi:iscsi-perf", "address": "127.0.0.1"}]}]})");
    EXPECT_EQ(render("connection.show", {{"tid", 1}}, result),
              "Session: 1776\n"
              "    Connection: 0\n"
              "        Initiator: iqn.2010-11.libiscsi:iscsi-perf\n"
              "        IP Address: 127.0.0.1\n");
}

TEST(RenderLldShow, drivers_with_their_targets) {
    const Json result = Json::parse(R"({"llds": [{"name": "iscsi", "state": "ready",
        "targets": [{"tid": 1, "name": "iqn.2001-04.test:inv"}]}]})");
    EXPECT_EQ(render("lld.show", none, result),
              "LLDs:\n    iscsi: ready\n        Target 1: iqn.2001-04.test:inv\n");
}

Json stat_result() {
    return Json::parse(R"({"rows": [{"tid": 1, "lun": 1, "sid": 1776,
        "rd_subm_bytes": 202649632, "rd_subm_cmds": 49476,
        "rd_done_bytes": 202649632, "rd_done_cmds": 49476,
        "wr_subm_bytes": 0, "wr_subm_cmds": 0, "wr_done_bytes": 0, "wr_done_cmds": 0, "errs": 1}],
        "connections": [{"sid": 1776, "cid": 0, "rxdata_octets": 2382032,
        "txdata_octets": 205584384, "dataout_pdus": 0, "datain_pdus": 0, "cmd_pdus": 49616,
        "rsp_pdus": 0}]})");
}

const char* const stat_text =
    "tgt lun sid rd_subm(bytes,cmds) rd_done(bytes,cmds) wr_subm(bytes,cmds) "
    "wr_done(bytes,cmds) errs\n"
    "  1   1 1776    202649632  49476    202649632  49476            0      0            0      0 "
    "   1\n";
const char* const connection_text =
    "sid cid rxdata_octets txdata_octets dataout_pdus datain_pdus cmd_pdus rsp_pdus\n"
    "1776   0       2382032     205584384            0           0    49616        0\n";

TEST(RenderStat, rows_of_system_target_and_logical_unit) {
    for (const char* method : {"system.stat", "target.stat", "logicalunit.stat"})
        EXPECT_EQ(render(method, none, stat_result()), stat_text) << method;
}

TEST(RenderStat, a_session_has_both_tables_and_an_empty_line_between) {
    EXPECT_EQ(render("session.stat", none, stat_result()),
              std::string(stat_text) + "\n" + connection_text);
    EXPECT_EQ(render("connection.stat", none, stat_result()), connection_text);
}

TEST(RenderStat, the_header_is_printed_without_rows) {
    const std::string text = render("system.stat", none, {{"rows", Json::array()}});
    EXPECT_EQ(text, std::string(stat_text).substr(0, text.size()));
    EXPECT_EQ(text.back(), '\n');
}

TEST(Render, verbs_that_change_something_print_nothing) {
    EXPECT_EQ(render("target.new", none, {{"warnings", {"x"}}}), "");
}

TEST(Render, results_of_the_wrong_shape_do_no_harm) {
    const Json shapes[] = {Json(),
                           Json(1),
                           Json::array({1, "x"}),
                           {{"targets", 5}},
                           {{"targets", {1, "x", Json::array()}}},
                           {{"rows", {Json()}}},
                           {{"llds", "x"}, {"state", 5}, {"isns", Json::array()}}};
    for (const Json& shape : shapes)
        for (const char* method : {"system.show", "target.show", "portal.show", "account.show",
                                   "connection.show", "lld.show", "system.stat", "session.stat"})
            EXPECT_NO_THROW(render(method, shape, shape)) << method << shape;
}

}  // namespace
}  // namespace tgt::ipc
