// SPDX-License-Identifier: GPL-2.0-or-later
// CDBs and Data-Out of any form through the engine, on a thin removable disk and the controller in
// memory. Every command must end, with no more data than was asked for.
//
// Input: any number of commands, each a header byte (bit 0 controller; bit 1 lengths follow; bits
// 7-4 add to the size of the Data-Out), a CDB of the length its opcode group says, then the lengths
// and the Data-Out.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "device/controller/controller.h"
#include "device/sbc/disk.h"
#include "tests/fuzz/input.h"
#include "tests/unit/scsi/harness.h"

namespace {

using tgt::test::Answer;
using tgt::test::Harness;
using tgt::test::Input;

constexpr size_t max_commands = 8;
constexpr size_t group_length[] = {6, 10, 10, 16, 16, 12, 6, 6};

std::unique_ptr<Harness> make_disk() {
    Harness::Options options;
    options.size = 4 << 20;
    options.adjust = [](tgt::scsi::LunState& state) { state.thin = state.removable = true; };
    return std::make_unique<Harness>(tgt::sbc::disk, options);
}

std::unique_ptr<Harness> make_controller() {
    Harness::Options options;
    options.medium = false;
    return std::make_unique<Harness>(tgt::controller::controller, options);
}

void run_one(Harness& harness, Input& input, uint8_t header) {
    std::vector<uint8_t> cdb(1, input.byte());
    auto rest = input.bytes(group_length[cdb[0] >> 5] - 1);
    cdb.insert(cdb.end(), rest.begin(), rest.end());
    Harness::Send send;
    if (header & 0x02) {
        send.expected_in = size_t(input.byte()) << (input.byte() % 16);
        send.data = input.bytes(size_t(header >> 4) * 512 + input.byte());
    } else {
        send.expected_in = 64 << 10;
        send.data = input.bytes(size_t(header >> 4) * 512);
    }
    const uint64_t room = *send.expected_in;
    const Answer answer = harness.run(std::move(cdb), std::move(send));
    if (answer.data.size() > room || answer.data.size() > answer.in_total) std::abort();
    const bool check = answer.status() == tgt::scsi::Status::check_condition;
    if (check != answer.outcome.sense.has_value()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static std::unique_ptr<Harness> disk = make_disk();
    static std::unique_ptr<Harness> controller = make_controller();
    Input input(data, size);
    for (size_t i = 0; i < max_commands && !input.empty(); ++i) {
        const uint8_t header = input.byte();
        run_one(header & 1 ? *controller : *disk, input, header);
    }
    return 0;
}
