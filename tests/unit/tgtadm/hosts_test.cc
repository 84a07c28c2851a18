// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/hosts.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/unit/ipc/fake_netlink.h"
#include "tgtadm/run.h"

namespace tgt::tgtadm {
namespace {

using ipc::FakeKernel;
using ipc::NetlinkRecord;
using Json = nlohmann::json;
using testing::HasSubstr;

class HostsTest : public testing::Test {
  protected:
    // "--lld loop --op new" and so on, in mode host.
    Exit run(const std::string& words) {
        std::vector<std::string> args{"tgtadm", "--mode", "host"};
        std::istringstream in(words);
        for (std::string word; in >> word;) args.push_back(word);
        auto parsed = parse(args, {});
        if (auto* early = std::get_if<Exit>(&parsed)) return *early;
        EXPECT_TRUE(is_host_request(std::get<Parsed>(parsed)));
        const auto print = [this](std::string_view text) {
            printed += text;
            return --readers > 0;
        };
        return run_host(std::get<Parsed>(parsed), {std::make_unique<ipc::FakeLink>(kernel), print,
                                                   [] { return std::string("NOW"); }});
    }
    std::string error(const std::string& words) {
        const Exit exit = run(words);
        EXPECT_NE(exit.code, 0) << words;
        EXPECT_EQ(exit.out, "") << words;
        return exit.err;
    }
    static NetlinkRecord queue(uint32_t host) {
        NetlinkRecord out(TGT_NL_QUEUE_GET);
        out.set(TGT_NL_A_HOST, host).set(TGT_NL_A_QUEUE, 0).set(TGT_NL_A_PID, 77);
        out.set(TGT_NL_A_DATA_BYTES, 1 << 20).set(TGT_NL_A_NEXUSES, 1);
        return out.set(TGT_NL_A_COMMANDS, 1000).set(TGT_NL_A_KICKS, 10);
    }
    static NetlinkRecord nexus(uint32_t host) {
        NetlinkRecord out(TGT_NL_NEXUS_GET);
        out.set(TGT_NL_A_HOST, host).set(TGT_NL_A_NEXUS, 1).set(TGT_NL_A_QUEUE, 0);
        return out.set(TGT_NL_A_INITIATOR, std::string_view("naa.1\nHost 9: forged"));
    }

