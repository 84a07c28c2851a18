// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/ssc/ssc.h"

#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "store/posix/open.h"
#include "store/posix/probe.h"
#include "store/ssc/image.h"
#include "store/tape.h"

namespace tgt::store {

namespace {

using namespace ssc;

class NoQueue final : public StoreQueue {
  public:
    bool submit(Op& op) override {
        op.error = EOPNOTSUPP;
        return true;
    }
    bool cancel(Op&) override { return false; }
};

// A cartridge and the file that it is in, which stays locked while this lives.
class TapeStore final : public Store {
  public:
    TapeStore(posix::Opened opened, Info info, std::unique_ptr<Tape> tape)
        : opened_(std::move(opened)), info_(std::move(info)), tape_(std::move(tape)) {}

    const Info& info() const override { return info_; }
    Tape* tape() override { return tape_.get(); }
    Result<uint64_t> current_size() override { return posix::size_of(opened_.fd.get(), false); }

    std::unique_ptr<StoreQueue> make_queue(io::Worker&, io::PoolLane&) override {
        return std::make_unique<NoQueue>();
    }
    int perform(Op& op) override { return op.error = EOPNOTSUPP; }
    Result<Extent> extent(uint64_t) override {
        return fail(EOPNOTSUPP, "a tape has no bytes at offsets");
    }

  private:
    const posix::Opened opened_;
    const Info info_;
    const std::unique_ptr<Tape> tape_;  // uses the descriptor to the end
};

// Size and features are those of a disk.
Info info_of_tape(const Info& file) {
    Info info;
    info.read_only = file.read_only;
    info.rotational = file.rotational;
    info.identity = file.identity;
    info.lasting_id = file.lasting_id;
    return info;
}

// Readers of a file share its locks, but a cartridge is in one drive only.
Result<void> keep_others_out(const posix::Opened& opened, const OpenRequest& request) {
    if (!opened.read_only || request.flags.force) return {};
    if (flock(opened.fd.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {};
    return fail(EBUSY, fmt::format("{} is in use: another drive or program has it; end that use, "
                                   "or force",
                                   request.path));
}

// The tab of a cartridge: a file that nobody may write, not even root, who could.
bool tab_is_set(const std::string& path) {
    struct stat file;
    return stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) && (file.st_mode & 0222) == 0;
}

Result<std::unique_ptr<Store>> open_ssc(const OpenRequest& asked) {
    OpenRequest request = asked;
    request.flags.read_only = asked.flags.read_only || tab_is_set(asked.path);
    auto opened = posix::open_backing(request);
    if (!opened) return tl::unexpected(opened.error());
    if (opened->block_device)
        return fail(EINVAL, fmt::format("{} is a block device: a tape is in a file", request.path));
    if (auto alone = keep_others_out(*opened, request); !alone)
        return tl::unexpected(alone.error());
    auto info = posix::probe(*opened, request);
    if (!info) return tl::unexpected(info.error());
    auto tape = open_image(std::make_unique<DescriptorFile>(opened->fd.get()), opened->read_only);
    if (!tape)
        return fail(tape.error().code, fmt::format("{} is no tape image that can be used: {}",
                                                   request.path, tape.error().text));
    return std::make_unique<TapeStore>(std::move(*opened), info_of_tape(*info), std::move(*tape));
}

}  // namespace

const Engine ssc_engine = {
    .name = "ssc", .flags = "", .needs_path = true, .open = open_ssc, .content = Content::tape};

}  // namespace tgt::store
