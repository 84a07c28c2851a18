// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/kring/request.h"

#include "driver/kring/attachment.h"

namespace tgt::kring {

io::Buffer Request::take(size_t bytes) {
    io::Buffer buffer;
    if (reserved.size() < bytes) return buffer;
    buffer = std::move(reserved);
    buffer.shrink(bytes);
    return buffer;
}

void Request::want_data_out() {
    attachment->fetch(*this);
}

void Request::finished() {
    attachment->finished(*this);
}

void Request::recycle() {
    Command::recycle();
    attachment = nullptr;
    initiator = nullptr;
    reserved.release();
    fetching = ended = sending = abandoned = false;
}

}  // namespace tgt::kring
