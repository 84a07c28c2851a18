// SPDX-License-Identifier: GPL-2.0-or-later
// A cartridge in version 2 of tgt's older format, which tgt's C versions read and write: one
// partition, a chain of headers, no checksums of what is in the blocks.
#pragma once

#include <memory>
#include <vector>

#include "store/ssc/file.h"
#include "store/ssc/tape2_format.h"

namespace tgt::store::ssc {

// Owns the file.
class Tape2 final : public Tape {
  public:
    // Reads all headers. Errors say what is wrong with the image, without its name.
    static Result<std::unique_ptr<Tape2>> open(std::unique_ptr<ImageFile> file, bool read_only);
    static bool looks_like_one(ImageFile& file);
    ~Tape2() override { flush(); }

    const TapeInfo& info() const override { return info_; }
    unsigned partitions() const override { return 1; }
    TapeRoom room(uint32_t partition) const override;
    int format(std::span<const uint64_t> sizes) override;

    const TapePosition& position() const override { return position_; }
    int next(TapeBlock& block) override;
    int previous(TapeBlock& block) override;

    int locate(uint32_t partition, uint64_t object, bool& reached) override;
    int locate_file(uint32_t partition, uint64_t file, bool& reached) override;
    int to_end_of_data(uint32_t partition) override;
    int space_blocks(int64_t count, TapeMoved& moved) override;
    int space_filemarks(int64_t count, TapeMoved& moved) override;

    int read(std::span<const iovec> out) override;
    int write(const TapeBlock& block, std::span<const iovec> payload) override;
    int write_filemarks(uint32_t count) override;
    int truncate() override;
    int flush() override;
    int lost() const override { return lost_; }

    const std::map<uint16_t, TapeAttribute>& attributes(uint32_t partition) const override;
    int set_attribute(uint32_t partition, uint16_t id, TapeAttribute attribute) override;
    int set_density(uint8_t density) override;

  private:
    struct Object {
        uint64_t offset = 0;
        uint32_t length = 0;
        uint32_t stored = 0;
        uint32_t type = 0;
    };
    Tape2(std::unique_ptr<ImageFile> file, v2::Memory memory, bool read_only);
    int read_headers();
    bool is_next(const v2::Header& header, uint64_t file_size) const;
    uint64_t offset_of(uint64_t object) const;
    uint64_t header_before(uint64_t object) const;
    TapeBlock block_at(uint64_t object) const;
    void go(uint64_t object);
    void note(const Object& object);
    void cut(uint64_t object);
    bool fits(uint64_t bytes) const;
    int refuses() const;
    void append_header(const Object& object, std::vector<uint8_t>& to) const;
    void append_end(std::vector<uint8_t>& to) const;
    int put_filemarks(uint32_t count);
    int put(std::span<const iovec> pieces, uint64_t offset, bool cuts);

    const std::unique_ptr<ImageFile> file_;
    TapeInfo info_;
    v2::Memory memory_;
    std::map<uint16_t, TapeAttribute> attributes_;
    std::vector<Object> objects_;
    std::vector<uint64_t> marks_;  // numbers of the filemarks among them
    uint64_t end_ = v2::first_block;
    TapePosition position_;
    bool memory_changed_ = false;
    bool unsynced_ = false;
    int lost_ = 0;
};

}  // namespace tgt::store::ssc
