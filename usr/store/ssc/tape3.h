// SPDX-License-Identifier: GPL-2.0-or-later
// A cartridge in tgt's own format (doc/tape-format.md).
#pragma once

#include <memory>
#include <vector>

#include "store/ssc/create.h"
#include "store/ssc/file.h"
#include "store/ssc/metadata.h"
#include "store/ssc/partition.h"
#include "store/tape.h"

namespace tgt::store::ssc {

// Owns the file. Destroying it makes durable what was written.
class Tape3 final : public Tape {
  public:
    // Errors say what is wrong with the image, without its name.
    static Result<std::unique_ptr<Tape3>> open(std::unique_ptr<ImageFile> file, bool read_only,
                                               const IndexRule& rule = {});
    // A blank cartridge into an empty file. 0 or an errno value.
    static int create(ImageFile& file, const CartridgeSpec& spec);
    ~Tape3() override;

    const TapeInfo& info() const override { return info_; }
    unsigned partitions() const override { return unsigned(partitions_.size()); }
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
    bool next_cached(TapeBlock& block) override;
    int read_cached(std::span<const iovec> out) override;
    int write(const TapeBlock& block, std::span<const iovec> payload) override;
    int write_filemarks(uint32_t count) override;
    int truncate() override;
    int flush() override;
    int lost() const override { return lost_; }

    const std::map<uint16_t, TapeAttribute>& attributes(uint32_t partition) const override;
    int set_attribute(uint32_t partition, uint16_t id, TapeAttribute attribute) override;
    int set_density(uint8_t density) override;

  private:
    Tape3(std::unique_ptr<ImageFile> file, Metadata metadata, bool read_only,
          const IndexRule& rule);
    int open_partitions();
    void make_partitions();
    Partition& here() { return partitions_[position_.partition]; }
    void go(uint32_t partition, const Cursor& at);
    int locate_count(uint32_t partition, Partition::Count what, uint64_t target, bool& reached);
    int walk_blocks(bool forwards, uint64_t count, TapeMoved& moved);
    int blocks_forwards(uint64_t count, TapeMoved& moved);
    int blocks_backwards(uint64_t count, TapeMoved& moved);

    int prepare_writing();
    int begin_generation(const Cursor& end);
    void give_back();
    int wrote(int error);
    int sync();
    int save(Metadata next);
    bool checkpoint_is_far() const;
    Metadata with_checkpoints() const;
    void close();

    const std::unique_ptr<ImageFile> file_;
    const IndexRule rule_;
    Metadata metadata_;  // as it was last saved, but for what set_*() has changed
    TapeInfo info_;
    std::vector<Partition> partitions_;
    TapePosition position_;
    Cursor cursor_;         // the same place
    bool writing_ = false;  // what is behind the end cannot be taken for what is written now
    bool metadata_changed_ = false;
    bool unsynced_ = false;
    int lost_ = 0;  // why the medium does not have what it was given
};

}  // namespace tgt::store::ssc
