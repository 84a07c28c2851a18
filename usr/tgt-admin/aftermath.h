// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>

#include "ipc/admin/client.h"
#include "tgt-admin/plan.h"

namespace tgt::tgt_admin {

// Which commands of a plan must not be sent when one before them has failed, although failures are
// to be ignored: those for a target that could not be made, as another one has its number; and
// those that would let initiators into a target whose account could not be bound. One run of one
// plan, which outlives it.
class Aftermath {
  public:
    explicit Aftermath(const Plan& plan) : plan_(plan) {}

    void failed(const Step& step, const ipc::CallError& error);
    bool forbids(const Step& step) const;

  private:
    const Plan& plan_;
    std::set<const Step*> failed_;
    std::set<int> unguarded_;  // targets that lack an account
};

}  // namespace tgt::tgt_admin
