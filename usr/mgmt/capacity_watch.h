// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "mgmt/media.h"
#include "mgmt/uevents.h"

namespace tgt::mgmt {

// Notices by itself that a medium may have another size now, or be gone. Files: inotify, with one
// shot for each file and a new one at most every `every`, so that the initiators' own writes cost
// one look in that time, and nothing when they are over. Block devices: the kernel's uevents.
// Control thread; what can wait for a file system runs on the pool, one call at a time for each
// medium.
class CapacityWatch final : public io::FdWatcher {
  public:
    struct Told {
        // The size of a medium, looked at because something has happened to it.
        std::function<void(const MediumPtr&, Result<uint64_t>)> size;
        // A block device has come: perhaps one that is missed.
        std::function<void()> device_added;
    };
    CapacityWatch(io::Runtime& runtime, io::Duration every, Told told);
    CapacityWatch(const CapacityWatch&) = delete;
    ~CapacityWatch();

    // Again after its handle was replaced.
    void watch(const MediumPtr& medium);
    void forget(const MediumPtr& medium);
    void on_ready(uint32_t events) override;

  private:
    struct Watch;
    struct Armed;
    using WatchPtr = std::shared_ptr<Watch>;

    bool open_inotify();
    void listen_for_devices();
    void something_happened(const WatchPtr& watch);
    void look(const WatchPtr& watch);
    void looked(const WatchPtr& watch, Armed armed);
    void disarm(Watch& watch);
    void take_back(int wd);
    void shot(int wd);
    void lost_shots();
    void device_event(std::optional<DeviceEvent> event);

    io::Runtime& runtime_;
    const io::Duration every_;
    const Told told_;
    UniqueFd inotify_;
    Uevents uevents_;
    bool devices_tried_ = false;
    std::map<MediumPtr, WatchPtr> watches_;
    std::map<int, WatchPtr> armed_;  // by the number of the shot that is waited for
    std::vector<int> early_;         // shots whose number the control thread does not know yet
    size_t arming_ = 0;              // calls on the pool that will tell a number
};

}  // namespace tgt::mgmt
