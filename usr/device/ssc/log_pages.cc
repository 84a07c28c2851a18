// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/log_pages.h"

#include <algorithm>
#include <cstring>

#include "device/ssc/alerts.h"
#include "wire/endian.h"

namespace tgt::ssc {

namespace {

// 10^6 bytes, as SSC counts them; LTO's own pages count 2^20.
constexpr uint64_t megabyte = 1000000, mebibyte = uint64_t(1) << 20;

// Parameter control byte (SPC-4 7.3.2.2): FORMAT AND LINKING.
enum class Form : uint8_t { counter = 0x00, ascii = 0x01, binary = 0x03 };

void append_head(LogBody& body, uint16_t code, Form form, size_t length) {
    body.insert(body.end(), {uint8_t(code >> 8), uint8_t(code), uint8_t(form), uint8_t(length)});
}

void append_number(LogBody& body, uint16_t code, uint64_t value, unsigned bytes,
                   Form form = Form::counter) {
    if (bytes < 8) value = std::min(value, (uint64_t(1) << 8 * bytes) - 1);
    append_head(body, code, form, bytes);
    for (unsigned i = bytes; i > 0; --i) body.push_back(uint8_t(value >> 8 * (i - 1)));
}

void append_text(LogBody& body, uint16_t code, std::string_view text, size_t width) {
    append_head(body, code, Form::ascii, width);
    const size_t start = body.size();
    body.resize(start + width, ' ');
    std::copy_n(text.begin(), std::min(width, text.size()), body.begin() + ptrdiff_t(start));
}

// SPC-4 7.3.5 and 7.3.18: corrections are not told apart, as there are none.
void append_error_counters(LogBody& body, uint64_t bytes, uint64_t errors) {
    for (uint16_t code = 0; code <= 4; ++code) append_number(body, code, 0, 4);
    append_number(body, 5, bytes, 8);
    append_number(body, 6, errors, 4);
}

// In hundredths: 200 says that half was stored. 100 when nothing was.
uint64_t ratio(const Count& bytes, const Count& stored) {
    if (stored.get() == 0) return 100;
    return uint64_t(double(bytes.get()) * 100 / double(stored.get()));
}

// Pages 1Bh and 32h: megabytes, and the bytes beyond them.
void append_compression(LogBody& body, const Traffic& traffic) {
    append_number(body, 0, ratio(traffic.bytes_read, traffic.stored_bytes_read), 2);
    append_number(body, 1, ratio(traffic.bytes_written, traffic.stored_bytes_written), 2);
    uint16_t code = 2;
    for (const Count* count : {&traffic.bytes_read, &traffic.stored_bytes_read,
                               &traffic.bytes_written, &traffic.stored_bytes_written}) {
        append_number(body, code++, count->get() / megabyte, 4);
        append_number(body, code++, count->get() % megabyte, 4);
    }
}

const store::Tape* loaded_tape(const LogFacts& facts) {
    return facts.loaded ? facts.cartridge : nullptr;
}

uint64_t left(const store::TapeRoom& room) {
    return room.capacity - std::min(room.capacity, room.used);
}

template <class Value>
uint64_t sum(const store::Tape& tape, Value value) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < tape.partitions(); ++i) total += value(tape.room(i));
    return total;
}

// ---- page 17h

// A record for each partition (SSC-4 8.2.12, table 87).
template <class Value>
void append_partition_records(LogBody& body, uint16_t code, const store::Tape& tape, Value value) {
    constexpr uint8_t record_bytes = 8;
    append_head(body, code, Form::binary, record_bytes * tape.partitions());
    for (uint32_t i = 0; i < tape.partitions(); ++i) {
        std::array<uint8_t, record_bytes> record{record_bytes - 1};
        wire::store_be<2>(&record[2], uint16_t(i));
        wire::store_be<4>(&record[4],
                          uint32_t(std::min<uint64_t>(value(tape.room(i)) / megabyte, 0xfffffffe)));
        body.insert(body.end(), record.begin(), record.end());
    }
}

