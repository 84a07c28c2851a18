// SPDX-License-Identifier: GPL-2.0-or-later
// What a tape is: objects in partitions, and a place. Nothing of how it is kept.
#pragma once

#include <vector>

#include "tests/unit/store/tape_fixture.h"

namespace tgt::store::test {

class ReferenceTape {
  public:
    explicit ReferenceTape(unsigned partitions) : partitions_(partitions) {}

    const Objects& objects(uint32_t partition) const { return partitions_[partition]; }
    const std::vector<Objects>& all() const { return partitions_; }
    unsigned partitions() const { return unsigned(partitions_.size()); }
    TapePosition position() const {
        return {partition_, at_, uint64_t(std::count_if(here().begin(), place(), is_mark))};
    }
    const Object* next() const { return at_ < here().size() ? &here()[at_] : nullptr; }
    const Object* previous() const { return at_ > 0 ? &here()[at_ - 1] : nullptr; }

    void format(unsigned partitions) {
        partitions_.assign(partitions, {});
        partition_ = 0;
        at_ = 0;
    }
    void write(const Object& object) {
        truncate();
        here().push_back(object);
        ++at_;
    }
    void truncate() { here().resize(at_); }
    bool locate(uint32_t partition, uint64_t object) {
        partition_ = partition;
        const uint64_t end = here().size();
        at_ = std::min(object, end);
        return object <= end;
    }
    bool locate_file(uint32_t partition, uint64_t file) {
        partition_ = partition;
        for (at_ = 0; at_ < here().size() && file > 0; ++at_)
            if (here()[at_].filemark) --file;
        return file == 0;
    }
    TapeMoved space_blocks(int64_t count) {
        TapeMoved moved;
        for (; count > 0; --count, ++moved.count) {
            const Object* one = next();
            if (!one) return stop(moved, TapeObject::end_of_data);
            ++at_;
            if (one->filemark) return stop(moved, TapeObject::filemark);
        }
        for (; count < 0; ++count, ++moved.count) {
            const Object* one = previous();
            if (!one) return stop(moved, TapeObject::beginning_of_partition);
            --at_;
            if (one->filemark) return stop(moved, TapeObject::filemark);
        }
        return moved;
    }
    TapeMoved space_filemarks(int64_t count) {
        TapeMoved moved;
        while (count > 0) {
            const Object* one = next();
            if (!one) return stop(moved, TapeObject::end_of_data);
            ++at_;
            if (one->filemark) --count, ++moved.count;
        }
        while (count < 0) {
            const Object* one = previous();
            if (!one) return stop(moved, TapeObject::beginning_of_partition);
            --at_;
            if (one->filemark) ++count, ++moved.count;
        }
        return moved;
    }

  private:
    static bool is_mark(const Object& object) { return object.filemark; }
    static TapeMoved stop(TapeMoved moved, TapeObject at) {
        moved.stopped_at = at;
        return moved;
    }
    Objects& here() { return partitions_[partition_]; }
    const Objects& here() const { return partitions_[partition_]; }
    Objects::const_iterator place() const { return here().begin() + ptrdiff_t(at_); }

    std::vector<Objects> partitions_;
    uint32_t partition_ = 0;
    uint64_t at_ = 0;
};

}  // namespace tgt::store::test
