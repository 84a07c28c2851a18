// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtimg/tape_image.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <array>
#include <cstring>
#include <ctime>

#include "base/unique_fd.h"
#include "store/ssc/image.h"
#include "store/ssc/media_types.h"
#include "store/tape.h"

namespace tgt::tgtimg {
namespace {

using store::Tape;
using store::TapeBlock;
using store::TapeInfo;
using store::TapeKind;
using store::TapeMoved;
using store::TapeObject;

constexpr int exit_open = 1;
constexpr int exit_create = 2;
constexpr uint64_t megabyte = uint64_t(1) << 20;
// Of an image of version 2, where the first block is: tgt shows places in the file.
constexpr uint64_t first_block = 1152;

// tgt's numbers of the kinds.
struct Line {
    std::string_view name;
    unsigned number;
};
constexpr Line beginning = {"Beginning of Tape", 16};
constexpr Line end = {"End of Data", 32};

Line line_of(const TapeBlock& block) {
    if (block.kind == TapeObject::end_of_data) return end;
    if (block.kind == TapeObject::filemark) return {"Filemark", 64};
    // Compressed, encrypted or both; the drive knows.
    if (block.flags != 0) return {"Encoded data", 1};
    return {"Uncompressed data", 2};
}

std::string label(const Line& line) {
    return fmt::format("{:>21}", fmt::format("{}({})", line.name, line.number));
}

// tgtimg's own serial numbers end in the time at which they were made.
std::string birthday(const std::string& serial) {
    const size_t mark = serial.rfind('_');
    if (mark == std::string::npos || mark == 0) return "\n";
    const time_t seconds = time_t(atoll(serial.c_str() + mark + 1));
    std::array<char, 64> text{};
    tm local{};
    if (!localtime_r(&seconds, &local)) return "\n";
    strftime(text.data(), text.size(), "created %a %b %e %H:%M:%S %Y\n\n", &local);
    return text.data();
}

std::string_view name_of(TapeKind kind) {
    if (kind == TapeKind::worm) return "WORM";
    return kind == TapeKind::cleaning ? "Cleaning" : "Data";
}

// What tgt's format has no place for.
void print_more(const Tape& tape) {
    const TapeInfo& info = tape.info();
    const auto* type = store::ssc::media_type_of_density(info.density);
    fmt::print("Format    : {}\n", info.format);
    if (type) fmt::print("Cartridge : {}\n", type->name);
    if (tape.partitions() > 1) fmt::print("Partitions: {}\n", tape.partitions());
}

int print_objects(Tape& tape, uint32_t partition, uint64_t base) {
    bool reached = false;
    if (const int error = tape.locate(partition, 0, reached)) return error;
    const auto place = [&] { return base + tape.room(partition).before; };
    uint64_t previous = 0;
    for (;;) {
        TapeBlock block;
        TapeMoved moved;
        if (const int error = tape.next(block)) return error;
        const uint64_t current = place(), number = tape.position().object + 1;
        const bool last = block.kind == TapeObject::end_of_data;
        const bool mark = block.kind == TapeObject::filemark;
        const int error = last   ? 0
                          : mark ? tape.space_filemarks(1, moved)
                                 : tape.space_blocks(1, moved);
        if (error) return error;
        fmt::print("{}: Blk No. {}, prev {}, curr {},  next {}, sz {}\n", label(line_of(block)),
                   number, previous, current, place(), block.length);
        if (last) return 0;
        previous = current;
    }
}

int print_tape(Tape& tape) {
    const TapeInfo& info = tape.info();
    const bool old = info.format == "tgt tape 2";
    const uint64_t base = old ? first_block : 0;
    fmt::print("Media     : {:<31}\n type     : {}\nMedia serial number : {}, {}", info.barcode,
               name_of(info.kind), info.serial, birthday(info.serial));
    if (!old) print_more(tape);
    for (uint32_t i = 0; i < tape.partitions(); ++i) {
        if (tape.partitions() > 1) fmt::print("\nPartition {}\n", i);
        fmt::print("{}: Capacity {} MB, Blk No.: 0, prev 0, curr 0, next {}\n", label(beginning),
                   tape.room(i).capacity / megabyte, base);
        if (const int error = print_objects(tape, i, base)) return error;
    }
    return 0;
}

}  // namespace

Result<void> create_tape(const std::string& path, const store::ssc::CartridgeSpec& spec,
                         int format) {
    auto made = store::ssc::create_cartridge(path, spec, format);
    if (made) {
        // tgt says this much, and programs may wait for it.
        if (format == 2)
            fmt::print("blk_sz: {}, next 1152, 1152\nSizeof(mam): 1104, sizeof(h): 48\n",
                       spec.capacity / megabyte);
        else
            fmt::print("Created blank tape image file : {}\n", path);
        return {};
    }
    const int code = made.error().code;
    if (code == EINVAL) return fail(EINVAL, fmt::format("tgtimg: {}\n", made.error().text));
    return fail(exit_create, fmt::format("Failed creating file: {}\n", std::strerror(code)));
}

Result<void> show_tape(const std::string& path) {
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd)
        return fail(exit_open,
                    fmt::format("tgtimg: can't open {}, {}\n", path, std::strerror(errno)));
    auto tape =
        store::ssc::open_image(std::make_unique<store::ssc::DescriptorFile>(fd.get()), true);
    if (!tape)
        return fail(exit_open,
                    fmt::format("tgtimg: {} is no tape image: {}\n", path, tape.error().text));
    if (const int error = print_tape(**tape))
        return fail(exit_open,
                    fmt::format("tgtimg: {} cannot be read on: {}\n", path, std::strerror(error)));
    return {};
}

}  // namespace tgt::tgtimg