    FakeKernel kernel;
    std::string printed;
    int readers = 1000;
};

TEST_F(HostsTest, NewPrintsTheNumber) {
    EXPECT_EQ(run("--lld loop --op new").out, "1\n");
    EXPECT_EQ(kernel.requests.back().text(TGT_NL_A_LLD), "loop");
    EXPECT_FALSE(kernel.requests.back().has(TGT_NL_A_HOST));
    EXPECT_EQ(run("--lld loop --op new --host 3 --params queues=2,nexuses=4,depth=64").out, "3\n");
    const NetlinkRecord& sent = kernel.requests.back();
    EXPECT_EQ(sent.number(TGT_NL_A_HOST), 3u);
    EXPECT_EQ(sent.number(TGT_NL_A_QUEUES), 2u);
    EXPECT_EQ(sent.number(TGT_NL_A_NEXUSES), 4u);
    EXPECT_EQ(sent.number(TGT_NL_A_DEPTH), 64u);
    EXPECT_EQ(Json::parse(run("--lld loop --op new --host 3 --json").out),
              Json::parse(R"({"host": 3})"));
}

TEST_F(HostsTest, WhatIsWrongWithANewHostIsSaid) {
    EXPECT_EQ(error("--op new"), "tgtadm: creating a new host requires a driver, use --lld\n");
    EXPECT_EQ(error("--lld loop --op new --host 0"), "tgtadm: 'host' must not be 0\n");
    EXPECT_THAT(error("--lld loop --op new --params depth=4097"), HasSubstr("from 1 to 4096"));
    EXPECT_THAT(error("--lld loop --op new --params queues="), HasSubstr("from 1 to 64"));
    EXPECT_THAT(error("--lld loop --op new --params deep=1"), HasSubstr("no parameter 'deep'"));
    EXPECT_THAT(error("--lld loop --op new --tid 1"), HasSubstr("'-t' is not allowed"));
    EXPECT_TRUE(kernel.requests.empty());
    kernel.refuse = EOPNOTSUPP;
    EXPECT_THAT(error("--lld loop --op new"), HasSubstr("modprobe tgt_loop"));
    kernel.refuse = EEXIST;
    EXPECT_THAT(error("--lld loop --op new --host 3"), HasSubstr("there is a host 3 already"));
    kernel.refuse = EPERM;
    EXPECT_THAT(error("--lld loop --op new"), HasSubstr("CAP_NET_ADMIN"));
}

TEST_F(HostsTest, DeleteNamesWhatIsInItsWay) {
    EXPECT_EQ(error("--op delete"), "tgtadm: 'host' option is necessary\n");
    EXPECT_EQ(run("--op delete --host 3").err, "");
    EXPECT_FALSE(kernel.requests.back().has(TGT_NL_A_FORCE));
    EXPECT_EQ(run("--op delete --host 3 --force").code, 0);
    EXPECT_TRUE(kernel.requests.back().has(TGT_NL_A_FORCE));
    kernel.refuse = EBUSY;
    EXPECT_EQ(error("--op delete --host 3"),
              "tgtadm: can't delete host 3\n"
              "tgtadm: reason: a device of it is in use; take it away all the same with "
              "--force\n");
    kernel.refuse = ENODEV;
    EXPECT_THAT(error("--op delete --host 3"), HasSubstr("there is no host 3"));
    kernel.refuse = EINVAL;
    kernel.refuse_text = "the kernel's own words";
    EXPECT_THAT(error("--op delete --host 3"), HasSubstr("reason: the kernel's own words\n"));
}

TEST_F(HostsTest, WithoutTheModuleItSaysWhichToLoad) {
    kernel.loaded = false;
    const Exit exit = run("--op show");
    EXPECT_EQ(exit.code, exit_not_connected);
    EXPECT_EQ(exit.err,
              "tgtadm: the kernel serves no hosts\n"
              "tgtadm: reason: it has no tgt_core: modprobe tgt_core tgt_loop\n");
}

TEST_F(HostsTest, ShowListsHostsWithTheirQueuesAndNexuses) {
    kernel.hosts = {FakeKernel::host(3), FakeKernel::host(4)};
    kernel.others = {queue(3), nexus(3), queue(4)};
    const std::string first =
        "Host 3: loop\n"
        "    System information:\n"
        "        Port name: naa.5\n"
        "        SCSI host: 13\n"
        "        Queues: 2\n"
        "        Commands per queue: 64\n"
        "        I_T nexuses: 0\n"
        "    Queue information:\n"
        "        Queue: 0\n"
        "            Served by: process 77\n"
        "            Data area: 1024 KB\n"
        "            I_T nexuses: 1\n"
        "            Commands: 1000\n"
        "            System calls of tgtd: 10\n"
        "    I_T nexus information:\n"
        "        I_T nexus: 1\n"
        "            Initiator: naa.1?Host 9: forged\n"
        "            Queue: 0\n";
    EXPECT_THAT(run("--op show").out, testing::StartsWith(first + "Host 4: loop\n"));
    EXPECT_THAT(run("--op show --host 3").out, testing::StartsWith(first));
    const Json shown = Json::parse(run("--op show --json").out)["hosts"];
    ASSERT_EQ(shown.size(), 2u);
    EXPECT_EQ(shown[0]["scsi_host"], 13);
    EXPECT_EQ(shown[0]["queues"][0]["commands"], 1000);
    EXPECT_EQ(shown[0]["nexuses"].size(), 1u);
    EXPECT_TRUE(shown[1]["nexuses"].empty());
    kernel.refuse = ENODEV;
    EXPECT_THAT(error("--op show --host 9"), HasSubstr("there is no host 9"));
}

TEST_F(HostsTest, MonitorTellsEventsAsTheyCome) {
    struct Events : ipc::NetlinkLink {
        FakeKernel& kernel;
        ipc::FakeLink inner;
        explicit Events(FakeKernel& of) : kernel(of), inner(of) {}
        Result<void> open() override { return {}; }
        int descriptor() const override { return inner.descriptor(); }
        Result<void> send(std::span<const uint8_t> m) override { return inner.send(m); }
        Result<ipc::Bytes> receive() override { return inner.receive(); }
        // Once somebody listens.
        Result<void> join(uint32_t group) override {
            (void)inner.join(group);
            if (group != FakeKernel::events_group) return {};
            kernel.add_host(3);
            kernel.add_host(4);
            kernel.overrun();
            kernel.event(NetlinkRecord(TGT_NL_NEXUS_ADDED)
                             .set(TGT_NL_A_HOST, 3)
                             .set(TGT_NL_A_NEXUS, 1)
                             .set(TGT_NL_A_QUEUE, 0)
                             .set(TGT_NL_A_INITIATOR, std::string_view("naa.1")));
            kernel.event(NetlinkRecord(TGT_NL_QUEUE_DETACHED)
                             .set(TGT_NL_A_HOST, 3)
                             .set(TGT_NL_A_QUEUE, 0)
                             .set(TGT_NL_A_PID, 5)
                             .set(TGT_NL_A_DETACH_REASON, TGT_NL_DETACH_BROKEN));
            kernel.remove_host(3);
            kernel.unload();
            return {};
        }
    };
    const auto follow = [&](std::vector<std::string> args) {
        kernel.loaded = true;
        printed.clear();
        args.insert(args.begin(), {"tgtadm", "--mode", "host", "--op", "monitor"});
        auto parsed = parse(args, {});
        const auto print = [this](std::string_view text) {
            printed += text;
            return --readers > 0;
        };
        return run_host(std::get<Parsed>(parsed),
                        {std::make_unique<Events>(kernel), print, [] { return "NOW"; }});
    };
    EXPECT_EQ(follow({}).err,
              "tgtadm: there are no events any more\n"
              "tgtadm: reason: tgt_core was unloaded\n");
    EXPECT_EQ(printed,
              "NOW host 3 added: driver loop, queues 2, commands per queue 64, SCSI host 13\n"
              "NOW host 4 added: driver loop, queues 2, commands per queue 64, SCSI host 14\n"
              "NOW events were lost\n"
              "NOW host 3 I_T nexus 1 added: initiator naa.1, queue 0\n"
              "NOW host 3 queue 0 detached: process 5, the process broke the rules\n"
              "NOW host 3 removed\n");
    follow({"--host", "4", "--json"});
    std::istringstream lines(printed);
    std::vector<std::string> seen;
    for (std::string line; std::getline(lines, line);) seen.push_back(Json::parse(line)["event"]);
    EXPECT_EQ(seen, (std::vector<std::string>{"host_added", "events_lost"}));
    readers = 2;
    EXPECT_EQ(follow({}).code, 0);  // nobody reads any more
    EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 2);
}

}  // namespace
}  // namespace tgt::tgtadm
