// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "ipc/admin/client.h"
#include "tgt-setup-library/plan.h"

namespace tgt::setup_library {

// One run of the program: makes what the plan says, or says what it would be; when something fails,
// what was made is undone. One use, one thread; `options` must outlive it.
class Setup {
  public:
    Setup(Options options, std::string socket)
        : options_(std::move(options)), client_(std::move(socket)) {}

    // The exit status.
    int run();

  private:
    Result<int> free_tid();
    int tell(const Plan& plan) const;
    int tell_config(const Plan& plan) const;
    bool make_files(const Plan& plan);
    bool make_folder();
    bool make_changer_file(const std::string& path);
    bool send_all(const Plan& plan);
    void undo();
    void progress(const char* what, size_t done, size_t of);

    Options options_;
    ipc::Client client_;
    int tid_ = 0;
    bool target_made_ = false, folder_made_ = false;
    std::vector<std::string> files_made_;
};

}  // namespace tgt::setup_library
