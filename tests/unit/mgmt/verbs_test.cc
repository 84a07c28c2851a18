// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/verbs.h"

#include "tests/unit/mgmt/registry_fixture.h"

namespace tgt::mgmt {
namespace {

using test::Json;
using test::RegistryTest;

class VerbsTest : public RegistryTest {};

Json pairs(std::initializer_list<std::pair<const char*, std::string>> list) {
    Json out = Json::array();
    for (const auto& [name, value] : list) out.push_back(Json::array({name, value}));
    return out;
}

TEST_F(VerbsTest, MissingAndUnwantedKeysAreInvalidRequests) {
    make_target();
    for (const VerbRow& row : verb_table()) {
        const std::string method = ipc::method_of(row.mode, row.op);
        EXPECT_EQ(code(method, {{"nonsense", 1}}), 17u) << method;
        if (row.required) {
            EXPECT_EQ(code(method), 17u) << method;
        }
    }
}

TEST_F(VerbsTest, WhatHasNoRowIsAnInvalidRequest) {
    EXPECT_EQ(code("session.show"), 17u);
    EXPECT_EQ(code("system.new"), 17u);
    EXPECT_EQ(code("lld.bind"), 17u);
}

TEST_F(VerbsTest, TargetNewChecksTidNameAndDriver) {
    EXPECT_EQ(code("target.new", {{"tid", 0}, {"targetname", "iqn.a"}}), 17u);
    EXPECT_EQ(code("target.new", {{"tid", 1}, {"targetname", "iqn_a"}}), 17u);
    EXPECT_EQ(code("target.new", {{"tid", 1}, {"targetname", ""}}), 17u);
    EXPECT_EQ(code("target.new", {{"tid", 1}, {"targetname", "iqn.a"}, {"lld", "fcoe"}}), 3u);
    EXPECT_EQ(code("target.new", {{"tid", 1}, {"targetname", "iqn.a"}, {"lld", "iscsi"}}), 0u);
    EXPECT_EQ(code("target.new", {{"tid", 1}, {"targetname", "iqn.b"}}), 9u);
    EXPECT_EQ(code("target.new", {{"tid", 2}, {"targetname", "iqn.a"}}), 9u);
}

TEST_F(VerbsTest, NewTargetHasTheControllerAndNoRules) {
    make_target();
    const Json shown = target(1);
    EXPECT_EQ(shown["state"], "ready");
    EXPECT_EQ(shown["lld"], "iscsi");
    ASSERT_EQ(shown["luns"].size(), 1u);
    EXPECT_EQ(shown["luns"][0]["type"], "controller");
    EXPECT_EQ(shown["luns"][0]["scsi_id"], "IET     00010000");
    EXPECT_EQ(shown["luns"][0]["scsi_sn"], "beaf10");
    EXPECT_EQ(shown["luns"][0]["block_size"], 1);
    EXPECT_TRUE(shown["luns"][0]["store"]["path"].is_null());
    EXPECT_TRUE(shown["acl"]["addresses"].empty());
}

TEST_F(VerbsTest, TheOriginOfTargetsAndLunsIsKeptAndShown) {
    ok("target.new", {{"tid", 1}, {"targetname", "iqn.t:1"}, {"origin", "config"}});
    make_disk(1, 1, file("a", 1 << 20));
    ok("logicalunit.new",
       {{"tid", 1}, {"lun", 2}, {"backing-store", file("b", 1 << 20)}, {"origin", "config"}});
    EXPECT_EQ(target(1)["origin"], "config");
    EXPECT_TRUE(lun(1, 1)["origin"].is_null());
    EXPECT_EQ(lun(1, 2)["origin"], "config");
    ok("logicalunit.delete", {{"tid", 1}, {"lun", 2}});
    make_disk(1, 2, folder + "/b");
    EXPECT_TRUE(lun(1, 2)["origin"].is_null());
    make_target(2);
    EXPECT_TRUE(target(2)["origin"].is_null());
    EXPECT_EQ(code("target.new", {{"tid", 3}, {"targetname", "iqn.t:3"}, {"origin", "file"}}), 17u);
    EXPECT_EQ(code("logicalunit.new", {{"tid", 1}, {"lun", 3}, {"origin", "x"}}), 17u);
}

// name -> {value, default}
std::map<std::string, std::pair<Json, Json>> settings(const Json& list) {
    std::map<std::string, std::pair<Json, Json>> out;
    for (const Json& one : list)
        out.try_emplace(one["name"].get<std::string>(), one["value"], one["default"]);
    return out;
}

TEST_F(VerbsTest, DetailsTellWhatCanBeSetAndWhatANewOneHas) {
    make_target();
    ok("logicalunit.new", {{"tid", 1},
                           {"lun", 1},
                           {"backing-store", file("a", 1 << 20)},
                           {"bsoflags", "sync"},
                           {"blocksize", 4096}});
    ASSERT_EQ(update_lun(pairs({{"vendor_id", "ACME"}, {"mode_page", "8:0:18:0x10"}})), 0u);
    EXPECT_FALSE(target(1).contains("parameters"));
    const Json shown = ok("target.show", {{"details", true}})["targets"][0];
    const Json unit = shown["luns"][1];
    EXPECT_EQ(settings(unit["options"])["bstype"], std::pair(Json("rdwr"), Json("rdwr")));
    EXPECT_EQ(settings(unit["options"])["bsoflags"], std::pair(Json("sync"), Json("")));
    EXPECT_EQ(settings(unit["options"])["blocksize"], std::pair(Json("4096"), Json("512")));
    EXPECT_EQ(settings(unit["parameters"])["vendor_id"], std::pair(Json("ACME"), Json("IET")));
    EXPECT_EQ(settings(unit["parameters"])["readonly"], std::pair(Json("0"), Json("0")));
    EXPECT_EQ(settings(unit["parameters"])["capacity"], std::pair(Json("auto"), Json("auto")));
    EXPECT_EQ(settings(shown["parameters"])["state"], std::pair(Json("ready"), Json("ready")));
}

TEST_F(VerbsTest, DetailsOfOneTargetLeaveTheOthersShort) {
    make_target(1);
    make_target(2);
    const Json shown = ok("target.show", {{"details", true}, {"targetname", "iqn.t:2"}})["targets"];
    ASSERT_EQ(shown.size(), 2u);
    EXPECT_FALSE(shown[0].contains("parameters"));
    EXPECT_TRUE(shown[1].contains("parameters"));
}

TEST_F(VerbsTest, DetailsOfAModePageAreWhatANewInitiatorFinds) {
    make_target();
    make_disk(1, 1, file("a", 1 << 20));
    ASSERT_EQ(update_lun(pairs({{"mode_page", "8:0:18:0x10"}})), 0u);
    const Json shown = ok("target.show", {{"details", true}})["targets"][0]["luns"][1];
    std::vector<std::string> changed;
    for (const Json& one : shown["parameters"])
        if (one["name"] == "mode_page" && one["value"] != one["default"])
            changed.push_back(one["value"]);
    EXPECT_EQ(changed, std::vector<std::string>{"8:0:18:16:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0"});
}

TEST_F(VerbsTest, TwoLunsOnOneMediumHaveTheFirstOnesIdentityAsDefault) {
    make_target();
    const std::string path = file("a", 1 << 20);
    make_disk(1, 1, path);
    make_disk(1, 2, path);
    const Json shown = ok("target.show", {{"details", true}})["targets"][0]["luns"];
    for (const Json& unit : {shown[1], shown[2]}) {
        const auto id = settings(unit["parameters"])["scsi_id"];
        EXPECT_EQ(id, std::pair(Json("IET     00010001"), Json("IET     00010001")));
    }
}

TEST_F(VerbsTest, AnEmptyDriveIsOfflineFromTheBeginning) {
    make_target();
    ok("logicalunit.new", {{"tid", 1}, {"lun", 1}});
    const Json shown = ok("target.show", {{"details", true}})["targets"][0]["luns"][1];
    EXPECT_EQ(settings(shown["parameters"])["online"], std::pair(Json("0"), Json("0")));
    EXPECT_EQ(settings(shown["parameters"])["removable"], std::pair(Json("1"), Json("1")));
}

TEST_F(VerbsTest, AccountShowTellsSecretsWhenAskedTo) {
    ok("account.new", {{"user", "ann"}, {"password", "a secret"}});
    EXPECT_FALSE(ok("account.show").contains("secrets"));
    EXPECT_EQ(ok("account.show", {{"secrets", true}})["secrets"], Json({{"ann", "a secret"}}));
}

TEST_F(VerbsTest, TargetUpdate) {
    make_target();
    EXPECT_EQ(code("target.update", {{"tid", 2}, {"name", "state"}, {"value", "ready"}}), 4u);
    EXPECT_EQ(code("target.update", {{"tid", 1}, {"name", "state"}, {"value", "up"}}), 17u);
    EXPECT_EQ(code("target.update", {{"tid", 1}, {"name", "nothing"}, {"value", "1"}}), 17u);
    EXPECT_EQ(code("target.update", {{"tid", 1}, {"name", "nop_count"}, {"value", "x"}}), 17u);
    EXPECT_EQ(code("target.update", {{"tid", 1}, {"name", "nop_interval"}, {"value", "5"}}), 0u);
    EXPECT_EQ(code("target.update", {{"tid", 1}, {"name", "state"}, {"value", "offline"}}), 0u);
    EXPECT_EQ(target(1)["nop_interval"], 5);
    EXPECT_EQ(target(1)["state"], "offline");
    EXPECT_EQ(ok("target.show", {{"tid", 1}})["parameters"][1]["value"], "5");
    EXPECT_TRUE(ok("target.show", {{"tid", 1}})["redirect"].is_null());
    EXPECT_EQ(code("target.show", {{"tid", 9}}), 4u);
}

// SPC-5 3.1.111: 1 to 65535. The tid is one, where it can be.
TEST_F(VerbsTest, EachTargetHasARelativePortOfItsOwnWhichIsFreeAgainWithIt) {
    const auto port = [this](int tid) {
        return on_control(
            [this, tid] { return registry->targets().at(tid).target->relative_port(); });
    };
    for (const int tid : {7, 65535, 70000, 70001}) make_target(tid);
    EXPECT_EQ(port(7), 7);
    EXPECT_EQ(port(65535), 65535);
    EXPECT_EQ(port(70000), 65534);
    EXPECT_EQ(port(70001), 65533);
    ok("target.delete", {{"tid", 70000}});
    make_target(80000);
    EXPECT_EQ(port(80000), 65534);
    make_target(65533);
    EXPECT_EQ(port(65533), 65532) << "its own number is taken";
}

TEST_F(VerbsTest, TargetDefaultsComeFromTheCommandLine) {
    RegistryOptions options;
    options.target_defaults = {{"nop_interval", "7"}};
    begin(std::move(options));
    make_target();
    EXPECT_EQ(target(1)["nop_interval"], 7);
}

TEST_F(VerbsTest, AccessRules) {
    make_target();
    EXPECT_EQ(code("target.bind", {{"tid", 9}, {"initiator-address", "ALL"}}), 4u);
    EXPECT_EQ(code("target.bind", {{"tid", 1}}), 17u);
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"host", 1}}), 0u);  // as tgt: of no effect
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"initiator-address", "10.0.0.1/8"}}), 17u);
    EXPECT_EQ(code("target.bind",
                   {{"tid", 1}, {"initiator-address", "10.0.0.0/8"}, {"initiator-name", "iqn.i"}}),
              0u);
    EXPECT_EQ(code("target.bind", {{"tid", 1}, {"initiator-address", "10.0.0.0/8"}}), 12u);
    EXPECT_EQ(code("target.unbind", {{"tid", 1}, {"initiator-address", "ALL"}}), 13u);
    EXPECT_EQ(target(1)["acl"]["initiators"], Json({"iqn.i"}));
    EXPECT_EQ(code("target.unbind", {{"tid", 1}, {"initiator-name", "iqn.i"}}), 0u);
    EXPECT_TRUE(target(1)["acl"]["initiators"].empty());
}

