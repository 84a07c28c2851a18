// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <tuple>

#include "driver/kring/driver.h"
#include "tests/unit/driver/kring/fake_kernel.h"
#include "tests/unit/scsi/engine_bench.h"

namespace tgt::test {

class FakeHosts final : public kring::KernelHosts {
  public:
    std::string_view problem() const override { return problem_text; }
    const std::vector<kring::KernelHost>& hosts() const override { return all; }
    void listen(Listener& one) override { listener = &one; }
    void forget(Listener&) override { listener = nullptr; }
    void lun_changed(uint32_t host, const wire::LunBytes& lun, bool present) override {
        lun_changes.push_back({host, *wire::decode_lun(lun), present});
    }

    std::string problem_text;
    std::vector<kring::KernelHost> all;
    Listener* listener = nullptr;
    std::vector<std::tuple<uint32_t, uint64_t, bool>> lun_changes;
};

class FakeDirectory final : public mgmt::Directory {
  public:
    bool accepting() const override { return true; }
    void login(mgmt::LoginQuestion, std::function<void(mgmt::LoginAnswer)>) override {}
    std::vector<mgmt::DiscoveredTarget> discover(const mgmt::LoginQuestion&,
                                                 std::string_view) override {
        return {};
    }
    void host_added(const mgmt::Driver&, uint32_t host) override { came.push_back(host); }
    std::vector<uint32_t> came;
};

// The loop driver on a Bench, with a fake kernel that has one host of that driver: number 1. The
// target of the Bench has LUN 1, of 512-byte blocks.
class KringBench {
  public:
    explicit KringBench(unsigned workers = 1, uint32_t queues = 1,
                        const scsi::DeviceType& type = engine_device())
        : scsi(workers, {}, type) {
        kring::KernelHost host;
        host.number = 1;
        host.lld = "loop";
        host.queues = queues;
        hosts.all = {host};
        driver = kring::make_driver(scsi.runtime, kring::llds()[0], hosts, &kernel);
        driver->attach(directory);
    }
    ~KringBench() {
        stop();
        for (const auto& attachment : kernel.all())
            EXPECT_EQ(attachment->faults(), std::vector<std::string>());
        driver.reset();
    }

    void stop() {
        if (stopped) return;
        stopped = true;
        driver->stop(std::chrono::seconds(1), [](bool) {});
        scsi.settle();
    }
    Result<void> bind(uint32_t host = 1, int tid = 1) {
        Result<void> result = fail(EBUSY, "not told");
        driver->bind_host(host, tid, scsi.target, [&](Result<void> told) { result = told; });
        scsi.settle();
        return result;
    }
    // Control and workers run in threads of their own from here on, and host 1 is bound.
    Result<void> start_threads() {
        scsi.runtime.start();
        std::promise<Result<void>> bound;
        scsi.runtime.control().post([&] {
            driver->bind_host(1, 1, scsi.target,
                              [&](Result<void> result) { bound.set_value(result); });
        });
        return bound.get_future().get();
    }
    void stop_threads() {
        std::promise<void> done;
        scsi.runtime.control().post(
            [&] { driver->stop(std::chrono::seconds(10), [&](bool) { done.set_value(); }); });
        done.get_future().wait();
        stopped = true;
        scsi.runtime.stop();
        scsi.settle();
    }
    // Bound, with one nexus whose unit attention was taken.
    FakeAttachment& serve(const std::string& initiator = "loop.1:0") {
        EXPECT_TRUE(bind());
        FakeAttachment& kernel_side = kernel.last();
        kernel_side.arrive(1, initiator);
        clear_attention();
        return kernel_side;
    }
    void clear_attention(uint32_t nexus = 1) { run({.nexus = nexus, .cdb = tur}); }
    Done run(const FakeAttachment::Command& command) {
        FakeAttachment& kernel_side = kernel.last();
        const uint64_t id = kernel_side.submit(command);
        scsi.settle();
        if (!kernel_side.is_done(id)) scsi.await_jobs();
        return kernel_side.done(id);
    }
    std::vector<mgmt::SessionInfo> sessions(std::optional<int> tid = {}) {
        std::vector<mgmt::SessionInfo> found;
        driver->list_sessions(tid, [&](auto infos) { found = std::move(infos); });
        scsi.settle();
        return found;
    }

    FakeKernel kernel;
    FakeHosts hosts;
    FakeDirectory directory;
    Bench scsi;
    std::unique_ptr<mgmt::Driver> driver;
    bool stopped = false;
};

inline const std::vector<uint8_t> inquiry{0x12, 0, 0, 0, 96, 0};

}  // namespace tgt::test
