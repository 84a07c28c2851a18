// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/scsi/engine_bench.h"

#include <condition_variable>
#include <mutex>

#include "scsi/spc_commands.h"
#include "tests/unit/scsi/test_device.h"
#include "wire/endian.h"

namespace tgt::test {

using namespace scsi;

namespace {

struct GateState {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = true;
    size_t waiting = 0;
};
GateState gate;

Step transfer(Command& command, store::OpKind kind, const io::Buffer& buffer) {
    command.op.kind = kind;
    command.op.offset = command.extents.lba * command.state().geometry.block_size;
    command.op.length = buffer.size();
    command.op.iov = command.iov.data();
    command.op.iov_count = unsigned(buffer.slice(0, buffer.size(), command.iov.data()));
    return command.submit_io([](Command& ended) -> Outcome {
        return outcome_of_errno(ended.op.error, Access::write, ended.extents.lba);
    });
}

constexpr OpRow range_row(std::string_view name, uint8_t opcode, Direction direction, Start start) {
    OpRow row;
    row.name = name;
    row.opcode = opcode;
    row.cdb_length = 10;
    row.usage = {opcode, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff};
    row.direction = direction;
    row.reservation = direction == Direction::in ? ReservationClass::read : ReservationClass::write;
    row.flags = direction == Direction::in ? 0 : op_writes;
    row.range = Range::cdb10;
    row.amount = Amount::blocks;
    row.kind = Kind::io;
    row.start = start;
    row.reach = &reach_of_range;
    return row;
}

Step start_read(Command& command) {
    return transfer(command, store::OpKind::read, command.in);
}
Step start_write(Command& command) {
    return transfer(command, store::OpKind::write, command.out);
}
Outcome run_gated(Command&) {
    Gate::pass();
    return Status::good;
}
Outcome run_prevent(Command& command) {
    command.itl->set_prevents_removal((command.cdb[4] & 1) != 0);
    return Status::good;
}

constexpr OpRow gated_row() {
    OpRow row;
    row.name = "GATED";
    row.opcode = 0x2f;
    row.cdb_length = 10;
    row.usage = {0x2f};
    row.kind = Kind::blocking;
    row.run = &run_gated;
    return row;
}
// As COMPARE AND WRITE: nothing else may touch its blocks meanwhile.
constexpr OpRow exclusive_row() {
    OpRow row = range_row("EXCLUSIVE", 0x2e, Direction::none, nullptr);
    row.amount = Amount::none;
    row.flags = op_writes | op_exclusive;
    row.kind = Kind::blocking;
    row.run = &run_gated;
    return row;
}
constexpr OpRow prevent_row() {
    OpRow row;
    row.name = "PREVENT";
    row.opcode = 0x1e;
    row.cdb_length = 6;
    row.usage = {0x1e, 0, 0, 0, 1};
    row.run = &run_prevent;
    return row;
}

constexpr std::array<OpRow, 5> own_rows = {
    range_row("READ(10)", 0x28, Direction::in, &start_read),
    range_row("WRITE(10)", 0x2a, Direction::out, &start_write), exclusive_row(), gated_row(),
    prevent_row()};
constexpr auto rows = join(spc_rows, own_rows);

const OpIndex& ops() {
    static const OpIndex index(rows);
    return index;
}

}  // namespace

void Gate::shut() {
    std::lock_guard lock(gate.mutex);
    gate.open = false;
}
void Gate::open() {
    std::lock_guard lock(gate.mutex);
    gate.open = true;
    gate.changed.notify_all();
}
void Gate::wait_for(size_t jobs) {
    std::unique_lock lock(gate.mutex);
    gate.changed.wait(lock, [&] { return gate.waiting >= jobs; });
}
void Gate::pass() {
    std::unique_lock lock(gate.mutex);
    ++gate.waiting;
    gate.changed.notify_all();
    gate.changed.wait(lock, [] { return gate.open; });
    --gate.waiting;
}

const DeviceType& engine_device() {
    static const DeviceType type = [] {
        DeviceType copy = spc_device();
        copy.ops = ops;
        return copy;
    }();
    return type;
}

Bench::Bench(unsigned workers, std::function<void(LunState&)> adjust, const DeviceType& type)
    : runtime(io::Runtime::Options{.workers = workers}) {
    auto made = std::make_unique<MemoryStore>(1 << 20);
    store = made.get();
    store_closed = made->closed();
    LunSetup setup;
    setup.store = &made->info();
    LunState state = type.initial_state(setup);
    if (adjust) adjust(state);
    target = std::make_shared<Target>(runtime, "iqn.2001-04.com.example:bench", 1);
    unit = LogicalUnit::make(runtime, type, std::move(made), "memory", "/memory", "",
                             std::move(state), 4);
    target->add_lun(1, unit, {});
    settle();
    login("iqn.i0");
}

Bench::~Bench() {
    Gate::open();
    if (!store_gone()) store->hold(false);
    if (!store_gone()) store->release_held();
    await_jobs();
    for (auto& one : nexuses)
        if (one) retire(std::move(one), std::chrono::seconds(1), [] {});
    settle();
    for (auto luns = target->luns(); auto& [lun, mapped] : luns)
        target->remove_lun(lun, std::chrono::seconds(1), [](bool) {});
    unit.reset();
    while (!store_gone()) await_jobs();
    await_jobs();
}

bool Bench::store_gone() {
    return store_closed.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void Bench::settle() {
    for (int round = 0; round < 10; ++round) {
        for (unsigned i = 0; i < runtime.worker_count(); ++i) runtime.worker(i).turn_for_test(now);
        runtime.control().turn_for_test(now);
    }
}

void Bench::pass(io::Duration d) {
    settle();
    now += d;
    settle();
}

void Bench::await_jobs() {
    settle();
    runtime.pool().wait_idle(io::Clock::now() + std::chrono::seconds(10));
    settle();
}

size_t Bench::login(const std::string& port, unsigned worker, bool keep, Target* other) {
    Target& to = other ? *other : *target;
    nexuses.push_back(std::make_unique<Nexus>(to.shard(worker), NexusId{port, to.relative_port()},
                                              nexuses.size() + 1));
    if (!keep)
        for (auto& [lun, itl] : nexuses.back()->luns()) itl->attentions.clear_all();
    return nexuses.size() - 1;
}

TestCommandPtr Bench::send(std::vector<uint8_t> cdb, Send send) {
    uint64_t bytes = send.data.size();
    auto command = std::make_shared<TestCommand>(std::move(cdb), std::move(send.data));
    command->nexus = nexuses[send.nexus].get();
    command->lun = send.lun;
    command->tag = send.tag;
    command->attribute = send.attribute;
    command->expected_in = send.expected_in.value_or(1 << 20);
    command->expected_out = bytes;
    command->withhold_data = send.withhold;
    commands.push_back(command);
    submit(*command);
    return command;
}

TestCommandPtr Bench::start(std::vector<uint8_t> cdb, Send how) {
    auto command = send(std::move(cdb), std::move(how));
    settle();
    return command;
}

Answer Bench::run(std::vector<uint8_t> cdb, Send send) {
    auto command = start(std::move(cdb), std::move(send));
    if (!command->ready()) await_jobs();
    return command->wait();
}

void Bench::edit(const std::function<void(LunState&)>& change) {
    auto build = [&](const LunState& state) {
        LunChange made;
        made.next = std::make_shared<LunState>(state);
        change(*made.next);
        return made;
    };
    unit->change(build, runtime.control(), [](const Outcome&) {});
    settle();
}

std::vector<uint8_t> read10(uint32_t lba, uint16_t blocks) {
    std::vector<uint8_t> cdb(10);
    cdb[0] = 0x28;
    wire::store_be<4>(&cdb[2], lba);
    wire::store_be<2>(&cdb[7], blocks);
    return cdb;
}
std::vector<uint8_t> exclusive10(uint32_t lba, uint16_t blocks) {
    auto cdb = read10(lba, blocks);
    cdb[0] = 0x2e;
    return cdb;
}

std::vector<uint8_t> write10(uint32_t lba, uint16_t blocks) {
    auto cdb = read10(lba, blocks);
    cdb[0] = 0x2a;
    return cdb;
}

}  // namespace tgt::test