TEST_F(VerbsTest, TargetDeleteIsRefusedWhileInUseAndSaysByWhom) {
    make_target();
    on_control([this] { return driver->sessions.push_back(test::session(1, 1776)), 0; });
    EXPECT_EQ(code("target.delete", {{"tid", 1}}), 19u);
    EXPECT_NE(reason.find("iqn.1993-08.org.debian:01:host"), std::string::npos);
    EXPECT_NE(reason.find("1776"), std::string::npos);
    EXPECT_EQ(target(1)["nexuses"][0]["id"], 1776);
    EXPECT_EQ(code("target.delete", {{"tid", 1}, {"force", true}}), 0u);
    EXPECT_TRUE(driver->sessions.empty());
    EXPECT_EQ(code("target.delete", {{"tid", 1}}), 4u);
    make_target();
    EXPECT_EQ(code("target.delete", {{"tid", 1}}), 0u);
}

struct BadLun {
    Json params;
    unsigned code;
};

TEST_F(VerbsTest, LunNewRefusals) {
    make_target();
    const std::string path = file("d", 1 << 20);
    const Json good = {{"tid", 1}, {"lun", 1}, {"backing-store", path}};
    for (const BadLun& row :
         {BadLun{{{"tid", 2}}, 4}, BadLun{{{"lun", 0}}, 10}, BadLun{{{"lun", 16384}}, 17},
          BadLun{{{"bstype", "floppy"}}, 17}, BadLun{{{"bsoflags", "fast"}}, 17},
          BadLun{{{"blocksize", 513}}, 17}, BadLun{{{"blocksize", 256}}, 17},
          BadLun{{{"blocksize", 8192}}, 17}, BadLun{{{"blocksize", 0}}, 17},
          BadLun{{{"backing-store", "/no/file"}}, 17}, BadLun{{{"device-type", "toaster"}}, 17}}) {
        Json params = good;
        params.update(row.params);
        EXPECT_EQ(code("logicalunit.new", params), row.code) << params;
    }
    EXPECT_EQ(code("logicalunit.new", good), 0u);
    EXPECT_EQ(code("logicalunit.new", good), 10u);
}

