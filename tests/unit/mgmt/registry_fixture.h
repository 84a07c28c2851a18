// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>

#include "mgmt/registry.h"
#include "mgmt/verbs.h"
#include "tests/unit/mgmt/fake_driver.h"

namespace tgt::mgmt::test {

using Json = nlohmann::json;

// A registry with a fake driver on running threads, and a folder for backing files.
class RegistryTest : public ::testing::Test {
  protected:
    void SetUp() override { begin({}); }

    // `more` sets what needs the runtime.
    void begin(RegistryOptions options,
               const std::function<void(io::Runtime&, RegistryOptions&)>& more = {}) {
        end();
        std::string name = "/tmp/mgmt-test-XXXXXX";
        folder = mkdtemp(name.data());
        io::Runtime::Options threads;
        threads.workers = 2;
        runtime = std::make_unique<io::Runtime>(threads);
        if (more) more(*runtime, options);
        registry = std::make_unique<Registry>(*runtime, std::move(options));
        auto made = std::make_unique<FakeDriver>();
        driver = made.get();
        registry->add_driver(std::move(made));
        runtime->start();
    }
    void end() {
        if (!runtime) return;
        std::promise<void> stopped;
        runtime->control().post(
            [&] { registry->stop(std::chrono::seconds(1), [&] { stopped.set_value(); }); });
        stopped.get_future().get();
        runtime->stop();
        registry.reset();
        runtime.reset();
        std::filesystem::remove_all(folder);
    }
    void TearDown() override { end(); }

    std::string file(const std::string& name, uint64_t size) {
        const std::string path = folder + "/" + name;
        const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        EXPECT_EQ(ftruncate(fd.get(), off_t(size)), 0);
        return path;
    }
    Answer run(std::string_view method, Json params = Json::object()) {
        const auto verb = ipc::verb_of(method);
        EXPECT_TRUE(verb) << method;
        std::promise<Answer> promise;
        runtime->control().post([&] {
            run_verb(*registry, *verb, std::make_shared<const Json>(params),
                     [&](Answer answer) { promise.set_value(std::move(answer)); });
        });
        return promise.get_future().get();
    }
    // The number of the failure, 0 for success. Every failure must say why.
    unsigned code(std::string_view method, Json params = Json::object()) {
        const Answer answer = run(method, std::move(params));
        if (answer) return 0;
        reason = answer.error().reason;
        EXPECT_FALSE(reason.empty()) << method;
        return unsigned(answer.error().code);
    }
    Json ok(std::string_view method, Json params = Json::object()) {
        const Answer answer = run(method, std::move(params));
        EXPECT_TRUE(answer) << method << ": " << (answer ? "" : answer.error().reason);
        if (answer && answer->text) return Json{{"text", *answer->text}};
        return answer ? *answer->result : Json();
    }
    template <class Function>
    auto on_control(Function function) {
        std::promise<decltype(function())> promise;
        runtime->control().post([&] { promise.set_value(function()); });
        return promise.get_future().get();
    }
    void make_target(int tid = 1) {
        ok("target.new", {{"tid", tid}, {"targetname", "iqn.t:" + std::to_string(tid)}});
    }
    void make_disk(int tid, int lun, const std::string& path) {
        ok("logicalunit.new", {{"tid", tid}, {"lun", lun}, {"backing-store", path}});
    }
    Json target(int tid) {
        const Json shown = ok("target.show");
        for (const Json& one : shown["targets"])
            if (one["tid"] == tid) return one;
        return {};
    }
    Json lun(int tid, int number) {
        const Json shown = target(tid);
        for (const Json& one : shown["luns"])
            if (one["lun"] == number) return one;
        return {};
    }
    unsigned update_lun(Json params, int number = 1) {
        return code("logicalunit.update",
                    {{"tid", 1}, {"lun", number}, {"params", std::move(params)}});
    }

    std::unique_ptr<io::Runtime> runtime;
    std::unique_ptr<Registry> registry;
    FakeDriver* driver = nullptr;
    std::string folder;
    std::string reason;  // of the last failure
};

}  // namespace tgt::mgmt::test