void append_volume_traffic(LogBody& body, const LogFacts& facts) {
    const Traffic& mount = facts.counters.mount;
    append_number(body, 0x01, facts.thread_count, 4);
    append_number(body, 0x02, mount.blocks_written.get(), 8);
    append_number(body, 0x03, 0, 4);
    append_number(body, 0x04, mount.write_errors.get(), 4);
    append_number(body, 0x07, mount.blocks_read.get(), 8);
    append_number(body, 0x08, 0, 4);
    append_number(body, 0x09, mount.read_errors.get(), 4);
    append_number(body, 0x0c, mount.write_errors.get(), 4);
    append_number(body, 0x0d, mount.read_errors.get(), 4);
    append_number(body, 0x0e, mount.bytes_written.get() / megabyte, 4);
    append_number(body, 0x0f, mount.bytes_read.get() / megabyte, 4);
    append_number(body, 0x12, ratio(mount.bytes_written, mount.stored_bytes_written), 4);
    append_number(body, 0x13, ratio(mount.bytes_read, mount.stored_bytes_read), 4);
}

void append_volume(LogBody& body, const LogFacts& facts, const store::Tape& tape) {
    using store::TapeRoom;
    const store::TapeInfo& info = tape.info();
    const auto capacity = [](const TapeRoom& room) { return room.capacity; };
    const auto used = [](const TapeRoom& room) { return room.used; };
    append_number(body, 0x16, info.capacity / megabyte, 4);
    append_number(body, 0x17, sum(tape, used) / megabyte, 4);
    append_text(body, 0x40, info.serial, 32);
    append_text(body, 0x42, info.barcode, 32);
    append_text(body, 0x43, "IET", 8);
    append_number(body, 0x80, facts.write_protected, 1, Form::binary);
    append_number(body, 0x81, info.kind == store::TapeKind::worm, 1, Form::binary);
    append_partition_records(body, 0x202, tape, capacity);
    append_partition_records(body, 0x203, tape, used);
    append_partition_records(body, 0x204, tape, left);
}

}  // namespace

void log_write_errors(const LogFacts& facts, LogBody& body) {
    const Traffic& mount = facts.counters.mount;
    append_error_counters(body, mount.bytes_written.get(), mount.write_errors.get());
}

void log_read_errors(const LogFacts& facts, LogBody& body) {
    const Traffic& mount = facts.counters.mount;
    append_error_counters(body, mount.bytes_read.get(), mount.read_errors.get());
}

void log_non_medium_errors(const LogFacts&, LogBody& body) {
    append_number(body, 0, 0, 4);
}

// SSC-4 8.2.3: bytes of hosts and of the medium, then megabytes of the partition.
void log_sequential_access(const LogFacts& facts, LogBody& body) {
    const Traffic& mount = facts.counters.mount;
    append_number(body, 0, mount.bytes_written.get(), 8);
    append_number(body, 1, mount.stored_bytes_written.get(), 8);
    append_number(body, 2, mount.stored_bytes_read.get(), 8);
    append_number(body, 3, mount.bytes_read.get(), 8);
    if (const store::Tape* tape = loaded_tape(facts)) {
        const store::TapeRoom room = tape->room(tape->position().partition);
        append_number(body, 4, room.used / megabyte, 8);
        append_number(body, 5, room.capacity / megabyte, 8);
        append_number(body, 6, 0, 8);
        append_number(body, 7, room.before / megabyte, 8);
        append_number(body, 8, 0, 8);
    }
    append_number(body, 0x100, 0, 1, Form::binary);  // no cleaning is wanted
}