TEST_F(VerbsTest, LunNewShowsWhatItMade) {
    make_target();
    ok("logicalunit.new", {{"tid", 1},
                           {"lun", 1},
                           {"backing-store", file("d", (1 << 20) + 100)},
                           {"blocksize", 4096},
                           {"bsoflags", "sync"}});
    const Json shown = lun(1, 1);
    EXPECT_EQ(shown["type"], "disk");
    EXPECT_EQ(shown["size_bytes"], 1 << 20);
    EXPECT_EQ(shown["block_size"], 4096);
    EXPECT_EQ(shown["unused_bytes"], 100);
    EXPECT_EQ(shown["scsi_id"], "IET     00010001");
    EXPECT_EQ(shown["store"]["flags"], "sync");
    EXPECT_EQ(shown["store"]["type"], "rdwr");
    EXPECT_EQ(shown["online"], true);
}

TEST_F(VerbsTest, DiskWithoutAPathIsRemovableAndOffline) {
    make_target();
    ok("logicalunit.new", {{"tid", 1}, {"lun", 1}});
    EXPECT_EQ(lun(1, 1)["online"], false);
    EXPECT_EQ(lun(1, 1)["removable"], true);
    EXPECT_EQ(update_lun(pairs({{"online", "1"}})), 17u);
    EXPECT_EQ(update_lun(pairs({{"path", file("d", 1 << 20)}, {"online", "1"}})), 0u);
    EXPECT_EQ(lun(1, 1)["online"], true);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 1 << 20);
}

