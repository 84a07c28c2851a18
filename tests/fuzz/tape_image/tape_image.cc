// SPDX-License-Identifier: GPL-2.0-or-later
// Images of tapes, of both formats: what opens can be read from end to end without leaving its
// bounds, gives the same twice, and goes on behind what was there.
// The first byte says which checksums are made good, so that what stands behind them is reached.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/crc32c.h"
#include "store/ssc/image.h"
#include "store/ssc/metadata.h"
#include "store/ssc/record.h"
#include "store/ssc/tape2_format.h"
#include "tests/fuzz/input.h"
#include "wire/endian.h"

namespace {

using namespace tgt;
using namespace tgt::store;
using Bytes = std::vector<uint8_t>;

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr uint64_t most_bytes = uint64_t(4) << 20;

// A file in memory that is full at 4 MiB.
class MemoryFile final : public ssc::ImageFile {
  public:
    explicit MemoryFile(std::shared_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
    int read(uint64_t offset, std::span<const iovec> out, uint64_t& got) override {
        got = 0;
        for (const iovec& piece : out) {
            if (offset >= bytes_->size()) return 0;
            const uint64_t count = std::min<uint64_t>(piece.iov_len, bytes_->size() - offset);
            std::copy_n(bytes_->begin() + ptrdiff_t(offset), count,
                        static_cast<uint8_t*>(piece.iov_base));
            got += count;
            offset += count;
        }
        return 0;
    }
    int write(uint64_t offset, std::span<const iovec> data) override {
        const uint64_t count = ssc::length_of(data);
        if (offset > most_bytes || count > most_bytes - offset) return ENOSPC;
        if (bytes_->size() < offset + count) bytes_->resize(offset + count);
        for (const iovec& piece : data) {
            std::copy_n(static_cast<const uint8_t*>(piece.iov_base), piece.iov_len,
                        bytes_->begin() + ptrdiff_t(offset));
            offset += piece.iov_len;
        }
        return 0;
    }
    int cut(uint64_t size) override {
        if (size < bytes_->size()) bytes_->resize(size);
        return 0;
    }
    int punch(uint64_t, uint64_t) override { return EOPNOTSUPP; }
    int sync() override { return 0; }
    uint64_t size() override { return bytes_->size(); }

  private:
    std::shared_ptr<Bytes> bytes_;
};

// --- checksums made good ------------------------------------------------------------------------

void mend_metadata(Bytes& image) {
    constexpr size_t version_at = 8, crc_at = 12, sequence_at = 16, length_at = 24;
    if (image.size() < 64) return;
    const size_t length = wire::load_be<4>(&image[length_at]);
    if (length < 64 || length > image.size()) return;
    uint32_t crc = crc32c_update(crc32c_start, &image[version_at], 4);
    crc = crc32c_update(crc, &image[sequence_at], length - sequence_at);
    wire::store_be<4>(&image[crc_at], crc32c_finish(crc));
}

void mend_records(Bytes& image) {
    constexpr size_t crc_at = 4, stored_at = 16, payload_crc_at = 20, previous_at = 40,
                     previous_crc_at = 48;
    uint64_t previous = 0;
    uint32_t previous_crc = 0;
    for (uint64_t at = ssc::metadata_area_size; at + ssc::record_header_size <= image.size();) {
        const uint64_t stored = wire::load_be<4>(&image[at + stored_at]);
        const uint64_t payload = at + ssc::record_header_size;
        if (stored > image.size() - payload) return;
        wire::store_be<4>(&image[at + payload_crc_at], crc32c(image.data() + payload, stored));
        wire::store_be<8>(&image[at + previous_at], previous);
        wire::store_be<4>(&image[at + previous_crc_at], previous_crc);
        previous = at;
        previous_crc = crc32c(&image[at + 8], ssc::record_header_size - 8);
        wire::store_be<4>(&image[at + crc_at], previous_crc);
        at = payload + stored;
    }
}

void mend_header2(Bytes& image, uint64_t at) {
    const uint32_t crc = crc32c(&image[at + 4], ssc::v2::header_size - 4);
    for (unsigned i = 0; i < 4; ++i) image[at + i] = uint8_t(crc >> (8 * i));
}

void mend_format2(Bytes& image) {
    if (image.size() < ssc::v2::first_block) return;
    mend_header2(image, 0);
    for (uint64_t at = ssc::v2::first_block; at + ssc::v2::header_size <= image.size();) {
        mend_header2(image, at);
        at += ssc::v2::header_size + uint64_t(wire::load_be<4>(&image[at + 4]));
    }
}

// The bytes of format 3 are two pieces, since there are 512 KiB between them.
Bytes image_of(test::Input& input) {
    const uint8_t mode = input.byte();
    const auto rest = [&] { return input.take(most_bytes); };
    if (mode & 0x80) {
        Bytes image = rest();
        if (mode & 1) mend_format2(image);
        return image;
    }
    const size_t high = input.byte();
    Bytes image = input.take(high << 8 | input.byte());
    if (mode & 1) mend_metadata(image);
    image.resize(ssc::metadata_area_size);
    const Bytes records = rest();
    image.insert(image.end(), records.begin(), records.end());
    if (mode & 2) mend_records(image);
    return image;
}

// --- what has to hold ---------------------------------------------------------------------------

std::unique_ptr<Tape> open(const std::shared_ptr<Bytes>& image, bool read_only) {
    auto opened = ssc::open_image(std::make_unique<MemoryFile>(image), read_only);
    if (opened) return std::move(*opened);
    require(!opened.error().text.empty());
    return nullptr;
}

// A sum over what can be read of a partition.
uint32_t read_all(Tape& tape, uint32_t partition) {
    bool reached = false;
    uint32_t sum = crc32c_start;
    Bytes payload;
    require(tape.locate(partition, 0, reached) == 0 && reached);
    for (;;) {
        const TapePosition before = tape.position();
        TapeBlock block;
        TapeMoved moved;
        if (tape.next(block) != 0 || block.kind == TapeObject::end_of_data) break;
        if (block.kind == TapeObject::filemark) {
            require(tape.space_filemarks(1, moved) == 0);
        } else {
            payload.assign(block.stored, 0);
            const iovec piece = {payload.data(), payload.size()};
            const int error = tape.read({&piece, 1});
            require(error == 0 || error == EBADMSG);
            sum = crc32c_update(sum, payload.data(), payload.size());
        }
        require(tape.position().object == before.object + 1);
        const TapeRoom room = tape.room(partition);
        require(room.before <= room.used);
    }
    return sum;
}

void move_about(Tape& tape, uint32_t partition) {
    TapeMoved moved;
    bool reached = false;
    tape.to_end_of_data(partition);
    const TapePosition end = tape.position();
    for (const int64_t count : {-1, -100, 100}) {
        tape.space_blocks(count, moved);
        tape.space_filemarks(count, moved);
        require(tape.position().object <= end.object);
    }
    if (tape.locate(partition, end.object / 2, reached) == 0)
        require(reached && tape.position().object == end.object / 2);
    if (tape.locate_file(partition, end.file / 2, reached) == 0)
        require(reached && tape.position().file == end.file / 2);
}

// A block behind what is there is there when it is opened again.
void go_on(const std::shared_ptr<Bytes>& image) {
    auto tape = open(image, false);
    if (!tape) return;
    // Where an image contradicts itself nothing is promised behind that.
    TapeBlock block;
    read_all(*tape, 0);
    if (tape->next(block) != 0 || tape->to_end_of_data(0) != 0) return;
    const TapePosition end = tape->position();
    uint8_t byte = 0x5a;
    const iovec piece = {&byte, 1};
    const int error =
        tape->write({.kind = TapeObject::block, .length = 1, .stored = 1, .flags = 0}, {&piece, 1});
    if (error) return;
    require(tape->flush() == 0);
    tape = open(image, true);
    require(tape != nullptr);
    bool reached = false;
    if (tape->locate(0, end.object, reached) != 0 || !reached) return;
    byte = 0;
    require(tape->read({&piece, 1}) == 0 && byte == 0x5a);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    test::Input input(data, size);
    const auto image = std::make_shared<Bytes>(image_of(input));
    auto tape = open(image, true);
    if (!tape) return 0;
    require(tape->partitions() >= 1 && tape->partitions() <= ssc::most_partitions);
    for (uint32_t i = 0; i < tape->partitions(); ++i) {
        const uint32_t sum = read_all(*tape, i);
        move_about(*tape, i);
        require(read_all(*tape, i) == sum);
    }
    tape.reset();
    go_on(image);
    return 0;
}