// ADC-3 6.1.2: very high frequency data, and how often to ask for it.
void log_device_status(const LogFacts& facts, LogBody& body) {
    constexpr uint8_t pamr = 0x80, cmpr = 0x10, wrtp = 0x08, dinit = 0x01;
    constexpr uint8_t raa = 0x20, mprsnt = 0x10, mthrd = 0x02, mounted = 0x01;
    constexpr uint16_t poll_milliseconds = 1000;
    uint8_t drive = dinit;
    if (facts.prevented) drive |= pamr;
    if (facts.compresses) drive |= cmpr;
    if (facts.cartridge && facts.write_protected) drive |= wrtp;
    uint8_t medium = facts.prevented ? 0 : raa;
    if (facts.cartridge) medium |= mprsnt;
    if (facts.loaded) medium |= mthrd | mounted;
    append_head(body, 0, Form::binary, 4);
    body.insert(body.end(), {drive, medium, 0, 0});
    append_number(body, 1, poll_milliseconds, 2, Form::binary);
}

void log_alert_response(const LogFacts& facts, LogBody& body) {
    append_number(body, 0, shown_alerts(facts.counters.alerts), 8, Form::binary);
}

void log_device_statistics(const LogFacts& facts, LogBody& body) {
    const Counters& counters = facts.counters;
    append_number(body, 0x00, counters.loads.get(), 4);
    append_number(body, 0x01, counters.cleanings.get(), 4);
    append_number(body, 0x0d, counters.loads.get(), 4);
    append_number(body, 0x0e, counters.lifetime.write_errors.get(), 4);
    append_number(body, 0x0f, counters.lifetime.read_errors.get(), 4);
    append_text(body, 0x40, facts.serial, std::min<size_t>(facts.serial.size(), 255));
    append_text(body, 0x41, facts.serial, std::min<size_t>(facts.serial.size(), 255));
    append_number(body, 0x80, facts.prevented, 1, Form::binary);
    append_number(body, 0x81, 0, 1, Form::binary);
}

// SSC-4 8.2.12: PAGE VALID tells whether there is a volume to speak of.
void log_volume_statistics(const LogFacts& facts, LogBody& body) {
    const store::Tape* tape = loaded_tape(facts);
    append_number(body, 0x00, tape ? 1 : 0, 1, Form::binary);
    if (!tape) return;
    append_volume_traffic(body, facts);
    append_volume(body, facts, *tape);
}

void log_data_compression(const LogFacts& facts, LogBody& body) {
    append_compression(body, facts.counters.mount);
    append_number(body, 0x100, facts.compresses, 1, Form::binary);
}

// SSC-4 8.2.5: a parameter for each flag, supported or not.
void log_alerts(const LogFacts& facts, LogBody& body) {
    const uint64_t alerts = facts.counters.alerts;
    for (unsigned i = 0; i < alert_flags; ++i)
        append_number(body, uint16_t(i + 1), alerts >> i & 1, 1);
}

void log_usage(const LogFacts& facts, LogBody& body) {
    const Traffic& mount = facts.counters.mount;
    append_number(body, 1, facts.thread_count, 4);
    append_number(body, 2, mount.blocks_written.get(), 8);
    append_number(body, 3, 0, 4);
    append_number(body, 4, mount.write_errors.get(), 2);
    append_number(body, 5, 0, 2);
    append_number(body, 6, 0, 2);
    append_number(body, 7, mount.blocks_read.get(), 8);
    append_number(body, 8, 0, 4);
    append_number(body, 9, mount.read_errors.get(), 2);
    append_number(body, 10, 0, 2);
    append_number(body, 11, 0, 2);
}

// Remaining and maximum of the main partition, then of the next one.
void log_capacity(const LogFacts& facts, LogBody& body) {
    const store::Tape* tape = loaded_tape(facts);
    auto room = [&](uint32_t partition) {
        if (!tape || partition >= tape->partitions()) return store::TapeRoom();
        return tape->room(partition);
    };
    append_number(body, 1, left(room(0)) / mebibyte, 4);
    append_number(body, 2, left(room(1)) / mebibyte, 4);
    append_number(body, 3, room(0).capacity / mebibyte, 4);
    append_number(body, 4, room(1).capacity / mebibyte, 4);
}

void log_compression(const LogFacts& facts, LogBody& body) {
    append_compression(body, facts.counters.mount);
}

}  // namespace tgt::ssc