TEST_F(VerbsTest, TwoLunsOnOneFileAreOneLogicalUnit) {
    make_target(1);
    make_target(2);
    const std::string path = file("d", 1 << 20);
    make_disk(1, 1, path);
    make_disk(2, 5, folder + "/../" + folder.substr(5) + "/d");
    EXPECT_EQ(update_lun(pairs({{"scsi_id", "shared"}})), 0u);
    EXPECT_EQ(lun(2, 5)["scsi_id"], "shared");
    EXPECT_EQ(code("logicalunit.new",
                   {{"tid", 1}, {"lun", 2}, {"backing-store", path}, {"blocksize", 4096}}),
              17u);
    EXPECT_EQ(code("logicalunit.delete", {{"tid", 1}, {"lun", 1}}), 0u);
    EXPECT_EQ(lun(2, 5)["scsi_id"], "shared");
}

TEST_F(VerbsTest, LunsMadeAtOnceOnOneFileShareIt) {
    make_target();
    const std::string path = file("d", 1 << 20);
    constexpr int count = 8;
    std::vector<std::promise<Answer>> answers(count);
    runtime->control().post([&] {
        for (int i = 0; i < count; ++i)
            run_verb(*registry, *ipc::verb_of("logicalunit.new"),
                     std::make_shared<const Json>(
                         Json{{"tid", 1}, {"lun", i + 1}, {"backing-store", path}}),
                     [&answers, i](Answer answer) { answers[i].set_value(std::move(answer)); });
    });
    for (auto& answer : answers) EXPECT_TRUE(answer.get_future().get());
    EXPECT_EQ(lun(1, 8)["scsi_id"], lun(1, 1)["scsi_id"]);
}

