// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>

namespace tgt::io {
namespace {

namespace fs = std::filesystem;

class CgroupTest : public testing::Test {
  protected:
    CgroupTest() {
        std::string name = "/tmp/tgt-cgroup-XXXXXX";
        root_ = mkdtemp(name.data());
    }
    ~CgroupTest() override { fs::remove_all(root_); }
    void put(const std::string& path, const std::string& text) {
        fs::create_directories(fs::path(root_ + "/" + path).parent_path());
        std::ofstream(root_ + "/" + path) << text << "\n";
    }
    std::string root_;
};

TEST_F(CgroupTest, Version2QuotaIsRoundedUp) {
    put("a/b/cpu.max", "150000 100000");
    EXPECT_EQ(cgroup_cpus("0::/a/b\n", root_), 2u);
    put("a/b/cpu.max", "50000 100000");
    EXPECT_EQ(cgroup_cpus("0::/a/b\n", root_), 1u);
    put("a/b/cpu.max", "300000 100000");
    EXPECT_EQ(cgroup_cpus("0::/a/b\n", root_), 3u);
}

TEST_F(CgroupTest, Version2WithoutQuotaIsNoLimit) {
    put("a/cpu.max", "max 100000");
    EXPECT_EQ(cgroup_cpus("0::/a\n", root_), std::nullopt);
}

TEST_F(CgroupTest, AncestorsBindToo) {
    put("a/cpu.max", "200000 100000");
    put("a/b/cpu.max", "800000 100000");
    EXPECT_EQ(cgroup_cpus("0::/a/b\n", root_), 2u);
}

TEST_F(CgroupTest, InANamespaceTheRootHasTheLimit) {
    put("cpu.max", "400000 100000");
    EXPECT_EQ(cgroup_cpus("0::/\n", root_), 4u);
    EXPECT_EQ(cgroup_cpus("0::/not/visible\n", root_), 4u);
}

TEST_F(CgroupTest, Version1QuotaOfTheCpuController) {
    put("cpu/docker/cpu.cfs_quota_us", "250000");
    put("cpu/docker/cpu.cfs_period_us", "100000");
    EXPECT_EQ(cgroup_cpus("5:memory:/x\n4:cpu,cpuacct:/docker\n0::/\n", root_), 3u);
    EXPECT_EQ(cgroup_cpus("4:cpuset:/docker\n", root_), std::nullopt) << "cpuset is not cpu";
}

TEST_F(CgroupTest, Version1WithoutQuotaIsNoLimit) {
    put("cpu/cpu.cfs_quota_us", "-1");
    put("cpu/cpu.cfs_period_us", "100000");
    EXPECT_EQ(cgroup_cpus("4:cpu:/\n", root_), std::nullopt);
}

TEST_F(CgroupTest, NonsenseIsNoLimit) {
    put("a/cpu.max", "x y");
    EXPECT_EQ(cgroup_cpus("", root_), std::nullopt);
    EXPECT_EQ(cgroup_cpus("garbage\n0:\n0::\n0::/a\n", root_), std::nullopt);
}

TEST(AffinityCpus, AreThoseOfTheMask) {
    cpu_set_t set;
    ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    auto cpus = affinity_cpus();
    EXPECT_EQ(cpus.size(), size_t(CPU_COUNT(&set)));
    for (int cpu : cpus) EXPECT_TRUE(CPU_ISSET(cpu, &set));
}

}  // namespace
}  // namespace tgt::io
