// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/device/smc/library_bench.h"

#include <gtest/gtest.h>

#include "tests/unit/scsi/test_device.h"
#include "wire/endian.h"

namespace tgt::test {

namespace {

Result<std::unique_ptr<store::Store>> open_fake(const store::OpenRequest& request) {
    if (FakeShelf::files().count(request.path) == 0)
        return fail(ENOENT, request.path + " is not there");
    return std::make_unique<MemoryStore>(4096);
}
const store::Engine fake_engine = {
    .name = "fake", .flags = "", .needs_path = true, .open = open_fake};

std::unique_ptr<scsi::DeviceModel> make_fake(std::unique_ptr<store::Store>,
                                             const std::string& path) {
    return std::make_unique<FakeDrive>(path);
}

const scsi::DeviceType& fake_type() {
    static const scsi::DeviceType type = [] {
        scsi::DeviceType copy = spc_device();
        copy.name = "tape";
        copy.peripheral_type = 1;
        copy.default_store = "fake";
        copy.serial = true;
        copy.make_model = &make_fake;
        return copy;
    }();
    return type;
}

void put16(std::vector<uint8_t>& cdb, size_t at, uint16_t value) {
    wire::store_be<2>(&cdb[at], value);
}

std::string trimmed(const uint8_t* bytes, size_t length) {
    std::string out(bytes, bytes + length);
    out.erase(out.find_last_not_of(std::string(" \0", 2)) + 1);
    return out;
}

Descriptor read_descriptor(const uint8_t* bytes, uint8_t kind, bool tagged) {
    Descriptor out;
    out.address = wire::load_be<2>(bytes);
    out.kind = kind;
    out.flags = bytes[2];
    out.code = wire::load_be<2>(bytes + 4);
    if (bytes[9] & 0x80) out.source = wire::load_be<2>(bytes + 10);
    if (tagged) out.tag = trimmed(bytes + 12, 32);
    const uint8_t* id = bytes + (tagged ? 48 : 12);
    if (id[3] > 0) {
        EXPECT_EQ(id[0], 0x02);
        EXPECT_EQ(id[1], 0x01);
        out.id.assign(id + 4, id + 4 + id[3]);
    }
    return out;
}

}  // namespace

void FakeDrive::publish() {
    scsi::MediumStatus status;
    status.present = !path.empty();
    status.path = path;
    unit_->publish_medium(std::move(status));
}

scsi::MediumPort::Answer FakeDrive::load(std::unique_ptr<store::Store> medium, std::string from,
                                         io::Duration) {
    ++loads;
    Answer answer;
    answer.result = path.empty() ? next_load : Answered::occupied;
    if (answer.result == Answered::done) {
        path = std::move(from);
        publish();
    } else {
        answer.medium = std::move(medium);
    }
    return answer;
}

scsi::MediumPort::Answer FakeDrive::unload(io::Duration) {
    ++unloads;
    Answer answer;
    answer.result = path.empty() ? Answered::empty : next_unload;
    if (answer.result == Answered::done) {
        answer.path = std::exchange(path, {});
        publish();
    }
    return answer;
}

std::set<std::string>& FakeShelf::files() {
    static std::set<std::string> all;
    return all;
}

LibraryBench::LibraryBench() : Bench(1, {}, smc::changer) {
    FakeShelf::files().clear();
    update({{"media_home", "/tapes"}});
    update({{"element_type", "1"}, {"start_address", "1"}, {"quantity", "1"}});
    update({{"element_type", "2"}, {"start_address", "1000"}, {"quantity", "5"}});
    update({{"element_type", "3"}, {"start_address", "10"}, {"quantity", "2"}});
    update({{"element_type", "4"}, {"start_address", "500"}, {"quantity", "2"}});
    for (unsigned i = 0; i < 2; ++i) {
        add_drive(2 + i);
        update({{"element_type", "4"},
                {"address", std::to_string(500 + i)},
                {"tid", "1"},
                {"lun", std::to_string(2 + i)}});
    }
    for (unsigned i = 1; i <= 3; ++i) {
        const std::string barcode = "A0000" + std::to_string(i) + "L8";
        FakeShelf::files().insert("/tapes/" + barcode);
        update({{"element_type", "2"}, {"address", std::to_string(999 + i)}, {"barcode", barcode}});
    }
    for (int i = 0; i < 5; ++i) run(tur);
    warnings.clear();
}

LibraryBench::~LibraryBench() = default;

std::string LibraryBench::update(const Values& values) {
    scsi::ModelUpdate change;
    change.values = values;
    change.state = unit->state();
    int tid = 0;
    uint64_t lun = 0;
    for (const auto& [name, value] : values) {
        if (name == "tid") tid = std::stoi(value);
        if (name == "lun") lun = std::stoull(value);
    }
    const auto found = target->luns().find(lun);
    if (tid == 1 && lun != 0 && found != target->luns().end()) change.unit = found->second;
    Result<void> result;
    unit->on_strand([&] { result = unit->model()->update(change, warnings); });
    await_jobs();
    edit([&](scsi::LunState& state) { unit->model()->adjust(state); });
    if (result && change.unit) unit->model()->lun_came(tid, lun, change.unit);
    await_jobs();
    return result ? "" : result.error().text;
}

void LibraryBench::add_drive(uint64_t lun, const std::string& path) {
    scsi::LunState state = fake_type().initial_state({});
    state.identity.vendor = "IBM";
    state.identity.product = "ULT3580-TD8";
    state.identity.scsi_sn = "DRIVE0000" + std::to_string(lun);
    auto made = scsi::LogicalUnit::make(runtime, fake_type(), nullptr, "fake", path, "",
                                        std::move(state), 1);
    target->add_lun(lun, made, {});
    settle();
    unit->model()->lun_came(1, lun, made);
    await_jobs();
    itl(0).attentions.clear_all();  // 3Fh/0Eh
}

void LibraryBench::remove_drive(uint64_t lun) {
    target->remove_lun(lun, std::chrono::seconds(1), [](bool) {});
    await_jobs();
    itl(0).attentions.clear_all();  // 3Fh/0Eh
}

FakeDrive& LibraryBench::drive(uint64_t lun) {
    return static_cast<FakeDrive&>(*target->luns().at(lun)->model());
}

std::string LibraryBench::barcode_at(uint16_t address) {
    const auto& cartridge = changer().inventory().elements.at(address).cartridge;
    return cartridge ? cartridge->barcode : "";
}

Answer LibraryBench::move(uint16_t from, uint16_t to, uint16_t transport) {
    std::vector<uint8_t> cdb(12);
    cdb[0] = 0xa5;
    put16(cdb, 2, transport);
    put16(cdb, 4, from);
    put16(cdb, 6, to);
    return run(cdb);
}

Answer LibraryBench::exchange(uint16_t source, uint16_t first, uint16_t second) {
    std::vector<uint8_t> cdb(12);
    cdb[0] = 0xa6;
    put16(cdb, 2, 1);
    put16(cdb, 4, source);
    put16(cdb, 6, first);
    put16(cdb, 8, second);
    return run(cdb);
}

Answer LibraryBench::status(uint8_t kind, uint16_t start, uint16_t count, uint32_t allocation,
                            bool device_ids) {
    std::vector<uint8_t> cdb(12);
    cdb[0] = 0xb8;
    cdb[1] = uint8_t(0x10 | kind);
    put16(cdb, 2, start);
    put16(cdb, 4, count);
    cdb[6] = device_ids;
    wire::store_be<3>(&cdb[7], allocation);
    return run(cdb);
}

std::vector<Descriptor> read_report(const std::vector<uint8_t>& data) {
    std::vector<Descriptor> out;
    EXPECT_GE(data.size(), 8u);
    if (data.size() < 8) return out;
    EXPECT_EQ(wire::load_be<3>(&data[5]), data.size() - 8);
    for (size_t at = 8; at < data.size();) {
        const size_t length = wire::load_be<2>(&data[at + 2]);
        const size_t bytes = wire::load_be<3>(&data[at + 5]);
        const bool tagged = (data[at + 1] & 0x80) != 0;
        const uint8_t kind = data[at];
        at += 8;
        EXPECT_LE(at + bytes, data.size());
        EXPECT_EQ(bytes % length, 0u);
        for (const size_t end = at + bytes; at < end; at += length)
            out.push_back(read_descriptor(&data[at], kind, tagged));
    }
    EXPECT_EQ(wire::load_be<2>(&data[2]), out.size());
    return out;
}

}  // namespace tgt::test

namespace tgt::store {
// Instead of the engines of the build.
const Engine* find_engine(std::string_view name) {
    return name == "fake" ? &test::fake_engine : nullptr;
}
}  // namespace tgt::store
