// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "store/scsi_port.h"

namespace tgt::test {

// A device that answers what the test says, and keeps what came. Any thread.
class FakePort final : public store::ScsiPort {
  public:
    struct Came {
        std::vector<uint8_t> cdb;
        std::vector<uint8_t> data;  // to the device
        uint64_t in_length = 0;
    };

    store::ScsiReply execute(const store::ScsiRequest& request) override;
    int reset() override;

    // The next commands: this reply, and so much data.
    void answer(store::ScsiReply reply, std::vector<uint8_t> data = {});
    std::vector<Came> came() const;
    void set_reset_error(int error);
    unsigned resets() const;
    // Commands that begin wait until it is opened; a reset that succeeds opens it if `by_reset`.
    void shut(bool by_reset = false);
    void open();
    void wait_for(size_t commands);  // until so many wait

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    store::ScsiReply reply_;
    std::vector<uint8_t> data_;
    std::vector<Came> came_;
    bool shut_ = false;
    bool opened_by_reset_ = false;
    size_t waiting_ = 0;
    unsigned resets_ = 0;
    int reset_error_ = 0;
};

// What a device says that has done what was asked for.
store::ScsiReply good_reply();

}  // namespace tgt::test
