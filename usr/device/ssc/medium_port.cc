// SPDX-License-Identifier: GPL-2.0-or-later
// The drive as a media changer sees it: a message to the strand with a deadline.
#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "device/ssc/drive.h"
#include "device/ssc/personality.h"
#include "scsi/logical_unit.h"

namespace tgt::ssc {

// Shared by the changer, which may give up, and the strand, which may come too late.
struct Drive::Request {
    void (Drive::*what)(Request& request) = nullptr;
    // Whose they are: the changer's until the strand has begun, and then the strand's.
    std::unique_ptr<store::Store> medium;
    std::string path;
    Answer answer;

    std::mutex mutex;
    std::condition_variable changed;
    enum class Phase : uint8_t { waiting, begun, ended, given_up } phase = Phase::waiting;

    // False: it is too late.
    bool begin() {
        const std::lock_guard lock(mutex);
        if (phase != Phase::waiting) return false;
        phase = Phase::begun;
        return true;
    }
    void end() {
        const std::lock_guard lock(mutex);
        phase = Phase::ended;
        changed.notify_all();
    }
    // True: it has ended. What has begun by then is waited for, as the medium is under way.
    bool wait(io::Duration limit) {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, limit, [this] { return phase != Phase::waiting; });
        if (phase == Phase::waiting) phase = Phase::given_up;
        changed.wait(lock, [this] { return phase != Phase::begun; });
        return phase == Phase::ended;
    }
};

scsi::MediumPort::Answer Drive::load(std::unique_ptr<store::Store> medium, std::string path,
                                     io::Duration limit) {
    auto request = std::make_shared<Request>();
    request->what = &Drive::take_in;
    request->medium = std::move(medium);
    request->path = std::move(path);
    return carry_out(request, limit);
}

scsi::MediumPort::Answer Drive::unload(io::Duration limit) {
    auto request = std::make_shared<Request>();
    request->what = &Drive::give_out;
    return carry_out(request, limit);
}

scsi::MediumPort::Answer Drive::carry_out(const std::shared_ptr<Request>& request,
                                          io::Duration limit) {
    unit_->on_strand([this, request] {
        if (!request->begin()) return;
        (this->*request->what)(*request);
        request->end();
    });
    if (!request->wait(limit)) {
        request->answer.result = Result::too_late;
        request->answer.medium = std::move(request->medium);
        request->answer.path = std::move(request->path);
    }
    return std::move(request->answer);
}

void Drive::take_in(Request& request) {
    be_what_the_unit_says();
    const auto refuse = [&](Result why) {
        request.answer.result = why;
        request.answer.medium = std::move(request.medium);
        request.answer.path = std::move(request.path);
    };
    if (cartridge_) return refuse(Result::occupied);
    store::Tape* tape = request.medium ? request.medium->tape() : nullptr;
    if (!tape || use_of(*personality_, tape->info()) == Use::none)
        return refuse(Result::unsuitable);
    put_in(std::move(request.medium), std::move(request.path));
    thread();
    // First, so that nobody finds the medium ready without knowing that it is another.
    if (loaded_) unit_->attention_board().post(scsi::ua::medium_may_have_changed);
    publish();
}

void Drive::give_out(Request& request) {
    if (!cartridge_) {
        request.answer.result = Result::empty;
        return;
    }
    if (unit_->preventers() > 0) {
        counters_.raise(Alert::no_removal);
        request.answer.result = Result::prevented;
        return;
    }
    // A flush that fails keeps nobody from taking the cartridge out. Whoever has written is told.
    const scsi::Outcome flushed = flush();
    if (flushed.sense && flushed.sense->deferred) untold_ = Untold{*writer_, *flushed.sense};
    unload(false);
    request.answer.medium = std::move(store_);
    request.answer.path = path_;
    put_in(nullptr, {});
    publish();
}

}  // namespace tgt::ssc
