// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/runner.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

namespace tgt::tgt_admin {
namespace {

using ipc::CallError;
using ipc::ErrorCode;

// Connections that were told to close, and commands that are still under way, take a moment.
constexpr auto try_again_after = std::chrono::milliseconds(100);
constexpr int tries = 50;

bool still_active(const CallError& error) {
    return error.kind == CallError::Kind::daemon && (error.code == int(ErrorCode::target_active) ||
                                                     error.code == int(ErrorCode::lun_active));
}

void print(std::FILE* stream, const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stream);
    std::fflush(stream);
}

}  // namespace

std::string failure_text(const CallError& error) {
    std::string text = "tgtadm: " + error.text + "\n";
    if (!error.reason.empty()) text += "tgtadm: reason: " + error.reason + "\n";
    return text;
}

int exit_code(const CallError& error) {
    return error.kind == CallError::Kind::not_running ? exit_not_connected : exit_invalid;
}

int Runner::run(const Plan& plan) {
    Aftermath aftermath(plan);
    for (const Step& step : plan.steps)
        if (const int code = run_step(step, aftermath)) return code;
    return plan.exit_code;
}

int Runner::run_step(const Step& step, Aftermath& aftermath) {
    switch (step.kind) {
        case Step::Kind::comment:
            if (options_.talks()) print(stdout, step.text + "\n");
            return 0;
        case Step::Kind::warning:
            if (!options_.talks()) print(stderr, "tgt-admin: " + step.text + "\n");
            return 0;
        case Step::Kind::say:
            print(stdout, step.text + "\n");
            return 0;
        case Step::Kind::run:
            return perform(step, aftermath);
    }
    return 0;
}

int Runner::perform(const Step& step, Aftermath& aftermath) {
    if (aftermath.forbids(step)) {
        print(stderr, "tgt-admin: not done, as something before it has failed: " +
                          command_line(step.command, control_port_, false) + "\n");
        return 0;
    }
    // Pretending is for those who have the file; what is done may be written to a log.
    if (options_.talks())
        print(stdout, command_line(step.command, control_port_, options_.pretend) + "\n");
    if (options_.pretend) return 0;
    const auto result = call(step);
    if (result) return 0;
    print(stderr, failure_text(result.error()));
    aftermath.failed(step, result.error());
    if (options_.ignore_errors) return 0;
    const int code = exit_code(result.error());
    say_failed(step.command, code);
    return code;
}

void Runner::say_failed(const Command& command, int code) const {
    print(stdout, "Command:\n\t" + command_line(command, control_port_, false) +
                      "\nexited with code: " + std::to_string(code) + ".\n");
}

tl::expected<ipc::CallResult, CallError> Runner::call(const Step& step) {
    if (auto connected = client_.connect(); !connected) return tl::unexpected(connected.error());
    nlohmann::json params = *step.command.params;
    // What only our daemon knows.
    if (client_.legacy())
        params.erase("force");
    else if (step.command.makes)
        params["origin"] = "config";
    for (int i = 1;; ++i) {
        auto result = client_.call(step.command.method, params);
        if (result || !step.patient || !still_active(result.error()) || i == tries) return result;
        std::this_thread::sleep_for(try_again_after);
    }
}

}  // namespace tgt::tgt_admin