TEST_F(VerbsTest, LunDelete) {
    make_target();
    make_disk(1, 1, file("d", 1 << 20));
    EXPECT_EQ(code("logicalunit.delete", {{"tid", 2}, {"lun", 1}}), 5u);
    EXPECT_EQ(code("logicalunit.delete", {{"tid", 1}, {"lun", 2}}), 5u);
    EXPECT_EQ(code("logicalunit.delete", {{"tid", 1}, {"lun", 0}}), 17u);
    EXPECT_EQ(code("logicalunit.delete", {{"tid", 1}, {"lun", 1}}), 0u);
    EXPECT_EQ(code("logicalunit.delete", {{"tid", 1}, {"lun", 1}}), 5u);
    EXPECT_TRUE(lun(1, 1).is_null());
}

TEST_F(VerbsTest, AFileCanBeUsedAgainAsSoonAsItsLunIsDeleted) {
    make_target();
    const std::string path = file("d", 1 << 20);
    for (int round = 0; round < 50; ++round) {
        make_disk(1, 1, path);
        ASSERT_EQ(code("logicalunit.delete", {{"tid", 1}, {"lun", 1}}), 0u);
    }
}

TEST_F(VerbsTest, LunUpdateGoesLeftToRightUpToTheFirstBadOne) {
    make_target();
    make_disk(1, 1, file("d", 1 << 20));
    EXPECT_EQ(update_lun(pairs({{"scsi_sn", "one"}, {"bad", "1"}, {"scsi_sn", "two"}})), 17u);
    EXPECT_EQ(lun(1, 1)["scsi_sn"], "one");
    EXPECT_EQ(update_lun(Json::array()), 0u);
    EXPECT_EQ(update_lun(pairs({{"scsi_sn", ""}})), 17u);
    EXPECT_EQ(lun(1, 1)["scsi_sn"], "one");
    EXPECT_EQ(update_lun(pairs({{"scsi_sn", "x"}}), 9), 5u);
    EXPECT_EQ(update_lun(pairs({{"readonly", "1"}, {"online", "0"}, {"removable", "1"}})), 0u);
    EXPECT_EQ(lun(1, 1)["readonly"], true);
    EXPECT_EQ(lun(1, 1)["online"], false);
}

TEST_F(VerbsTest, PathChangesOnlyWhileOffline) {
    make_target();
    make_disk(1, 1, file("d", 1 << 20));
    const std::string other = file("e", 2 << 20);
    EXPECT_EQ(update_lun(pairs({{"path", other}})), 17u);
    EXPECT_EQ(update_lun(pairs({{"scsi_id", "kept"}, {"online", "0"}, {"path", "/no/file"}})), 17u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 1 << 20);
    EXPECT_EQ(update_lun(pairs({{"path", other}, {"online", "1"}})), 0u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 2 << 20);
    EXPECT_EQ(lun(1, 1)["scsi_id"], "kept");
    EXPECT_EQ(lun(1, 1)["store"]["path"], other);
}

