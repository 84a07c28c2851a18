// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/scsi/harness.h"

#include <algorithm>

namespace tgt::test {

using scsi::Nexus;
using scsi::NexusId;

namespace {

constexpr auto bound = std::chrono::seconds(10);
constexpr uint64_t plenty = uint64_t(1) << 30;

// Posts `function` and waits until it has run.
template <class Fn>
void run_on(io::Worker& worker, Fn&& function) {
    std::promise<void> ran;
    worker.post([&] {
        function();
        ran.set_value();
    });
    ran.get_future().wait();
}

}  // namespace

uint32_t Answer::sense() const {
    if (!outcome.sense) return 0;
    return uint32_t(outcome.sense->key) << 16 | uint32_t(outcome.sense->asc) << 8 |
           outcome.sense->ascq;
}

TestCommand::TestCommand(std::vector<uint8_t> bytes, std::vector<uint8_t> data)
    : data_(std::move(data)), future_(promise_.get_future()) {
    std::copy_n(bytes.begin(), std::min(bytes.size(), cdb.size()), cdb.begin());
    cdb_length = uint16_t(bytes.size());
}

void TestCommand::want_data_out() {
    out.copy_in(0, data_);
    if (!withhold_data) scsi::data_out_complete(*this);
}

void TestCommand::finished() {
    Answer answer;
    answer.outcome = outcome;
    answer.data.resize(in.size());
    in.copy_out(0, answer.data);
    answer.in_total = in_total;
    answer.out_total = out_total;
    answer.silent = silent;
    answer.sense_data = device_sense;
    in.release();
    out.release();
    promise_.set_value(std::move(answer));
}

Answer TestCommand::wait() {
    return future_.get();
}

bool TestCommand::ready() {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

Harness::Harness(const scsi::DeviceType& type, const Options& options)
    : runtime_(io::Runtime::Options{.workers = options.workers}), options_(options) {
    std::unique_ptr<store::Store> store;
    if (options.other_store) {
        store = options.other_store();
    } else if (options.medium) {
        auto made = std::make_unique<MemoryStore>(options.size);
        if (options.prepare) options.prepare(*made);
        store_ = made.get();
        store_closed_ = made->closed();
        store = std::move(made);
    }
    scsi::LunSetup setup;
    setup.store = store ? &store->info() : nullptr;
    setup.block_size = options.block_size;
    scsi::LunState state = type.initial_state(setup);
    if (options.adjust) options.adjust(state);
    runtime_.start();
    target_ = std::make_shared<scsi::Target>(runtime_, "iqn.2001-04.com.example:test", 1);
    run_on(runtime_.control(), [&] {
        unit_ = scsi::LogicalUnit::make(runtime_, type, std::move(store), "memory", "/memory", "",
                                        std::move(state), 4);
    });
    std::promise<void> added;
    run_on(runtime_.control(),
           [&] { target_->add_lun(options.lun, unit_, [&] { added.set_value(); }); });
    added.get_future().wait();
    add_nexus("iqn.2001-04.com.example:initiator-0,i,0x000000000001");
}

Harness::~Harness() {
    if (store_) {
        store_->hold(false);
        store_->release_held();
    }
    for (size_t i = 0; i < nexuses_.size(); ++i) {
        std::promise<void> retired;
        run_on(worker_of(i),
               [&] { scsi::retire(std::move(nexuses_[i]), bound, [&] { retired.set_value(); }); });
        retired.get_future().wait();
    }
    std::promise<void> removed;
    run_on(runtime_.control(),
           [&] { target_->remove_lun(options_.lun, bound, [&](bool) { removed.set_value(); }); });
    removed.get_future().wait();
    unit_.reset();
    if (store_) store_closed_.wait();
    // The unit's disposal goes round the workers and through the pool.
    for (unsigned i = 0; i < runtime_.worker_count(); ++i) run_on(runtime_.worker(i), [] {});
    run_on(runtime_.control(), [] {});
    runtime_.pool().wait_idle(io::Clock::now() + bound);
}

size_t Harness::add_nexus(const std::string& initiator_port) {
    const size_t number = nexuses_.size();
    nexuses_.emplace_back();
    run_on(worker_of(number), [&] {
        auto& shard = target_->shard(worker_of(number).index());
        nexuses_[number] = std::make_unique<Nexus>(shard, NexusId{initiator_port, 1}, number + 1);
        if (options_.keep_unit_attention) return;
        for (auto& [lun, itl] : nexuses_[number]->luns()) itl->attentions.clear_all();
    });
    return number;
}

TestCommandPtr Harness::start(std::vector<uint8_t> cdb, Send send) {
    const uint64_t sent = send.data.size();
    auto command = std::make_shared<TestCommand>(std::move(cdb), std::move(send.data));
    command->nexus = nexuses_[send.nexus].get();
    command->lun = send.lun.value_or(options_.lun);
    command->tag = send.tag;
    command->attribute = send.attribute;
    command->expected_in = send.expected_in.value_or(plenty);
    command->expected_out = send.expected_out.value_or(sent);
    command->withhold_data = send.withhold_data;
    worker_of(send.nexus).post([command] { scsi::submit(*command); });
    return command;
}

Answer Harness::run(std::vector<uint8_t> cdb, Send send) {
    const size_t nexus = send.nexus;
    auto command = start(std::move(cdb), std::move(send));
    Answer answer = command->wait();
    run_on(worker_of(nexus), [] {});  // the worker has left the command
    return answer;
}

Answer Harness::run(std::vector<uint8_t> cdb, std::vector<uint8_t> data) {
    Send send;
    send.data = std::move(data);
    return run(std::move(cdb), std::move(send));
}

void Harness::on_worker(std::function<void()> function, size_t nexus) {
    run_on(worker_of(nexus), function);
}

void Harness::change(std::function<void(scsi::LunState&)> edit) {
    std::promise<void> done;
    auto build = [&](const scsi::LunState& now) {
        scsi::LunChange change;
        change.next = std::make_shared<scsi::LunState>(now);
        edit(*change.next);
        return change;
    };
    unit_->change(build, runtime_.control(), [&](const scsi::Outcome&) { done.set_value(); });
    done.get_future().wait();
}

std::vector<uint8_t> pattern(size_t bytes, uint8_t seed) {
    std::vector<uint8_t> data(bytes);
    for (size_t i = 0; i < bytes; ++i) data[i] = uint8_t(seed + i * 7 + (i >> 8));
    return data;
}

}  // namespace tgt::test
