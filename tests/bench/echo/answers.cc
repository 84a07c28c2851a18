// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/echo/answers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

namespace tgt::bench {

Result<Source> Source::open(const std::string& path) {
    Source source;
    if (path.empty()) {
        source.buffer_.assign(length_limit, 0x5a);
        return source;
    }
    source.file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat found {};
    if (!source.file_ || ::fstat(source.file_.get(), &found) != 0)
        return fail(errno, fmt::format("{}: {}", path, std::strerror(errno)));
    source.size_ = static_cast<uint64_t>(found.st_size);
    return source;
}

bool Source::read(uint64_t offset, std::span<uint8_t> into) const {
    const uint64_t slots = size_ / into.size();
    if (slots == 0) return false;
    const auto at = static_cast<off_t>(offset / into.size() % slots * into.size());
    const iovec piece{into.data(), into.size()};
    const auto wanted = static_cast<ssize_t>(into.size());
    return ::preadv2(file_.get(), &piece, 1, at, RWF_NOWAIT) == wanted ||
           ::pread(file_.get(), into.data(), into.size(), at) == wanted;
}

std::span<uint8_t> AnswerMemory::take(uint32_t length) {
    if (free_.empty()) free_.emplace_back();
    Piece& piece = used_.emplace_back(std::move(free_.back()));
    free_.pop_back();
    const size_t pages = (length + sizeof(Page) - 1) / sizeof(Page);
    if (piece.size() < pages) piece.resize(pages);
    return {piece.front().bytes, length};
}

void AnswerMemory::all_sent() {
    std::move(used_.begin(), used_.end(), std::back_inserter(free_));
    used_.clear();
}

}  // namespace tgt::bench
