// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "io/worker.h"
#include "mgmt/admin_connection.h"

namespace tgt::mgmt {

class Registry;

// The group whose members may manage, too (tgtd --admin-group).
using AdminGroup = std::optional<gid_t>;

// The management socket: a Unix stream socket and the lock that tells a second daemon on the same
// control port apart from a socket left behind. Made by the program; start() and stop() on the
// control thread, which owns it from then on.
class AdminServer final : public io::FdWatcher {
  public:
    // Makes the socket's folder (only the default one), takes the lock `<path>.lock`, removes a
    // socket that nobody serves and listens. The error says which path and why; EBUSY: another
    // daemon has it. `passed`: a socket that listens on the path already and does not block.
    static Result<std::unique_ptr<AdminServer>> open(const std::string& path, bool make_folder,
                                                     UniqueFd passed = UniqueFd(),
                                                     AdminGroup group = std::nullopt);
    AdminServer(const AdminServer&) = delete;
    // The socket and the lock file stay, as tgt leaves them: its tgtadm takes only a refused
    // connection for the daemon's end, and waits for that.
    ~AdminServer();

    void start(io::Worker& control, Registry& registry);
    void stop();
    // Another daemon may take the control port from now on. Any thread, once.
    void release_lock() { lock_.reset(); }
    void on_ready(uint32_t events) override;
    const std::string& path() const { return path_; }

    // Beyond it, the oldest of those that wait for nothing makes room for a new one.
    static constexpr size_t max_connections = 128;

  private:
    AdminServer(std::string path, UniqueFd lock, UniqueFd socket, AdminGroup group);
    void accept_one(UniqueFd fd);
    bool make_room();

    const std::string path_;
    const AdminGroup group_;
    UniqueFd lock_;
    UniqueFd socket_;
    io::Worker* control_ = nullptr;
    Registry* registry_ = nullptr;
    io::Timer resume_;  // accepting again after the system ran out of descriptors
    std::vector<std::shared_ptr<AdminConnection>> connections_;
};

// Who may manage: the daemon's own user and group, root, and the members of the group.
bool may_manage(int fd, AdminGroup group = std::nullopt);
// Of these, who may read secrets: the daemon's own user and root.
bool may_read_secrets(int fd);

}  // namespace tgt::mgmt
