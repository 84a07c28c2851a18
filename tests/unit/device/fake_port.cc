// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/device/fake_port.h"

#include <algorithm>
#include <cstring>

namespace tgt::test {

store::ScsiReply good_reply() {
    store::ScsiReply reply;
    reply.delivery = store::Delivery::answered;
    return reply;
}

store::ScsiReply FakePort::execute(const store::ScsiRequest& request) {
    std::unique_lock lock(mutex_);
    Came command;
    command.cdb.assign(request.cdb.begin(), request.cdb.end());
    for (const iovec& piece : request.out) {
        const auto* bytes = static_cast<const uint8_t*>(piece.iov_base);
        command.data.insert(command.data.end(), bytes, bytes + piece.iov_len);
    }
    size_t at = 0;
    for (const iovec& piece : request.in) {
        command.in_length += piece.iov_len;
        const size_t length = std::min(piece.iov_len, data_.size() - at);
        if (length > 0) memcpy(piece.iov_base, data_.data() + at, length);
        at += length;
    }
    came_.push_back(std::move(command));
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !shut_; });
    --waiting_;
    return reply_;
}

int FakePort::reset() {
    std::lock_guard lock(mutex_);
    ++resets_;
    if (reset_error_ == 0 && opened_by_reset_) shut_ = false;
    changed_.notify_all();
    return reset_error_;
}

void FakePort::answer(store::ScsiReply reply, std::vector<uint8_t> data) {
    std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    data_ = std::move(data);
}

std::vector<FakePort::Came> FakePort::came() const {
    std::lock_guard lock(mutex_);
    return came_;
}

void FakePort::set_reset_error(int error) {
    std::lock_guard lock(mutex_);
    reset_error_ = error;
}

unsigned FakePort::resets() const {
    std::lock_guard lock(mutex_);
    return resets_;
}

void FakePort::shut(bool by_reset) {
    std::lock_guard lock(mutex_);
    shut_ = true;
    opened_by_reset_ = by_reset;
}

void FakePort::open() {
    std::lock_guard lock(mutex_);
    shut_ = false;
    changed_.notify_all();
}

void FakePort::wait_for(size_t commands) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= commands; });
}

}  // namespace tgt::test