TEST_F(VerbsTest, TheSamePathAgainShowsAGrownFile) {
    make_target();
    const std::string path = file("d", 1 << 20);
    make_disk(1, 1, path);
    file("d", 4 << 20);
    EXPECT_EQ(update_lun(pairs({{"online", "0"}, {"path", path}, {"online", "1"}})), 0u);
    EXPECT_EQ(lun(1, 1)["size_bytes"], 4 << 20);
}

TEST_F(VerbsTest, UniqueIdsDifferFromTgtsAndStay) {
    RegistryOptions options;
    options.unique_ids = true;
    options.machine_id = "host";
    begin(std::move(options));
    make_target();
    const std::string path = file("d", 1 << 20);
    make_disk(1, 1, path);
    const Json first = lun(1, 1)["scsi_id"];
    EXPECT_NE(first, "IET     00010001");
    ok("logicalunit.delete", {{"tid", 1}, {"lun", 1}});
    make_disk(1, 7, path);
    EXPECT_EQ(lun(1, 7)["scsi_id"], first);
}

TEST_F(VerbsTest, Portals) {
    EXPECT_EQ(code("portal.new", {{"params", pairs({{"portal", "127.0.0.1:99999"}})}}), 17u);
    EXPECT_EQ(code("portal.new", {{"params", pairs({{"address", "127.0.0.1"}})}}), 17u);
    EXPECT_EQ(code("portal.new", {{"params", Json::array()}}), 17u);
    EXPECT_EQ(
        code("portal.new", {{"params", pairs({{"portal", "127.0.0.1:7"}, {"portal", "::1"}})}}),
        0u);
    const Json shown = ok("portal.show")["portals"];
    ASSERT_EQ(shown.size(), 2u);
    EXPECT_EQ(shown[0]["address"], "[::1]:3260");
    EXPECT_EQ(shown[1]["state"], "listening");
    EXPECT_EQ(code("portal.delete", {{"params", pairs({{"portal", "127.0.0.1:8"}})}}), 17u);
    EXPECT_EQ(code("portal.delete", {{"params", pairs({{"portal", "127.0.0.1:7"}})}}), 0u);
}

TEST_F(VerbsTest, AccountsOfTargetsAndOfDiscovery) {
    make_target();
    EXPECT_EQ(code("account.new", {{"user", "a"}, {"password", "s"}}), 0u);
    EXPECT_EQ(code("account.new", {{"user", "a"}, {"password", "s"}}), 14u);
    EXPECT_EQ(code("account.bind", {{"user", "b"}, {"tid", 1}}), 15u);
    EXPECT_EQ(code("account.bind", {{"user", "a"}, {"tid", 9}}), 4u);
    EXPECT_EQ(code("account.bind", {{"user", "a"}, {"tid", 1}}), 0u);
    EXPECT_EQ(code("account.bind", {{"user", "a"}, {"tid", 1}}), 14u);
    EXPECT_EQ(code("account.bind", {{"user", "a"}, {"tid", 1}, {"outgoing", true}}), 0u);
    EXPECT_EQ(code("account.bind", {{"user", "a"}, {"tid", 1}, {"outgoing", true}}), 18u);
    EXPECT_EQ(code("account.bind", {{"user", "a"}}), 0u);
    EXPECT_EQ(ok("system.show")["accounts"]["incoming"], Json({"a"}));
    EXPECT_EQ(target(1)["accounts"]["outgoing"], Json({"a"}));
    EXPECT_EQ(ok("account.show")["accounts"], Json({"a"}));
    EXPECT_EQ(code("account.unbind", {{"user", "a"}}), 0u);
    EXPECT_EQ(code("account.unbind", {{"user", "a"}}), 15u);
    EXPECT_EQ(code("account.delete", {{"user", "a"}}), 0u);
    EXPECT_TRUE(target(1)["accounts"]["incoming"].empty());
}

