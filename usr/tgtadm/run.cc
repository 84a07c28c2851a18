// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/run.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "ipc/admin/client.h"
#include "ipc/admin/protocol.h"
#include "ipc/admin/render.h"
#include "tgtadm/hosts.h"

namespace tgt::tgtadm {
namespace {

using Json = nlohmann::json;
using ipc::CallError;

// A daemon with much to flush may need a while; one that never ends must not hold a script for
// ever.
constexpr auto stop_poll = std::chrono::milliseconds(100);
constexpr int stop_polls = 600;

std::string failure_text(const std::string& text, const std::string& reason) {
    std::string lines = "tgtadm: " + text + "\n";
    if (!reason.empty()) lines += "tgtadm: reason: " + reason + "\n";
    return lines;
}

Exit failure(int code, const std::string& text, const std::string& reason = "") {
    return {code, "", failure_text(text, reason)};
}

Exit failure(const CallError& error) {
    const bool absent = error.kind == CallError::Kind::not_running;
    return failure(absent ? exit_not_connected : exit_invalid, error.text, error.reason);
}

// The first line of the file, so that an editor's newline is not part of the secret.
Result<std::string> read_password(const std::string& path) {
    std::string password;
    if (path == "-") {
        if (!std::getline(std::cin, password)) return fail(EINVAL, "no password on standard input");
        return password;
    }
    std::ifstream file(path);
    if (!file) return fail(errno, "can't read the password file " + path);
    if (!std::getline(file, password)) return fail(EINVAL, path + " holds no password");
    return password;
}

Exit wait_for_stop(const ipc::Client& client) {
    for (int i = 0; i < stop_polls; ++i) {
        if (!client.daemon_listens()) return {};
        std::this_thread::sleep_for(stop_poll);
    }
    return failure(exit_invalid, "tgtd is still running", "it did not stop within a minute");
}

// What was done, but not all that one may have thought. Of bindings to hosts; of what tgt has as
// well only --json tells, since scripts read all that is printed.
std::string warnings_of(const std::string& method, const Json& result) {
    std::string out;
    const auto warnings = result.find("warnings");
    if (method != "target.bind" && method != "target.unbind") return out;
    if (warnings == result.end() || !warnings->is_array()) return out;
    for (const Json& one : *warnings)
        if (one.is_string()) out += "tgtadm: warning: " + one.get<std::string>() + "\n";
    return out;
}

Exit output(const Parsed& parsed, const ipc::CallResult& reply) {
    if (!parsed.json && reply.legacy) return {0, reply.text, ""};
    if (!parsed.json) {
        const auto text = reply.result->find("text");
        if (text != reply.result->end() && text->is_string())
            return {0, text->get<std::string>(), ""};
        return {0, ipc::render(parsed.method, *parsed.params, *reply.result),
                warnings_of(parsed.method, *reply.result)};
    }
    return {0, reply.result->dump(2, ' ', false, Json::error_handler_t::replace) + "\n", ""};
}

std::string describe(const Parsed& parsed, const std::string& path) {
    Json shown = *parsed.params;
    if (shown.contains("password")) shown["password"] = "***";
    return "tgtadm: debug: " + parsed.method + " " +
           shown.dump(-1, ' ', false, Json::error_handler_t::replace) + " to " + path + "\n";
}

Exit perform(const Parsed& parsed, const std::string& path) {
    ipc::Client client(path);
    if (auto connected = client.connect(); !connected) return failure(connected.error());
    // Said before anything is changed.
    if (parsed.json && client.legacy())
        return failure(exit_invalid, "this tgtd cannot answer with JSON");
    // Only to print it, the daemon's text is cheaper than its objects.
    if (!parsed.json && parsed.method == "target.show" && !parsed.params->contains("tid"))
        (*parsed.params)["format"] = "text";
    auto reply = client.call(parsed.method, *parsed.params);
    if (!reply) return failure(reply.error());
    Exit exit = output(parsed, *reply);
    if (parsed.method != "system.delete") return exit;
    Exit stopped = wait_for_stop(client);
    return stopped.code ? stopped : exit;
}

}  // namespace

Result<uint32_t> find_scsi_host(std::string_view bus_and_id) {
    const size_t comma = bus_and_id.find(',');
    const std::string bus(bus_and_id.substr(0, comma));
    const auto lost = [&] { return fail(ENODEV, "can't find bus: " + bus); };
    // Neither part may leave its folder.
    if (comma == std::string_view::npos || bus.find('/') != std::string::npos) return lost();
    const std::string id(bus_and_id.substr(comma + 1));
    if (bus.empty() || id.empty() || id.find('/') != std::string::npos) return lost();
    std::error_code error;
    std::filesystem::directory_iterator entry("/sys/bus/" + bus + "/devices/" + id, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.rfind("host", 0) != 0) continue;
        uint32_t host = 0;
        const auto [end, failed] =
            std::from_chars(name.data() + 4, name.data() + name.size(), host);
        if (failed == std::errc() && end == name.data() + name.size()) return host;
    }
    return lost();
}

Exit run(Parsed& parsed, const Environment& env) {
    if (is_host_request(parsed)) return run_host(parsed, real_kernel());
    if (parsed.password_file) {
        auto password = read_password(*parsed.password_file);
        if (!password) return failure(exit_invalid, password.error().text);
        (*parsed.params)["password"] = std::move(*password);
    }
    auto path = ipc::socket_path(env.socket_prefix, parsed.control_port);
    if (!path) {
        Exit exit = failure(exit_not_connected, path.error().text);
        exit.err += failure_text(
            "failed to send request hdr to tgt daemon, "
            "Transport endpoint is not connected",
            "");
        return exit;
    }
    Exit exit = perform(parsed, *path);
    if (parsed.debug) exit.err = describe(parsed, *path) + exit.err;
    return exit;
}

}  // namespace tgt::tgtadm
