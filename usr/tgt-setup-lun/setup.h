// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/admin/client.h"
#include "tgt-admin/state.h"
#include "tgt-setup-lun/options.h"

namespace tgt::setup_lun {

using tgt_admin::TargetState;

// The lowest number from `first` on that is not in `taken`, which is in any order.
uint64_t lowest_free(uint64_t first, std::vector<uint64_t> taken);

// One run of the program: a target (new, or after a question one that is there), a logical unit and
// who may use them. Prints what it does; a new target that cannot be finished is removed again.
// One use, one thread; `options` must outlive it.
class Setup {
  public:
    Setup(const Options& options, std::string path) : options_(options), client_(std::move(path)) {}

    // The exit status.
    int run();

  private:
    bool find_or_make_target();
    bool use_existing(const TargetState& target);
    bool make_target(std::vector<TargetState> targets);
    bool add_unit();
    bool take_lun();
    bool admit_initiators();
    bool admit_all();
    bool bind(const std::string& address);
    bool has_rule(const std::string& address) const;
    int tell_of_hosts() const;
    int give_up();

    std::vector<TargetState> targets();
    // False when the daemon refused, which is then said; code_ is its number.
    bool call(std::string_view method, const nlohmann::json& params);

    const Options& options_;
    ipc::Client client_;
    TargetState target_;
    uint64_t lun_ = 0;
    bool new_target_ = false;
    int code_ = 0;  // of the last call
};

}  // namespace tgt::setup_lun