TEST_F(VerbsTest, Connections) {
    make_target();
    on_control([this] { return driver->sessions.push_back(test::session(1, 5)), 0; });
    EXPECT_EQ(code("connection.show"), 4u);
    const Json shown = ok("connection.show", {{"tid", 1}})["sessions"];
    ASSERT_EQ(shown.size(), 1u);
    EXPECT_EQ(shown[0]["connections"][0]["address"], "10.1.2.3");
    EXPECT_EQ(code("connection.delete", {{"tid", 2}, {"sid", 5}, {"cid", 0}}), 4u);
    EXPECT_EQ(code("connection.delete", {{"tid", 1}, {"sid", 6}, {"cid", 0}}), 6u);
    EXPECT_EQ(code("connection.delete", {{"tid", 1}, {"sid", 5}, {"cid", 1}}), 7u);
    EXPECT_EQ(code("connection.delete", {{"tid", 1}, {"sid", 5}}), 0u);
}

TEST_F(VerbsTest, ADriverThatIsNamedHasToBeThere) {
    make_target();
    for (const char* method : {"target.show", "system.show", "account.show", "portal.show"})
        EXPECT_EQ(code(method, {{"lld", "nosuch"}}), 3u) << method;
    EXPECT_EQ(code("target.delete", {{"tid", 1}, {"lld", "nosuch"}}), 3u);
    EXPECT_EQ(code("target.delete", {{"tid", 1}, {"lld", "iscsi"}}), 0u);
}

TEST_F(VerbsTest, ADriverWithoutTargetsCanBeStoppedAndStarted) {
    make_target();
    EXPECT_EQ(code("lld.stop"), 21u);
    EXPECT_EQ(code("lld.start"), 0u);
    EXPECT_EQ(code("target.delete", {{"tid", 1}}), 0u);
    EXPECT_EQ(code("lld.stop"), 0u);
    EXPECT_EQ(ok("lld.show")["llds"][0]["state"], "stopped");
    EXPECT_EQ(ok("system.show")["llds"][0]["state"], "stopped");
    EXPECT_EQ(code("lld.stop"), 0u);
    EXPECT_EQ(code("lld.start"), 0u);
    EXPECT_EQ(ok("lld.show")["llds"][0]["state"], "ready");
}

TEST_F(VerbsTest, DriversListTheirTargetsFromTheOldest) {
    for (const int tid : {3, 1, 2})
        EXPECT_EQ(
            code("target.new", {{"tid", tid}, {"targetname", "iqn.t:" + std::to_string(tid)}}), 0u);
    const Json targets = ok("lld.show")["llds"][0]["targets"];
    ASSERT_EQ(targets.size(), 3u);
    EXPECT_EQ(targets[0]["tid"], 3);
    EXPECT_EQ(targets[2]["tid"], 2);
}

TEST_F(VerbsTest, WithItsNewMediumAUnitIsOnlineAgain) {
    make_target();
    make_disk(1, 1, file("d", 1 << 20));
    const std::string other = file("e", 2 << 20);
    EXPECT_EQ(update_lun(pairs({{"readonly", "1"}, {"path", other}})), 17u);
    EXPECT_EQ(update_lun(pairs({{"online", "0"}, {"path", other}})), 0u);
    EXPECT_EQ(lun(1, 1)["store"]["path"], other);
    EXPECT_EQ(lun(1, 1)["online"], true);
    EXPECT_EQ(lun(1, 1)["readonly"], true);
}

TEST_F(VerbsTest, TheAccountOfTargetZeroIsNotThatOfDiscovery) {
    EXPECT_EQ(code("account.new", {{"user", "a"}, {"password", "p"}}), 0u);
    EXPECT_EQ(code("account.bind", {{"user", "a"}, {"tid", 0}}), 4u);
    EXPECT_EQ(code("account.unbind", {{"user", "a"}, {"tid", 0}}), 4u);
    EXPECT_TRUE(ok("system.show")["accounts"]["incoming"].empty());
}

