// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/device/ssc/reference_tape.h"

#include <algorithm>

namespace tgt::test {

namespace {

Expected stop(uint32_t sense, std::optional<int64_t> information) {
    Expected expected;
    expected.good = false;
    expected.sense = sense;
    expected.information = information;
    return expected;
}
Expected mark_found(int64_t residue) {
    Expected expected = stop(0x000001, residue);
    expected.filemark = true;
    return expected;
}
Expected blank(std::optional<int64_t> residue) {
    return stop(0x080005, residue);
}
Expected beginning(std::optional<int64_t> residue) {
    Expected expected = stop(0x000004, residue);
    expected.end_of_medium = true;
    return expected;
}
Expected wrong_length(int64_t residue) {
    Expected expected = stop(0, residue);
    expected.incorrect_length = true;
    return expected;
}
Expected full(int64_t residue) {
    Expected expected = stop(0x0d0002, residue);
    expected.end_of_medium = true;
    return expected;
}
const Expected invalid = stop(0x052400, std::nullopt);

}  // namespace

uint64_t ReferenceTape::file() const {
    const auto& all = partitions_[partition_].objects;
    return uint64_t(std::count_if(all.begin(), all.begin() + ptrdiff_t(at_),
                                  [](const Object& object) { return object.mark; }));
}

uint64_t ReferenceTape::taken() const {
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < at_; ++i) bytes += partitions_[partition_].objects[i].data.size();
    return bytes;
}

Expected ReferenceTape::read(bool fixed, bool sili, uint32_t length, bool wants_data) {
    if ((fixed && sili) || (fixed && block_length == 0)) return invalid;
    Expected expected;
    if (length == 0) return expected;
    const uint32_t blocks = fixed ? length : 1, want = fixed ? block_length : length;
    Bytes data;
    for (uint32_t done = 0; done < blocks && expected.good; ++done) {
        const int64_t residue = fixed ? blocks - done : length;
        if (at_ == objects().size()) {
            expected = blank(residue);
        } else if (at_mark()) {
            ++at_;
            expected = mark_found(residue);
        } else {
            const Bytes& block = objects()[at_++].data;
            const int64_t difference = int64_t(want) - int64_t(block.size());
            const bool hidden = !fixed && sili && (difference > 0 || block_length == 0);
            if (difference != 0 && !hidden) expected = wrong_length(fixed ? residue : difference);
            if (difference == 0 || !fixed)
                data.insert(data.end(), block.begin(),
                            block.begin() + std::min<ptrdiff_t>(want, ptrdiff_t(block.size())));
        }
    }
    if (wants_data) expected.data = data;
    return expected;
}

// A sixteenth of the partition is behind early warning.
Expected ReferenceTape::at_early_warning() const {
    const uint64_t capacity = partitions_[partition_].capacity;
    if (taken() + std::min<uint64_t>(capacity / 16, 64 << 20) < capacity) return {};
    Expected expected = stop(0x000002, 0);
    expected.end_of_medium = true;
    return expected;
}

Expected ReferenceTape::write(bool fixed, uint32_t length, const Bytes& data) {
    if (fixed && block_length == 0) return invalid;
    if (length == 0) return {};
    const uint32_t blocks = fixed ? length : 1, size = fixed ? block_length : length;
    for (uint32_t done = 0; done < blocks; ++done) {
        if (taken() + size > partitions_[partition_].capacity)
            return full(fixed ? blocks - done : length);
        objects().resize(at_);
        const auto from = data.begin() + ptrdiff_t(uint64_t(done) * size);
        objects().push_back({false, Bytes(from, from + size)});
        ++at_;
    }
    return at_early_warning();
}

Expected ReferenceTape::write_filemarks(uint32_t count) {
    if (count == 0) return {};
    objects().resize(at_);
    objects().insert(objects().end(), count, Object{true});
    at_ += count;
    return at_early_warning();
}

Expected ReferenceTape::space(uint8_t code, int64_t count) {
    if (code > 3) return invalid;
    if (code == 3) {
        at_ = objects().size();
        return {};
    }
    if (code == 0) return space_blocks(count);
    return code == 1 ? space_marks(count) : space_sequential(count);
}

Expected ReferenceTape::space_blocks(int64_t count) {
    for (; count > 0; --count) {
        if (at_ == objects().size()) return blank(count);
        if (objects()[at_++].mark) return mark_found(count);
    }
    for (; count < 0; ++count) {
        if (at_ == 0) return beginning(-count);
        if (objects()[--at_].mark) return mark_found(-count);
    }
    return {};
}

Expected ReferenceTape::space_marks(int64_t count) {
    while (count > 0) {
        if (at_ == objects().size()) return blank(count);
        if (objects()[at_++].mark) --count;
    }
    while (count < 0) {
        if (at_ == 0) return beginning(-count);
        if (objects()[--at_].mark) ++count;
    }
    return {};
}

Expected ReferenceTape::space_sequential(int64_t count) {
    for (int64_t run = 0; run < count;) {
        if (at_ == objects().size()) return blank(std::nullopt);
        run = objects()[at_++].mark ? run + 1 : 0;
    }
    for (int64_t run = 0; run < -count;) {
        if (at_ == 0) return beginning(std::nullopt);
        run = objects()[--at_].mark ? run + 1 : 0;
    }
    return {};
}

Expected ReferenceTape::locate(uint8_t type, uint64_t id, std::optional<uint32_t> partition) {
    if (type == 2 || type > 3) return invalid;
    if (partition && *partition >= partitions_.size()) return invalid;
    if (partition) partition_ = *partition;
    const uint64_t end = objects().size();
    at_ = type == 3 ? end : 0;
    if (type == 0) at_ = std::min(id, end);
    if (type == 1)
        while (at_ < end && file() < id) ++at_;
    const bool short_of_it = (type == 0 && id > end) || (type == 1 && file() < id);
    return short_of_it ? blank(std::nullopt) : Expected();
}

Expected ReferenceTape::rewind() {
    at_ = 0;
    return {};
}

Expected ReferenceTape::erase() {
    objects().resize(at_);
    return {};
}

Expected ReferenceTape::format(const std::vector<uint64_t>& sizes) {
    if (partition_ != 0 || at_ != 0) return stop(0x053b0c, std::nullopt);
    partitions_.clear();
    for (uint64_t size : sizes) partitions_.push_back({size});
    return {};
}

}  // namespace tgt::test
