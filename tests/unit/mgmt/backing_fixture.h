// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "scsi/nexus.h"
#include "tests/unit/mgmt/fake_engine.h"
#include "tests/unit/mgmt/registry_fixture.h"
#include "tests/unit/scsi/harness.h"

namespace tgt::mgmt::test {

// A registry with the fake engine, target 1, and an initiator at target 1.
class BackingTest : public RegistryTest {
  protected:
    void SetUp() override { begin_with(options()); }
    void begin_with(RegistryOptions with) {
        fake::reset();
        begin(std::move(with));
        make_target();
    }
    void TearDown() override {
        fake::let_everything_go();
        logout();
        RegistryTest::TearDown();
    }
    static RegistryOptions options() {
        RegistryOptions options;
        options.engines = fake::engines();
        options.store_bound = options.open_bound;
        options.abort_bound = std::chrono::milliseconds(50);
        return options;
    }
    // Those, for tests in which a bound passes. Others must not depend on how fast the machine is.
    static RegistryOptions impatient() {
        RegistryOptions with = options();
        with.open_bound = with.store_bound = std::chrono::seconds(1);
        return with;
    }
    // Media are looked at often.
    static RegistryOptions watchful() {
        RegistryOptions with = options();
        with.look_every = std::chrono::milliseconds(5);
        return with;
    }
    static Json new_lun(int number, const std::string& path, const std::string& engine = "fake") {
        return {{"tid", 1}, {"lun", number}, {"backing-store", path}, {"bstype", engine}};
    }
    // A LUN of target 1 on the fake engine; returns its path.
    std::string make_fake(int number = 1, const std::string& name = "fake") {
        const std::string path = file(name, 1 << 20);
        ok("logicalunit.new", new_lun(number, path));
        return path;
    }
    unsigned update(const std::string& name, const std::string& value, int number = 1) {
        return update_lun(Json::array({Json::array({name, value})}), number);
    }
    unsigned remove(int number) {
        return code("logicalunit.delete", {{"tid", 1}, {"lun", number}});
    }
    Json graveyard() { return ok("system.show")["graveyard"]; }

    // Whether LUN 1 of target 1 was there all the time while `what` ran: looks in every turn of the
    // control thread. What a listing shows is what is there then.
    bool there_all_the_time(const std::function<void()>& what) {
        struct Look {
            explicit Look(BackingTest& t) : test(t) {}
            BackingTest& test;
            bool missed = false;
            std::promise<void> over;
            std::atomic<bool> enough = false;
            void now() {
                const auto& luns = test.registry->targets().at(1).target->luns();
                missed = missed || !luns.count(1);
                if (enough) return over.set_value();
                test.runtime->control().post([this] { now(); });
            }
        };
        Look look(*this);
        runtime->control().post([&] { look.now(); });
        what();
        look.enough = true;
        look.over.get_future().get();
        return !look.missed;
    }

    // A request whose answer is waited for later.
    struct Pending {
        std::promise<Answer> promise;
        std::future<Answer> answer = promise.get_future();
        bool ready() {
            return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
        }
    };
    std::shared_ptr<Pending> begin_request(std::string_view method, Json params) {
        auto pending = std::make_shared<Pending>();
        runtime->control().post([this, pending, verb = *ipc::verb_of(method), params] {
            run_verb(*registry, verb, std::make_shared<const Json>(params),
                     [pending](Answer answer) { pending->promise.set_value(std::move(answer)); });
        });
        return pending;
    }

    // The initiator, on worker 0.
    void login() {
        on_worker([this] {
            auto& shard = target_of_test()->shard(0);
            nexus_ = std::make_unique<scsi::Nexus>(
                shard, scsi::NexusId{"iqn.2001-04.com.example:i,i,0x1", 1}, 1);
            for (auto& [lun, itl] : nexus_->luns()) itl->attentions.clear_all();
        });
    }
    void logout() {
        if (!nexus_) return;
        std::promise<void> gone;
        runtime->worker(0).post([&] {
            scsi::retire(std::move(nexus_), std::chrono::seconds(5), [&] { gone.set_value(); });
        });
        gone.get_future().get();
    }
    tgt::test::TestCommandPtr start(std::vector<uint8_t> cdb, std::vector<uint8_t> data = {},
                                    uint64_t lun = 1) {
        const uint64_t sent = data.size();
        auto command = std::make_shared<tgt::test::TestCommand>(std::move(cdb), std::move(data));
        commands_.push_back(command);
        runtime->worker(0).post([this, command, sent, lun] {
            command->nexus = nexus_.get();
            command->lun = lun;
            command->expected_in = 1 << 20;
            command->expected_out = sent;
            scsi::submit(*command);
        });
        return command;
    }
    tgt::test::Answer run_command(std::vector<uint8_t> cdb, std::vector<uint8_t> data = {},
                                  uint64_t lun = 1) {
        auto answer = start(std::move(cdb), std::move(data), lun)->wait();
        on_worker([] {});
        return answer;
    }
    template <class Function>
    void on_worker(Function function) {
        std::promise<void> ran;
        runtime->worker(0).post([&] {
            function();
            ran.set_value();
        });
        ran.get_future().get();
    }
    // One block at `lba`.
    static std::vector<uint8_t> write10(uint8_t lba) { return {0x2a, 0, 0, 0, 0, lba, 0, 0, 1, 0}; }
    static std::vector<uint8_t> read10(uint8_t lba) { return {0x28, 0, 0, 0, 0, lba, 0, 0, 1, 0}; }

    std::shared_ptr<scsi::Target> target_of_test() {
        return on_control([this] { return registry->targets().at(1).target; });
    }
    std::shared_ptr<scsi::LogicalUnit> unit(int number = 1) {
        return on_control(
            [this, number] { return registry->targets().at(1).target->luns().at(number); });
    }

  private:
    std::unique_ptr<scsi::Nexus> nexus_;
    std::vector<tgt::test::TestCommandPtr> commands_;  // the store may still have them
};

}  // namespace tgt::mgmt::test
