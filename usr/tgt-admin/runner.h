// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "ipc/admin/client.h"
#include "tgt-admin/aftermath.h"
#include "tgt-admin/options.h"
#include "tgt-admin/plan.h"

namespace tgt::tgt_admin {

// What tgtadm prints and returns for a failure.
std::string failure_text(const ipc::CallError& error);
int exit_code(const ipc::CallError& error);

// Carries out a plan: prints what is to be printed and sends the commands, or only prints them with
// --pretend. One thread; any lifetime.
class Runner {
  public:
    Runner(ipc::Client& client, const Options& options, unsigned control_port)
        : client_(client), options_(options), control_port_(control_port) {}

    // The exit code of the program: that of the first command that failed, unless failures are to
    // be ignored.
    int run(const Plan& plan);
    // "Command:" and what follows, for a command that ended with `code`.
    void say_failed(const Command& command, int code) const;

  private:
    int run_step(const Step& step, Aftermath& aftermath);
    int perform(const Step& step, Aftermath& aftermath);
    tl::expected<ipc::CallResult, ipc::CallError> call(const Step& step);

    ipc::Client& client_;
    const Options& options_;
    const unsigned control_port_;
};

}  // namespace tgt::tgt_admin
