// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/reservation_store.h"

#include <fmt/core.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <deque>

#include "base/log.h"
#include "mgmt/durable_file.h"

namespace tgt::mgmt {

namespace {

constexpr auto module = log::Module::mgmt;
constexpr size_t max_file_bytes = 16 << 20;

using Reservations = scsi::Reservations;

// The state directory is made on first use, its parents are the user's.
Result<void> make_folders(const std::string& folder) {
    const std::string parent = folder.substr(0, folder.rfind('/'));
    if (auto made = make_folder(parent); !made) return made;
    return make_folder(folder);
}

}  // namespace

// The file of one medium, and who waits for it. Shared by the keepers, the running saves and the
// store.
class ReservationStore::Medium : public std::enable_shared_from_this<Medium> {
  public:
    Medium(io::Runtime& runtime, std::string folder, std::string key)
        : runtime_(runtime),
          folder_(std::move(folder)),
          key_(std::move(key)),
          name_(reservation_file_name(key_)) {}

    struct Save {
        Reservations reservations;
        UnitDescription description;
        std::function<void(bool)> done;
    };
    void save(Save save);
    Result<std::optional<Reservations>> load();

  private:
    struct Run : Task {
        std::shared_ptr<Medium> medium;
    };
    void start_run();
    void run();
    bool carry_out(const Save& save);
    Result<void> write(const Save& save);
    Result<void> keep_unknown_file();
    Result<std::optional<Reservations>> read();

    io::Runtime& runtime_;
    const std::string folder_, key_, name_;
    std::mutex mutex_;
    std::condition_variable idle_;
    std::deque<Save> waiting_;
    bool busy_ = false;   // one thread reads or writes the file
    bool known_ = false;  // the file was read or written: only by the thread that is busy
};

void ReservationStore::Medium::save(Save save) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(save));
    if (!std::exchange(busy_, true)) start_run();
}

void ReservationStore::Medium::start_run() {
    auto* task = new Run;
    task->medium = shared_from_this();
    task->run = [](Task& task) {
        auto* self = static_cast<Run*>(&task);
        const auto medium = std::move(self->medium);
        delete self;
        medium->run();
    };
    runtime_.pool().submit(*task);
}

// On the pool, as the only thread: every save that came, in order.
void ReservationStore::Medium::run() {
    std::unique_lock lock(mutex_);
    while (!waiting_.empty()) {
        Save save = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        const bool kept = carry_out(save);
        runtime_.control().post([kept, done = std::move(save.done)] { done(kept); });
        lock.lock();
    }
    busy_ = false;
    idle_.notify_all();
}

bool ReservationStore::Medium::carry_out(const Save& save) {
    const auto written = write(save);
    if (written) return true;
    log::error(module, "the reservations of {} cannot be kept: {}", save.description.path,
               written.error().text);
    return false;
}

Result<void> ReservationStore::Medium::write(const Save& save) {
    if (auto made = make_folders(folder_); !made) return made;
    if (auto kept = keep_unknown_file(); !kept) return kept;
    known_ = true;
    if (!save.reservations.aptpl) return remove_durably(folder_, name_);
    return write_durably(folder_, name_,
                         encode_reservation_file(key_, save.description, save.reservations));
}

// A file that could not be read, or that nobody has read, may still be worth something.
Result<void> ReservationStore::Medium::keep_unknown_file() {
    if (known_) return {};
    auto aside = put_aside(folder_, name_);
    if (aside)
        log::warn(module, "{}/{} was there but not in use; it is kept as {}", folder_, name_,
                  *aside);
    else if (aside.error().code != ENOENT)
        return tl::unexpected(aside.error());
    return {};
}

Result<std::optional<Reservations>> ReservationStore::Medium::load() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !busy_; });
    busy_ = true;
    lock.unlock();
    auto loaded = read();
    if (!loaded) log::warn(module, "{}", loaded.error().text);
    lock.lock();
    busy_ = !waiting_.empty();
    if (busy_)
        start_run();
    else
        idle_.notify_all();
    return loaded;
}

Result<std::optional<Reservations>> ReservationStore::Medium::read() {
    const std::string path = folder_ + "/" + name_;
    auto text = read_file(path, max_file_bytes);
    if (!text)
        return fail(text.error().code,
                    fmt::format("{}; the logical unit starts without the reservations that were "
                                "kept there",
                                text.error().text));
    known_ = true;
    if (!*text) return std::nullopt;
    auto reservations = decode_reservation_file(**text, key_);
    if (reservations) return std::move(*reservations);
    known_ = false;
    const auto aside = put_aside(folder_, name_);
    return fail(EBADMSG, fmt::format("the reservations in {} are damaged ({}); the logical unit "
                                     "starts without them, and {}",
                                     path, reservations.error().text,
                                     aside ? "the file is kept as " + *aside
                                           : "the file stays there: " + aside.error().text));
}

class ReservationStore::Keeper final : public scsi::ReservationKeeper {
  public:
    Keeper(std::shared_ptr<Medium> medium, UnitDescription description)
        : medium_(std::move(medium)), description_(std::move(description)) {}
    void keep(const Reservations& reservations, std::function<void(bool)> done) override {
        medium_->save({reservations, description_, std::move(done)});
    }

  private:
    const std::shared_ptr<Medium> medium_;
    const UnitDescription description_;
};

ReservationStore::ReservationStore(io::Runtime& runtime, std::string state_dir)
    : runtime_(runtime), folder_(std::move(state_dir) + "/reservations") {}

ReservationStore::~ReservationStore() = default;

Result<void> ReservationStore::prepare() {
    if (auto made = make_folders(folder_); !made) return made;
    if (access(folder_.c_str(), R_OK | W_OK | X_OK) != 0)
        return fail(errno, fmt::format("cannot write in {}: {}", folder_, strerror(errno)));
    return {};
}

std::shared_ptr<ReservationStore::Medium> ReservationStore::medium(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto& found = media_[key];
    if (!found) found = std::make_shared<Medium>(runtime_, folder_, key);
    return found;
}

std::shared_ptr<scsi::ReservationKeeper> ReservationStore::make_keeper(
    const std::string& medium_key, UnitDescription description) {
    return std::make_shared<Keeper>(medium(medium_key), std::move(description));
}

Result<std::optional<Reservations>> ReservationStore::load(const std::string& medium_key) {
    return medium(medium_key)->load();
}

}  // namespace tgt::mgmt