TEST_F(VerbsTest, SystemUpdate) {
    EXPECT_EQ(code("system.update", {{"name", "State"}, {"value", "offline"}}), 0u);
    EXPECT_EQ(ok("system.show")["state"], "offline");
    EXPECT_EQ(code("system.update", {{"name", "State"}, {"value", "on"}}), 17u);
    EXPECT_EQ(code("system.update", {{"name", "colour"}, {"value", "red"}}), 17u);
    EXPECT_EQ(code("system.update", {{"name", "iSNSServerPort"}, {"value", "0"}}), 17u);
    EXPECT_EQ(code("system.update", {{"name", "log-level"}, {"value", "iscsi=error"}}), 0u);
    EXPECT_EQ(ok("system.show")["log_levels"]["iscsi"], "error");
    EXPECT_EQ(code("system.update", {{"name", "log-level"}, {"value", "iscsi=loud"}}), 17u);
    EXPECT_EQ(code("system.update", {{"name", "log-level"}, {"value", "tcp=info"}}), 17u);
    EXPECT_EQ(code("system.update", {{"name", "debug"}, {"value", "off"}}), 0u);
    EXPECT_EQ(ok("system.show")["log_levels"]["iscsi"], "info");
}

TEST_F(VerbsTest, AbortBoundIsOfTheSystemOrOfOneTarget) {
    make_target(1);
    make_target(2);
    EXPECT_EQ(ok("system.show")["abort_bound"], 5);
    EXPECT_EQ(target(1)["abort_bound"], 5);
    EXPECT_EQ(code("target.update", {{"tid", 1}, {"name", "abort-bound"}, {"value", "2"}}), 0u);
    EXPECT_EQ(target(1)["abort_bound"], 2);
    EXPECT_EQ(target(2)["abort_bound"], 5);
    for (const char* bad : {"0", "61", "x", "5s", ""}) {
        EXPECT_EQ(code("system.update", {{"name", "abort-bound"}, {"value", bad}}), 17u) << bad;
        EXPECT_EQ(code("target.update", {{"tid", 1}, {"name", "abort-bound"}, {"value", bad}}), 17u)
            << bad;
    }
    EXPECT_EQ(code("system.update", {{"name", "abort-bound"}, {"value", "60"}}), 0u);
    EXPECT_EQ(ok("system.show")["abort_bound"], 60);
    EXPECT_EQ(target(1)["abort_bound"], 60);
    make_target(3);
    EXPECT_EQ(target(3)["abort_bound"], 60);
}

TEST_F(VerbsTest, SystemDeleteWaitsForTheTargets) {
    make_target();
    EXPECT_EQ(code("system.delete"), 17u);
    ok("target.delete", {{"tid", 1}});
    EXPECT_EQ(code("system.delete"), 0u);
}

TEST_F(VerbsTest, LldShowListsItsTargets) {
    make_target(3);
    const Json shown = ok("lld.show")["llds"];
    EXPECT_EQ(shown[0]["name"], "iscsi");
    EXPECT_EQ(shown[0]["targets"][0]["tid"], 3);
}

TEST_F(VerbsTest, StatWithoutSessionsHasNoRows) {
    make_target();
    EXPECT_TRUE(ok("system.stat")["rows"].empty());
    EXPECT_EQ(code("target.stat", {{"tid", 2}}), 4u);
    EXPECT_EQ(code("logicalunit.stat", {{"tid", 1}, {"lun", 4}}), 5u);
    EXPECT_EQ(code("session.stat", {{"sid", 4}}), 6u);
}

TEST_F(VerbsTest, StatOfASessionThatHasNoConnectionsShowsNone) {
    make_target();
    auto session = test::session(1, 5);
    session.connections.clear();
    on_control([&] { return driver->sessions.push_back(session), 0; });
    EXPECT_TRUE(ok("session.stat", {{"sid", 5}})["connections"].empty());
    EXPECT_EQ(code("connection.stat", {{"sid", 5}, {"cid", 0}}), 7u);
    EXPECT_EQ(code("session.stat", {{"sid", 4}}), 6u);
}

}  // namespace
}  // namespace tgt::mgmt
