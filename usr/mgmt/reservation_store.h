// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/runtime.h"
#include "mgmt/reservation_file.h"
#include "scsi/logical_unit.h"

namespace tgt::mgmt {

// The persistent reservations that outlive the daemon (SPC-4 5.13.5, APTPL): one file per medium in
// <state dir>/reservations. Made by the program; it and its keepers may go in any order, the
// runtime outlives them all. Saves that are under way when they go still reach the disk.
class ReservationStore {
  public:
    ReservationStore(io::Runtime& runtime, std::string state_dir);
    ~ReservationStore();

    // Makes the folder. An error names it and the reason: the daemon should not start then.
    // Blocking: before the threads run, or on the pool.
    Result<void> prepare();

    // For LogicalUnit::set_keeper(). `medium_key` names the medium for good, whatever its path or
    // device number is after a restart; `description` is for people who read the file. Saves for
    // one key are done one after the other, whoever asks. Control thread.
    std::shared_ptr<scsi::ReservationKeeper> make_keeper(const std::string& medium_key,
                                                         UnitDescription description);

    // What a unit on this medium starts from: nothing, or registrations and a reservation with
    // `aptpl`, PRGENERATION 0 and no RESERVE(6). Saves of the medium that are under way come
    // first. An error (EBADMSG: the file is damaged and was put aside with ".bad" added to its
    // name; else: it could not be read) names the file, and is logged as a warning: the caller goes
    // on without reservations. A file that could not be read is put aside, too, before a save
    // replaces it. Blocking: pool threads.
    Result<std::optional<scsi::Reservations>> load(const std::string& medium_key);

  private:
    class Medium;
    class Keeper;
    std::shared_ptr<Medium> medium(const std::string& key);

    io::Runtime& runtime_;
    const std::string folder_;
    std::mutex mutex_;  // of media_: load() runs on the pool
    std::map<std::string, std::shared_ptr<Medium>> media_;
};

}  // namespace tgt::mgmt
