// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/kring/netlink_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ipc/fake_netlink.h"

using namespace tgt;
using namespace tgt::kring;
using ipc::FakeKernel;
using testing::ElementsAre;

namespace {

struct Heard : KernelHosts::Listener {
    std::vector<std::string> events;
    void host_added(const KernelHost& host) override {
        events.push_back("+" + std::to_string(host.number));
    }
    void host_removed(uint32_t number) override { events.push_back("-" + std::to_string(number)); }
    void family_changed() override { events.push_back("family"); }
    std::vector<std::string> take() { return std::exchange(events, {}); }
};

struct NetlinkHostsTest : testing::Test {
    FakeKernel kernel;
    io::Worker worker{{}};
    NetlinkHosts hosts{std::make_unique<ipc::FakeLink>(kernel)};
    Heard heard;

    void start() {
        hosts.start(worker);
        hosts.listen(heard);
    }
    std::vector<std::string> turn() {
        worker.turn_for_test(io::TimePoint());
        return heard.take();
    }
    std::vector<uint32_t> numbers() const {
        std::vector<uint32_t> out;
        for (const KernelHost& host : hosts.hosts()) out.push_back(host.number);
        return out;
    }
    void TearDown() override { hosts.stop(); }
};

}  // namespace

TEST_F(NetlinkHostsTest, HostsThatAreThereAreListedWhenStartReturns) {
    kernel.hosts = {FakeKernel::host(3), FakeKernel::host(5)};
    start();
    EXPECT_EQ(hosts.problem(), "");
    ASSERT_EQ(numbers(), (std::vector<uint32_t>{3, 5}));
    EXPECT_EQ(hosts.hosts()[0], (KernelHost{3, "loop", "naa.5", 13, 2, 64}));
    EXPECT_THAT(turn(), ElementsAre());
}

TEST_F(NetlinkHostsTest, HostsThatComeAndGoAreTold) {
    start();
    kernel.add_host(3);
    EXPECT_THAT(turn(), ElementsAre("+3"));
    kernel.add_host(4);
    kernel.remove_host(3);
    EXPECT_THAT(turn(), ElementsAre("+4", "-3"));
    EXPECT_EQ(numbers(), std::vector<uint32_t>{4});
}

TEST_F(NetlinkHostsTest, AModuleMayBeLoadedLater) {
    kernel.loaded = false;
    start();
    EXPECT_EQ(hosts.problem(), "the kernel has no tgt_core: modprobe tgt_core");
    kernel.hosts = {FakeKernel::host(3)};
    kernel.load();
    EXPECT_THAT(turn(), ElementsAre("family", "+3"));
    EXPECT_EQ(hosts.problem(), "");
    kernel.add_host(4);
    EXPECT_THAT(turn(), ElementsAre("+4"));
}

TEST_F(NetlinkHostsTest, AModuleMayBeUnloadedAndLoadedAgain) {
    kernel.hosts = {FakeKernel::host(3)};
    start();
    kernel.unload();
    EXPECT_THAT(turn(), ElementsAre("-3", "family"));
    EXPECT_NE(hosts.problem(), "");
    kernel.load();
    EXPECT_THAT(turn(), ElementsAre("family"));
    kernel.add_host(1);
    EXPECT_THAT(turn(), ElementsAre("+1"));
}

TEST_F(NetlinkHostsTest, WhenEventsWereLostTheHostsAreListedAnew) {
    kernel.hosts = {FakeKernel::host(3), FakeKernel::host(4)};
    start();
    kernel.hosts = {FakeKernel::host(4), FakeKernel::host(6)};  // in silence
    kernel.overrun();
    EXPECT_THAT(turn(), ElementsAre("-3", "+6"));
}

TEST_F(NetlinkHostsTest, AHostThatGoesWhileItIsListedIsNotThere) {
    kernel.hosts = {FakeKernel::host(3), FakeKernel::host(4)};
    start();
    kernel.overrun();
    kernel.before_list = [&] { kernel.remove_host(3); };
    EXPECT_THAT(turn(), ElementsAre("-3"));
    kernel.overrun();
    kernel.before_list = [&] { kernel.overrun(); };
    EXPECT_THAT(turn(), ElementsAre());
    EXPECT_EQ(numbers(), std::vector<uint32_t>{4});
}

TEST_F(NetlinkHostsTest, AnotherHostOfTheSameNumberIsAnotherHost) {
    kernel.hosts = {FakeKernel::host(3)};
    start();
    kernel.hosts[0].set(TGT_NL_A_SCSI_HOST, 99);
    kernel.overrun();
    EXPECT_THAT(turn(), ElementsAre("-3", "+3"));
    EXPECT_EQ(hosts.hosts()[0].scsi_host, 99U);
}

TEST_F(NetlinkHostsTest, AnotherVersionOrNoPermissionIsAProblem) {
    kernel.version = 7;
    start();
    EXPECT_EQ(hosts.problem(),
              "the kernel's tgt_core speaks version 7 of the command ring, and this program "
              "version 1");
    kernel.version = TGT_RING_VERSION;
    kernel.refuse = EPERM;
    kernel.load();
    EXPECT_THAT(turn(), ElementsAre("family"));
    EXPECT_EQ(hosts.problem(), "the kernel's tgt_core wants CAP_NET_ADMIN");
}

TEST_F(NetlinkHostsTest, TheKernelIsToldOfLogicalUnits) {
    start();
    hosts.lun_changed(3, wire::encode_lun(300), true);
    const ipc::NetlinkRecord& sent = kernel.requests.back();
    EXPECT_EQ(sent.command(), TGT_NL_LUN_CHANGED);
    EXPECT_EQ(sent.number(TGT_NL_A_HOST), 3U);
    EXPECT_EQ(sent.number(TGT_NL_A_LUN_PRESENT), 1U);
    EXPECT_EQ(sent.bytes(TGT_NL_A_LUN)[0], 0x41);
    EXPECT_THAT(turn(), ElementsAre());
    kernel.loaded = false;
    kernel.unload();
    turn();
    const size_t before = kernel.requests.size();
    hosts.lun_changed(3, wire::encode_lun(1), false);  // to nobody
    EXPECT_EQ(kernel.requests.size(), before);
}

TEST_F(NetlinkHostsTest, AHostWithoutNumberOrDriverIsNone) {
    start();
    kernel.event(ipc::NetlinkRecord(TGT_NL_HOST_ADDED));
    kernel.event(ipc::NetlinkRecord(TGT_NL_HOST_ADDED).set(TGT_NL_A_HOST, 3));
    EXPECT_THAT(turn(), ElementsAre());
}
