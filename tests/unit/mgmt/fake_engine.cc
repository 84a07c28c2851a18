// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/mgmt/fake_engine.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "store/null/null.h"
#include "store/rdwr/rdwr.h"

namespace tgt::mgmt::test {

void Gate::shut() {
    std::lock_guard lock(mutex_);
    shut_ = true;
}

void Gate::open() {
    std::lock_guard lock(mutex_);
    shut_ = false;
    changed_.notify_all();
}

void Gate::pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !shut_; });
    --waiting_;
}

void Gate::await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
}

namespace {

struct World {
    std::mutex mutex;
    std::map<std::string, std::unique_ptr<FakeMedium>> media;
};

World& world() {
    static World one;
    return one;
}

class FakeStore final : public store::Store {
  public:
    FakeStore(FakeMedium& medium, store::Info info, std::string path)
        : medium_(medium), info_(std::move(info)), path_(std::move(path)), memory_(info_.size) {
        medium_.stores.push_back(&memory_);
    }
    ~FakeStore() override {
        medium_.closing.pass();
        std::lock_guard lock(world().mutex);
        std::erase(medium_.stores, &memory_);
        ++medium_.closed;
    }
    const store::Info& info() const override { return info_; }
    std::unique_ptr<store::StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) override {
        return memory_.make_queue(worker, lane);
    }
    int perform(store::Op& op) override { return memory_.perform(op); }
    Result<store::Extent> extent(uint64_t offset) override { return memory_.extent(offset); }
    Result<uint64_t> current_size() override {
        medium_.sizing.pass();
        std::lock_guard lock(world().mutex);
        if (medium_.size_error)
            return fail(medium_.size_error,
                        fmt::format("{}: {}", path_, std::strerror(medium_.size_error)));
        return medium_.size;
    }
    Result<void> update(std::string_view name, std::string_view value) override {
        medium_.updating.pass();
        std::lock_guard lock(world().mutex);
        const auto it = medium_.parameters.find(std::string(name));
        if (it == medium_.parameters.end()) return Store::update(name, value);
        if (value.empty()) return fail(EINVAL, fmt::format("{} must not be empty", name));
        it->second = value;
        return {};
    }
    std::vector<std::pair<std::string, std::string>> parameters() const override {
        std::lock_guard lock(world().mutex);
        return {medium_.parameters.begin(), medium_.parameters.end()};
    }

  private:
    FakeMedium& medium_;
    const store::Info info_;
    const std::string path_;
    tgt::test::MemoryStore memory_;
};

store::Identity identity_of_file(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return {};
    return {info.st_dev, info.st_ino, true};
}

Result<std::unique_ptr<store::Store>> open_fake(const store::OpenRequest& request) {
    FakeMedium& medium = fake::medium(request.path);
    medium.opening.pass();
    std::lock_guard lock(world().mutex);
    medium.request = request;
    if (medium.open_error)
        return fail(medium.open_error, fmt::format("cannot open {}: {}", request.path,
                                                   std::strerror(medium.open_error)));
    store::Info info;
    info.size = medium.size;
    info.read_only = medium.read_only;
    info.identity = medium.identity.known ? medium.identity : identity_of_file(request.path);
    info.lasting_id = medium.lasting_id;
    ++medium.opened;
    return std::make_unique<FakeStore>(medium, std::move(info), request.path);
}

const store::Engine fake_engine = {
    .name = "fake", .flags = "sync", .needs_path = true, .open = open_fake};
const store::Engine other_engine = {
    .name = "other", .flags = "", .needs_path = true, .open = open_fake};
const store::Engine commands_engine = {.name = "commands",
                                       .flags = "",
                                       .needs_path = true,
                                       .open = open_fake,
                                       .content = store::Content::commands};

}  // namespace

namespace fake {

std::span<const store::Engine* const> engines() {
    static const std::array<const store::Engine*, 5> all{
        &store::null_engine, &store::rdwr_engine, &fake_engine, &other_engine, &commands_engine};
    return all;
}

void reset() {
    std::lock_guard lock(world().mutex);
    world().media.clear();
}

void let_everything_go() {
    std::lock_guard lock(world().mutex);
    for (auto& [path, medium] : world().media) {
        for (Gate* gate : {&medium->opening, &medium->closing, &medium->sizing, &medium->updating})
            gate->open();
        for (tgt::test::MemoryStore* store : medium->stores) {
            store->hold(false);
            store->release_held();
        }
    }
}

FakeMedium& medium(const std::string& path) {
    std::lock_guard lock(world().mutex);
    auto& found = world().media[path];
    if (!found) found = std::make_unique<FakeMedium>();
    return *found;
}

void with(const std::string& path, const std::function<void(FakeMedium&)>& look) {
    FakeMedium& found = medium(path);
    std::lock_guard lock(world().mutex);
    look(found);
}

}  // namespace fake

}  // namespace tgt::mgmt::test
