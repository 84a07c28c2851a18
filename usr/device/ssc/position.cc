// SPDX-License-Identifier: GPL-2.0-or-later
// READ POSITION and READ BLOCK LIMITS (SSC-4 7.5, 7.7).
#include <algorithm>

#include "device/ssc/drive.h"
#include "device/ssc/handlers.h"
#include "device/ssc/personality.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

constexpr uint8_t at_beginning = 0x80, near_end = 0x40, position_error = 0x02,
                  beyond_programmable = 0x01;
constexpr uint64_t largest_short = 0xffffffff;

uint8_t flags(const Command& command, const Drive& drive, const store::TapePosition& position) {
    const Warning warning = drive.warning(command.state());
    uint8_t bits = 0;
    if (position.object == 0) bits |= at_beginning;
    if (warning.early) bits |= near_end;
    if (warning.programmable) bits |= beyond_programmable;
    return bits;
}

using Fill = void (*)(uint8_t* data, const store::TapePosition& position);

Outcome reply(Command& command, size_t length, uint64_t allocation, Fill fill) {
    const Drive& drive = drive_of(command);
    if (auto sense = drive.not_ready()) return *sense;
    const store::TapePosition position = drive.tape()->position();
    uint8_t data[32] = {flags(command, drive, position)};
    fill(data, position);
    return command.reply(std::span(data).first(length), allocation);
}

// Nothing is in a buffer of the drive: what was written has left it.
void fill_short(uint8_t* data, const store::TapePosition& position) {
    data[1] = uint8_t(position.partition);
    if (position.object > largest_short) {
        data[0] |= position_error;
        return;
    }
    wire::store_be<4>(data + 4, uint32_t(position.object));
    wire::store_be<4>(data + 8, uint32_t(position.object));
}

void fill_long(uint8_t* data, const store::TapePosition& position) {
    wire::store_be<4>(data + 4, position.partition);
    wire::store_be<8>(data + 8, position.object);
    wire::store_be<8>(data + 16, position.file);
}

void fill_extended(uint8_t* data, const store::TapePosition& position) {
    data[1] = uint8_t(position.partition);
    wire::store_be<2>(data + 2, 0x1c);  // ADDITIONAL LENGTH
    wire::store_be<8>(data + 8, position.object);
    wire::store_be<8>(data + 16, position.object);
}

constexpr size_t short_form = 20, long_form = 32;

}  // namespace

Outcome read_position_short(Command& command) {
    return reply(command, short_form, short_form, fill_short);
}
Outcome read_position_long(Command& command) {
    return reply(command, long_form, long_form, fill_long);
}
Outcome read_position_extended(Command& command) {
    return reply(command, long_form, command.extents.bytes, fill_extended);
}

Outcome read_block_limits(Command& command) {
    uint8_t data[20] = {};
    if (command.cdb[1] & 0x01) {  // MLOI
        wire::store_be<8>(data + 12, UINT64_MAX - 1);
        return command.reply(data, sizeof(data));
    }
    const Personality& drive = personality_of(command.state());
    wire::store_be<3>(data + 1, drive.max_block);
    wire::store_be<2>(data + 4, uint16_t(min_block_bytes));
    return command.reply(std::span(data).first(6), 6);
}

}  // namespace tgt::ssc
